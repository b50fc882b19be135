"""WordNet 3.0 for NLTK: from an installed copy, from Debian's packages without root, or from NLTK's own server.

The folder's files are copied, because NLTK refuses a link that leads out of its root. `lexnames`, which Debian's
packages lack, is the table of WordNet's manual page lexnames(5WN).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from workbench.errors import MissingResource

PARTS = ("noun", "verb", "adj", "adv")
FILES = tuple(name for part in PARTS for name in (f"data.{part}", f"index.{part}", f"{part}.exc"))
SENSES = ("index.sense", "cntlist.rev")
HOLDS = (*FILES, *SENSES, "lexnames")
PLACES = ("/usr/share/wordnet", "/usr/share/wordnet-3.0/dict", "/usr/local/share/wordnet")
"""Where distributions put it. WordNet's own variable WNSEARCHDIR goes before them."""
PACKAGES = ("wordnet-base", "wordnet-sense-index")
HOW_TO_GET = (
    f"apt-get install {' '.join(PACKAGES)} (or make wordnet, which needs no root), then make setup; "
    "elsewhere: python -m workbench.resources --online"
)
_SECONDS = 120  # for 8 MB

LEXNAMES = (  # noqa: SIM905 - a table reads better than 45 quoted strings
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object "
    "noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape "
    "noun.state noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition "
    "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession "
    "verb.social verb.stative verb.weather adj.ppl"
).split()
"""Lexicographer files in the order of their numbers, 00 to 44."""

Fetch = Callable[[Path], Path]
"""Gets WordNet into a scratch folder and returns the folder that holds its files; raises MissingResource."""


def write_wordnet(folder: Path, *, fetches: tuple[Fetch, ...] = ()) -> str:
    """Copy WordNet into `folder` from an installed copy, else from the first of `fetches` that gets it."""
    source = installed()
    if source is not None:
        _copy(source, folder)
        return str(source)
    reasons = []
    for fetch in fetches:
        with tempfile.TemporaryDirectory(prefix="workbench-wordnet-") as scratch:
            try:
                _copy(fetch(Path(scratch)), folder)
            except MissingResource as error:
                reasons.append(str(error))
            else:
                return fetch.__name__.replace("_", " ")
    tried = f" ({'; '.join(reasons)})" if reasons else ""
    raise MissingResource(f"WordNet is not installed{tried}: {HOW_TO_GET}")


def installed() -> Path | None:
    """Return the folder of an installed WordNet with sense index and counts, or None."""
    named = os.environ.get("WNSEARCHDIR")
    for place in (named, *PLACES) if named else PLACES:
        if all((Path(place) / name).is_file() for name in (*FILES, *SENSES)):
            return Path(place)
    return None


def debian_packages(scratch: Path) -> Path:
    """Download and unpack Debian's packages below `scratch`: apt checks their signatures, and no root is needed."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise MissingResource(f"there is no {program} here")
    _run(["apt-get", "-qq", "download", *PACKAGES], folder=scratch)
    archives = sorted(scratch.glob("*.deb"))
    for archive in archives:
        _run(["dpkg-deb", "--extract", str(archive), str(scratch / "unpacked")], folder=scratch)
    return scratch / "unpacked" / "usr" / "share" / "wordnet"


def nltk_download(scratch: Path) -> Path:
    """Download WordNet from NLTK's server below `scratch`."""
    import nltk

    try:
        done = nltk.download("wordnet", download_dir=str(scratch), quiet=True)
    except (OSError, ValueError) as error:
        raise MissingResource(f"NLTK's download failed: {error}") from error
    if not done:
        raise MissingResource("NLTK's server cannot be reached")
    archive = scratch / "corpora" / "wordnet.zip"
    if archive.is_file():
        with zipfile.ZipFile(archive) as opened:
            for name in (*FILES, *SENSES):
                if f"wordnet/{name}" in opened.namelist():
                    opened.extract(f"wordnet/{name}", scratch / "corpora")
    return scratch / "corpora" / "wordnet"


def lexnames() -> str:
    """Return the table of lexicographer files as WordNet writes it: number, name, part of speech."""
    number = {part: i for i, part in enumerate(PARTS, start=1)}
    return "".join(f"{i:02d}\t{name}\t{number[name.partition('.')[0]]}\n" for i, name in enumerate(LEXNAMES))


def _copy(source: Path, folder: Path) -> None:
    if absent := [name for name in (*FILES, *SENSES) if not (source / name).is_file()]:
        raise MissingResource(f"what came lacks {', '.join(absent)}")
    for name in (*FILES, *SENSES):
        shutil.copyfile(source / name, folder / name)
    (folder / "lexnames").write_text(lexnames(), encoding="ascii")


def _run(command: list[str], *, folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingResource(f"{command[0]} failed: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingResource(f"{command[0]} failed: {last}")
