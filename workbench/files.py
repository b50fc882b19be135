"""Files: written so that nothing is ever half-written; TOML read from a path, or by the name of what is shipped."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadInput, Misconfigured, NotFound, Unwritable


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


def add_line(path: Path, value: Any, *, what: str) -> list[str]:
    """Add `value` to `path` as one line of JSON; return all lines that are there now.

    A short write in append mode is atomic on local disks. Raises `Unwritable`, naming `what` the file is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            file.write(json.dumps(value, sort_keys=True) + "\n")
            file.flush()
            file.seek(0)
            return list(file)
    except OSError as error:
        raise Unwritable(
            f"cannot write {what} {path}: {error.strerror or error}; set WORKBENCH_HOME to your own folder"
        ) from error


def require_writable(folder: Path) -> None:
    """Make `folder` and prove that it can be written, before hours of work. Raises `Unwritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".workbench-", dir=folder):
            pass
    except OSError as error:
        raise Unwritable(f"cannot write to {folder}: {error.strerror or error}; choose another --out") from error


class TomlFile(NamedTuple):
    """What a TOML file says, and which one it is."""

    table: dict[str, Any]
    name: str
    """Of the file, without its ending."""
    where: str
    """What messages about it begin with: 'policy default' for a shipped one, else the path."""
    sha256: str
    """Of its bytes."""
    shipped: bool


def read_toml(given: str | Path, *, kind: str, shipped: Traversable) -> TomlFile:
    """Return the TOML file of the name `given` in the folder `shipped`, else the one at the path `given`.

    Raises:
        NotFound: neither is there; the message names what is shipped.
        BadInput: it cannot be read.
        Misconfigured: it is not TOML.
    """
    names = {file.name.removesuffix(".toml"): file for file in shipped.iterdir() if file.name.endswith(".toml")}
    ours = str(given) in names
    file = names[str(given)] if ours else Path(given)
    where = f"{kind} {given}" if ours else str(given)
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{NotFound.among(kind, str(given), names)}, and there is no file of that name") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the {kind} {given}: {error}") from error
    name = str(given) if ours else Path(given).stem
    return TomlFile(parse_toml(text, where=where), name, where, hashlib.sha256(content).hexdigest(), ours)


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """Return the table that `text` describes. Raises `Misconfigured`; the message begins with `where`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{where}: not TOML: {error}") from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
