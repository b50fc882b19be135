"""What one model decided about each example, as it lies beside the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput
from workbench.evidence.record import AuditRecord
from workbench.results import PREDICTIONS

ROUNDING = 1e-9
"""Shares of the same decisions agree to the last digits, whatever added them up."""


class Decided(NamedTuple):
    """What one model made of each example."""

    ids: tuple[str, ...]
    people: tuple[str, ...]
    labels: tuple[str, ...]
    decided: tuple[str, ...]
    probabilities: Mapping[str, NDArray[np.float64]]
    groups: Mapping[str, tuple[str, ...]]
    """Attribute -> each example's group."""


def read_decided(place: str | Path, record: AuditRecord) -> Decided | None:
    """Return what lies beside the record; None where it is not there.

    Raises `BadInput` for a file that is damaged, or of another audit.
    """
    folder = Path(place)
    path = (folder if folder.is_dir() else folder.parent) / PREDICTIONS
    if not path.is_file():
        return None
    found = _decided(path)
    right = [one == other for one, other in zip(found.decided, found.labels, strict=True)]
    accuracy = record.find("performance.accuracy")
    told = None if accuracy is None else accuracy.value
    if len(right) != record.corpus.n or (told is not None and abs(float(np.mean(right)) - told) > ROUNDING):
        raise BadInput(
            f"{path} is of another audit than the record beside it: {len(right)} examples, "
            f"{sum(right)} of them right, where the record has {record.corpus.n}"
            f"{'' if told is None else f' with accuracy {told:g}'}; audit again, or take the file away to compare "
            "without it"
        )
    return found


def _decided(path: Path) -> Decided:
    """Return what the file holds, in the order of the ids. Raises `BadInput` for one that cannot be read."""
    import pyarrow.parquet as parquet

    prefix = "probability of "
    try:
        table = parquet.read_table(path).to_pydict()
        rows = sorted(range(len(table["id"])), key=lambda i: table["id"][i])

        def column(name: str) -> tuple[str, ...]:
            return tuple(str(table[name][i]) for i in rows)

        probabilities = {
            name.removeprefix(prefix): np.array(values, dtype=np.float64)[rows]
            for name, values in table.items()
            if name.startswith(prefix)
        }
        of = {name.removeprefix("group "): column(name) for name in table if name.startswith("group ")}
        return Decided(column("id"), column("person"), column("label"), column("decided"), probabilities, of)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"cannot read {path}: {error}; audit again, or compare without it") from error
