"""The private training runs made here, and on which examples: whoever publishes the best of many has spent them all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.files import add_line


class Entry(NamedTuple):
    """One run that was begun."""

    corpus: str
    """Digest of its training examples."""
    unit: str
    epsilon: float
    """What it was to spend."""
    delta: float
    run: str
    """Digest of the run: a resumed run is one run."""
    date: str


def enter(ledger: Path, entry: Entry) -> None:
    """Append `entry` to `ledger`. Raises `Unwritable`."""
    add_line(ledger, entry._asdict(), what="the ledger of private runs")


def runs_on(ledger: Path, *, corpus: str) -> list[Entry]:
    """Return the runs on these training examples that `ledger` knows of, whatever their unit, oldest first."""
    if not ledger.is_file():
        return []
    entries = (_read(line) for line in ledger.read_text("utf-8").splitlines())
    return [entry for entry in entries if entry is not None and entry.corpus == corpus]


def spent(runs: Sequence[Entry], *, unit: str) -> tuple[float, float] | None:
    """Return epsilon and delta of all `runs` together, for one `unit`; None without any, or where it is not known.

    What protects a person protects each example of theirs. The other way round the number of examples would count.
    """
    if not runs or (unit == "person" and any(run.unit != "person" for run in runs)):
        return None
    return sum(run.epsilon for run in runs), sum(run.delta for run in runs)


def _read(line: str) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None  # a line cut short by a crash
