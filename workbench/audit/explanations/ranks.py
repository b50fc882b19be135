"""Rank correlations that say when there is none, instead of NaN."""

from __future__ import annotations

import numpy as np

from workbench.models.protocols import FloatArray

_ROUNDING = 1e-12
"""Scores, in probability or log-odds, that differ by no more are the same."""


def spearman(one: FloatArray, other: FloatArray) -> float | None:
    """Return Spearman's rank correlation of two sets of scores; None where one of them has no order (all equal)."""
    return _correlation("spearmanr", one, other)


def kendall(one: FloatArray, other: FloatArray) -> float | None:
    """Return Kendall's tau-b; None where one side has no order."""
    return _correlation("kendalltau", one, other)


def pearson(one: FloatArray, other: FloatArray) -> float | None:
    """Return Pearson's correlation; None where one side is constant."""
    return _correlation("pearsonr", one, other)


def overlap(one: FloatArray, other: FloatArray, k: int) -> float | None:
    """Return the share of the `k` largest scores that both have in common; ties are broken by chance, in expectation.

    None for fewer than k + 1 scores, and where one side is constant: it has no largest.
    """
    if len(one) <= k or _constant(one) or _constant(other):
        return None
    return float((_chance_of_top(one, k) * _chance_of_top(other, k)).sum() / k)


def _chance_of_top(scores: FloatArray, k: int) -> FloatArray:
    """Return how likely each score is among the `k` largest: 1, 0, or alike for those tied at the border."""
    border = np.sort(scores)[-k]
    above, tied = scores > border, scores == border
    chance: FloatArray = np.where(tied, (k - above.sum()) / tied.sum(), above.astype(np.float64))
    return chance


def _constant(scores: FloatArray) -> bool:
    """Tell whether the scores differ by no more than rounding: what order they have then means nothing."""
    return bool(np.ptp(scores) <= _ROUNDING * max(1.0, float(np.abs(scores).max())))


def _correlation(name: str, one: FloatArray, other: FloatArray) -> float | None:
    from scipy import stats

    if len(one) < 2 or _constant(one) or _constant(other):
        return None
    return float(getattr(stats, name)(one, other).statistic)
