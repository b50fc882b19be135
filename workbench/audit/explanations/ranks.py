"""Rank correlations that say when there is none, instead of NaN."""

from __future__ import annotations

import numpy as np

from workbench.models.protocols import FloatArray


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
    """Return the share of the `k` largest scores that both have in common.

    None for fewer than k + 1 scores, and where one side is constant: it has no largest.
    """
    if len(one) <= k or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    first, second = (set(np.argsort(-scores, kind="stable")[:k].tolist()) for scores in (one, other))
    return len(first & second) / k


def _correlation(name: str, one: FloatArray, other: FloatArray) -> float | None:
    from scipy import stats

    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(getattr(stats, name)(one, other).statistic)
