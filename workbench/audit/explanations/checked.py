"""Attribute with a model's faster, approximate twin where a float32 check on the very text agrees; else in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from workbench.models.protocols import Classifier, FloatArray, searcher

Ask = Callable[[Sequence[str]], FloatArray]
"""Texts to probabilities, (n, n_labels)."""

AGREE = 0.99
"""Least Pearson correlation of two attributions that are taken for the same."""
TOP = 5
"""So many of the largest scores, in absolute value, must be of the same words: they are what a reader looks at."""


class Checked(NamedTuple):
    """An attribution and what it was computed in."""

    scores: FloatArray
    precision: str
    """'float32' or 'bfloat16'"""
    passes: int
    """Texts asked in all, of the model and its twin, the check included."""


class Counted:
    """Asks, and counts the texts."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.asked = 0

    def __call__(self, inputs: Sequence[str]) -> FloatArray:
        self.asked += len(inputs)
        return self._ask(inputs)


def checked(model: Classifier, compute: Callable[[Ask], FloatArray], trial: Callable[[Ask], FloatArray]) -> Checked:
    """Return the scores that `compute` finds, asking the twin of `model` where that changes nothing, else `model`.

    The twin is taken at its word if `trial` finds the same with both (see `agree`), and if the twin's five largest
    scores stand out from the rest by more than any score of the two trials differed. Without the latter, near ties that
    fall the one way in float32 and the other in bfloat16 would pass a trial that has no such tie.

    Args:
        model: any classifier; see `workbench.models.protocols.searcher`.
        compute: the attribution.
        trial: the check: scores of the same kind, from a small part of the questions that `compute` asks.
    """
    exact, twin = Counted(model.predict_proba), searcher(model)
    quick = Counted(twin.predict_proba)
    if twin is not model:
        one, other = trial(exact), trial(quick)
        if agree(one, other):
            scores = compute(quick)
            if _lead(scores) > np.abs(one - other).max():
                return Checked(scores, "bfloat16", exact.asked + quick.asked)
    return Checked(compute(exact), "float32", exact.asked + quick.asked)


def agree(one: FloatArray, other: FloatArray) -> bool:
    """Return whether two attributions of one text are the same for a reader: see `AGREE` and `TOP`.

    Scores that are all equal (one word has such) correlate with nothing and do not agree.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return False
    return float(np.corrcoef(one, other)[0, 1]) >= AGREE and _top(one) == _top(other)


def _top(scores: FloatArray) -> frozenset[int]:
    return frozenset(np.argsort(-np.abs(scores), kind="stable")[:TOP].tolist())


def _lead(scores: FloatArray) -> float:
    """Return by how much the last of the largest scores exceeds the next; infinity where there is no next."""
    ranked = np.sort(np.abs(scores))[::-1]
    return float(ranked[TOP - 1] - ranked[TOP]) if len(ranked) > TOP else float("inf")
