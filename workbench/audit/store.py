"""Where finished work items wait until the audit is complete: one SQLite file beside the report.

Each item is committed in a transaction of its own, so whatever kills the process, finished work is kept and nothing is
half-written. Keys are hashes of everything that an item's value depends on: a changed model, corpus, parameter, seed or
version never meets an old value.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from workbench.errors import Unwritable

FILE = "audit.sqlite"


class Store:
    """A durable map from content key to JSON text."""

    def __init__(self, folder: Path) -> None:
        """Open (or create) the store in `folder`. Raises `Unwritable`."""
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=1, isolation_level=None)
            # Exclusive: a second audit into the same folder is refused; the lock ends with the process.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
            self._connection.execute("DELETE FROM items WHERE key = ''")  # takes the lock
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise Unwritable(
                    f"another audit is writing to {folder}; wait for it or choose another --out"
                ) from error
            raise Unwritable(
                f"cannot use {self.path}: {error}; remove that file (it holds unfinished work only) "
                "or choose another --out"
            ) from error
        except OSError as error:
            raise Unwritable(f"cannot write to {folder}: {error}; choose another --out") from error

    def get(self, key: str) -> str | None:
        """Return the value committed under `key`, or None."""
        try:
            row = self._connection.execute("SELECT value FROM items WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise Unwritable(f"cannot read {self.path}: {error}; remove that file and run the command again") from error
        return None if row is None else str(row[0])

    def put(self, key: str, value: str) -> None:
        """Commit `value` under `key`. Raises `Unwritable`, e.g. on a full disk; what was committed stays."""
        try:
            self._connection.execute("INSERT OR REPLACE INTO items VALUES (?, ?)", (key, value))
        except sqlite3.Error as error:
            raise Unwritable(
                f"cannot write to {self.path}: {error}; finished work is kept: "
                "free some space and run the same command again"
            ) from error

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM items").fetchone()[0])

    def discard(self) -> None:
        """Remove the file: the audit is complete."""
        self._connection.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what was committed stays for the next run."""
        self._connection.close()


def key_of(**parts: Any) -> str:
    """Return the sha256 of `parts` as canonical JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()
