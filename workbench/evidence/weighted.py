"""Classification scores under row weights, for many weightings at once: what a bootstrap replicate needs.

Every function agrees with scikit-learn's at the same `sample_weight`. Inside these arrays NaN means "undefined under
this weighting" (no positive drawn, nothing decided): it never leaves as a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Scorer = Callable[[Floats], Floats]
"""Weights (b, n) -> scores (b,)."""


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, NaN where the denominator is 0."""
    undefined = np.full(np.shape(denominator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=undefined, where=denominator != 0), dtype=np.float64)


def roc_auc(scores: Floats, positive: Bools) -> Scorer:
    """Return the scorer of the area under the ROC curve: P(positive scores above negative), ties counting half."""
    order = np.argsort(scores, kind="stable")
    starts = _starts(scores[order])
    is_positive = positive[order].astype(np.float64)

    def score(weights: Floats) -> Floats:
        ordered = weights[:, order]
        up = np.add.reduceat(ordered * is_positive, starts, axis=1)
        down = np.add.reduceat(ordered * (1 - is_positive), starts, axis=1)
        beaten = np.cumsum(down, axis=1) - down / 2
        return ratio((up * beaten).sum(axis=1), up.sum(axis=1) * down.sum(axis=1))

    return score


def macro_roc_auc(scores: Floats, positive: Bools) -> Scorer:
    """Return the scorer of the mean area over labels, each against the rest; `scores` and `positive` are (k, n)."""
    each = [roc_auc(*one) for one in zip(scores, positive, strict=True)]
    return lambda weights: np.mean([score(weights) for score in each], axis=0)


def average_precision(scores: Floats, positive: Bools) -> Scorer:
    """Return the scorer of average precision: the sum over thresholds of recall gained x precision, in steps."""
    order = np.argsort(-scores, kind="stable")
    starts = _starts(scores[order])
    is_positive = positive[order].astype(np.float64)

    def score(weights: Floats) -> Floats:
        ordered = weights[:, order]
        up = np.add.reduceat(ordered * is_positive, starts, axis=1)
        decided = np.cumsum(np.add.reduceat(ordered, starts, axis=1), axis=1)
        precision = np.cumsum(up, axis=1) / np.where(decided > 0, decided, 1)
        return ratio((up * precision).sum(axis=1), up.sum(axis=1))

    return score


def margins(labels: NDArray[np.int64], decisions: NDArray[np.int64], n_labels: int) -> Floats:
    """Return what recall, precision, F1 and accuracy are made of, per row, shape (n, 3 * n_labels).

    For each label: whether the row is rightly decided so, whether it truly is, whether it was decided so.
    """
    names = np.arange(n_labels)
    true, decided = labels[:, None] == names, decisions[:, None] == names
    return np.concatenate([true & decided, true, decided], axis=1).astype(np.float64)


class Margins(NamedTuple):
    """Weighted sums of `margins`, each (b, n_labels)."""

    right: Floats
    true: Floats
    decided: Floats

    @classmethod
    def of(cls, sums: Floats) -> Margins:
        """Split sums (b, 3 * n_labels)."""
        right, true, decided = np.split(sums, 3, axis=1)
        return cls(right, true, decided)

    @property
    def recall(self) -> Floats:
        """(b, n_labels)"""
        return ratio(self.right, self.true)

    @property
    def precision(self) -> Floats:
        """(b, n_labels)"""
        return ratio(self.right, self.decided)

    @property
    def f1(self) -> Floats:
        """(b, n_labels): 2 TP / (true + decided)"""
        return ratio(2 * self.right, self.true + self.decided)

    @property
    def accuracy(self) -> Floats:
        """(b,)"""
        return ratio(self.right.sum(axis=1), self.true.sum(axis=1))


def _starts(ordered: Floats) -> NDArray[np.int64]:
    """Return where each run of equal values starts."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])).astype(np.int64)
