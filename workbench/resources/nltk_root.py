"""The NLTK root: built once from what is installed, one folder at a time, so that NLTK never has to download.

Each folder is made beside its place and renamed into it: it is complete or absent, also after a kill. `prepared.json`
in the root says where each folder came from and what its files' sha256 are.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from workbench import home
from workbench.data.manifest import sha256_of
from workbench.errors import MissingResource, Unwritable
from workbench.resources import tagger, tagset, wordnet, words
from workbench.resources.piece import Piece

RECORD = "prepared.json"
_SETUP = "run make setup (it fetches the packages of carriers.lock)"


def pieces(carriers: Path | None = None, *, fetches: tuple[wordnet.Fetch, ...] = ()) -> tuple[Piece, ...]:
    """Return the folders that the root has, built from the packages below `carriers` (default: the workbench's)."""
    source = carriers or home.carriers()
    return (
        Piece(
            "NLTK stopwords",
            "corpora/stopwords",
            tuple(words.STOPWORDS),
            partial(words.write_stopwords, carriers=source, remedy=_SETUP),
            "every TextAttack attack: it does not import without them",
            _SETUP,
        ),
        Piece(
            "NLTK sentence tokenizer",
            "tokenizers/punkt_tab/english",
            tuple(words.PUNKT),
            partial(words.write_punkt, carriers=source, remedy=_SETUP),
            "splitting texts into sentences",
            _SETUP,
        ),
        Piece(
            "NLTK part-of-speech tagger",
            "taggers/averaged_perceptron_tagger_eng",
            tagger.FILES,
            partial(tagger.write_tagger, carriers=source, remedy=_SETUP),
            "attacks that keep a word's part of speech",
            _SETUP,
        ),
        Piece(
            "NLTK universal tags",
            "taggers/universal_tagset",
            (tagset.FILE,),
            tagset.write_tagset,
            "attacks that keep a word's part of speech",
            _SETUP,
        ),
        Piece(
            "WordNet",
            "corpora/wordnet",
            wordnet.HOLDS,
            partial(wordnet.write_wordnet, fetches=fetches),
            "attacks and augmentations that replace words by synonyms",
            wordnet.HOW_TO_GET,
        ),
    )


def prepare_nltk_root(
    root: Path | None = None,
    *,
    carriers: Path | None = None,
    fetches: tuple[wordnet.Fetch, ...] = (),
    fresh: bool = False,
) -> dict[str, str]:
    """Build what the root lacks, or all of it if `fresh`; return what could not be built: name -> reason.

    What is there and intact stays as it is. Only `fetches` may use the network. Raises Untrusted for a source that is
    not what it should be, and Unwritable.
    """
    target = root or home.nltk_root()
    missing = {}
    try:
        _make_private(target)
        record = _read_record(target)
        for piece in pieces(carriers, fetches=fetches):
            if not fresh and fault(piece, target) is None:
                continue
            try:
                record[piece.folder] = _install(piece, target)
            except MissingResource as error:
                missing[piece.name] = str(error)
            else:
                _write_record(target, record)
    except OSError as error:
        raise Unwritable(
            f"cannot prepare the NLTK root {target}: {error}; set WORKBENCH_HOME to a folder of your own"
        ) from error
    return missing


def fault(piece: Piece, root: Path) -> str | None:
    """Return what is wrong with `piece` below `root`, in words, or None if it is there and unchanged."""
    folder = root / piece.folder
    if not folder.is_dir():
        return "it is missing"
    recorded: dict[str, str] = _read_record(root).get(piece.folder, {}).get("files", {})
    for name in sorted({*piece.holds, *recorded}):
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if name in recorded and sha256_of(file) != recorded[name]:
            return f"{name} was changed after it was prepared"
    return None


def source_of(piece: Piece, root: Path) -> str:
    """Return where `piece` below `root` came from, as recorded when it was built."""
    return str(_read_record(root).get(piece.folder, {}).get("source", "unknown source"))


def activate(root: Path | None = None) -> Path:
    """Put the prepared root first on NLTK's search path of this process and return it; nothing is downloaded."""
    import nltk

    target = root or home.nltk_root()
    searched: list[str] = nltk.data.path
    searched[:] = [str(target), *(place for place in searched if place != str(target))]
    return target


@contextmanager
def using_nltk_root(root: Path | None = None) -> Iterator[Path]:
    """Put the prepared root first on NLTK's search path within the block."""
    import nltk

    before = list(nltk.data.path)
    try:
        yield activate(root)
    finally:
        nltk.data.path[:] = before


def _install(piece: Piece, root: Path) -> dict[str, Any]:
    place = root / piece.folder
    _make_private(place.parent)
    scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
    try:
        made = scratch / "new"
        made.mkdir()
        source = piece.build(made)
        files = {file.name: sha256_of(file) for file in sorted(made.iterdir())}
        for file in made.iterdir():
            file.chmod(0o644)
        made.chmod(0o755)
        if place.exists():
            place.rename(scratch / "old")
        made.rename(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {"source": source, "files": files}


def _make_private(folder: Path) -> None:
    """Make `folder` with nobody else's write permission: NLTK skips a root that others can write to."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o022:
        folder.chmod(0o755)


def _read_record(root: Path) -> dict[str, Any]:
    try:
        record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # nothing is recorded, or the record was cut short: what is there is then checked by name only
    return record if isinstance(record, dict) else {}


def _write_record(root: Path, record: dict[str, Any]) -> None:
    scratch = root / f".{RECORD}.{os.getpid()}"
    scratch.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    scratch.replace(root / RECORD)
