"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from workbench.errors import Unwritable


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; on success it becomes `folder`, on failure nothing is left of it.

    `folder` must not exist, or be empty. Raises `Unwritable` for a full disk or a place that cannot be written.
    """
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb+") as handle:
                    os.fsync(handle.fileno())
        temporary.chmod(0o755)  # mkdtemp makes private folders
        if folder.is_dir():
            folder.rmdir()
        temporary.replace(folder)
        temporary = None
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unwritable(f"cannot write {folder}: {reason}; choose another place or free some space") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def require_new(folder: Path) -> None:
    """Prove that `folder` can become a result: it does not exist or is empty, and its place can be written.

    Raises `Unwritable`.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise Unwritable(f"{folder} is a file; choose another --out")
        if folder.is_dir() and any(folder.iterdir()):
            raise Unwritable(f"{folder} is not empty; choose another --out, or remove it first")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as error:
        raise Unwritable(f"cannot write {folder}: {error.strerror or error}; choose another --out") from error
