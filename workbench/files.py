"""Writing files so that nothing is ever half-written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import Unwritable


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path` at once, on failure nothing changes.

    Raises `Unwritable` for a folder that cannot be written, or a full disk.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files; a report is for reading
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise Unwritable(
            f"cannot write {path}: {error.strerror or error}; write elsewhere, or free some space if the disk is full"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, all or nothing. Raises `Unwritable`."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as JSON in ASCII, all or nothing. Raises `Unwritable`."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=True) + "\n")


def require_writable(folder: Path) -> None:
    """Make `folder` and prove that it can be written, before hours of work. Raises `Unwritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".workbench-", dir=folder):
            pass
    except OSError as error:
        raise Unwritable(f"cannot write to {folder}: {error.strerror or error}; choose another --out") from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
