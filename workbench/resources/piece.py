"""One folder of the NLTK root: what it holds, how it is built, what goes without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.manifest import sha256_of
from workbench.errors import MissingResource, Untrusted


@dataclass(frozen=True)
class Piece:
    """A folder that NLTK finds below its root."""

    name: str
    folder: str
    """Where NLTK looks for it, relative to the root."""
    holds: tuple[str, ...]
    """Files that it cannot be without, relative to `folder`."""
    build: Callable[[Path], str]
    """Fills the empty folder given; returns the source in words. Raises MissingResource where there is no source."""
    switches_off: str
    how_to_get: str


def verified(file: Path, sha256: str, *, remedy: str) -> Path:
    """Return `file` if its content is what it should be; raises MissingResource or Untrusted with `remedy`."""
    if not file.is_file():
        raise MissingResource(f"{file} is missing: {remedy}")
    if (found := sha256_of(file)) != sha256:
        raise Untrusted(f"{file} has sha256 {found}, not {sha256}: it is damaged or another version; {remedy}")
    return file
