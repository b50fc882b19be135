"""Do both sides find the same?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.bench.results import Agreement, Check
from workbench.bench.targets import PEARSON
from workbench.evidence.intervals import wilson
from workbench.models.protocols import FloatArray


def agreement(checks: Sequence[Check], notes: Sequence[str] = ()) -> Agreement:
    """Return the checks with their joint judgement."""
    return Agreement(checks=tuple(checks), notes=tuple(notes), met=all(check.met for check in checks))


def share(name: str, count: int, n: int, *, bound: float | None = None, higher: bool) -> Check:
    """Return a share of examples with Wilson's interval."""
    return Check(
        name=name, value=count / n, n=n, bound=bound, better="higher" if higher else "lower", interval=wilson(count, n)
    )


def pearson(one: FloatArray, other: FloatArray) -> float | None:
    """Return Pearson's correlation; None where all scores of one side are equal, which correlates with nothing."""
    if one.shape != other.shape:
        raise ValueError(f"stock gives scores of shape {one.shape}, the workbench {other.shape}: not the same tokens")
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def correlations(stock: Sequence[FloatArray], ours: Sequence[FloatArray]) -> tuple[list[Check], list[str]]:
    """Return the least and the median correlation over examples, and a note on examples that have none."""
    found = [pearson(a, b) for a, b in zip(stock, ours, strict=True)]
    known = [value for value in found if value is not None]
    flat = len(found) - len(known)
    notes = [f"{flat} of {len(found)} texts have equal scores for all tokens, which correlate with nothing."] * bool(
        flat
    )
    if not known:
        return [], notes
    return [
        Check(name="Pearson, least", value=min(known), n=len(known), bound=PEARSON, better="higher"),
        Check(name="Pearson, median", value=float(np.median(known)), n=len(known), better="higher"),
    ], notes


def label_disagreement(stock: FloatArray, ours: FloatArray) -> Check:
    """Return the share of texts, (n, n_labels) each, whose most probable label differs."""
    differ = int((stock.argmax(axis=1) != ours.argmax(axis=1)).sum())
    return share("labels that differ", differ, len(stock), higher=False)
