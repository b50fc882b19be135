"""One folder of the NLTK root: what it holds, how it is built, what goes without it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def digest(file: Path) -> str:
    """Return the sha256 of `file`, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verified(file: Path, sha256: str, *, remedy: str) -> Path:
    """Return `file` if its content is what it should be; raises MissingResource or Untrusted with `remedy`."""
    if not file.is_file():
        raise MissingResource(f"{file} is missing: {remedy}")
    if (found := digest(file)) != sha256:
        raise Untrusted(f"{file} has sha256 {found}, not {sha256}: it is damaged or another version; {remedy}")
    return file
