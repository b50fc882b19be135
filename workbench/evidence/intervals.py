"""Closed-form intervals: proportions (Wilson, Clopper-Pearson) and quantiles (order statistics)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.evidence.measurement import Interval

LEVEL = 0.95
"""Coverage of every interval of an audit, unless a caller says otherwise."""


class Bounds(NamedTuple):
    """Lower and upper limit, each an array or a number."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def normal_quantile(level: float, comparisons: int = 1) -> float:
    """Return the two-sided normal critical value; with several comparisons Šidák's, so that all hold together."""
    return float(stats.norm.ppf((1 + level ** (1 / comparisons)) / 2))


def wilson_bounds(
    rate: NDArray[np.float64] | float, n: NDArray[np.float64] | float, *, critical: float | NDArray[np.float64]
) -> Bounds:
    """Return Wilson's score limits for observed `rate` (in [0, 1]) of `n` > 0, at critical value `critical`.

    Wilson 1927. `n` may be an effective number, so it need not be whole. At rate 0 the lower limit is exactly 0, at
    rate 1 the upper one exactly 1.
    """
    p, n, z2 = np.asarray(rate, dtype=np.float64), np.asarray(n, dtype=np.float64), np.square(critical)
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = np.where(p <= 0, 0.0, np.clip(centre - half, 0, 1))
    high = np.where(p >= 1, 1.0, np.clip(centre + half, 0, 1))
    return Bounds(low, high)


def wilson(successes: float, n: float, *, level: float = LEVEL, method: str = "Wilson") -> Interval:
    """Return Wilson's score interval for `successes` out of `n` independent trials (Wilson 1927).

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    _check(successes, n)
    bounds = wilson_bounds(successes / n, n, critical=normal_quantile(level))
    return Interval(low=float(bounds.low), high=float(bounds.high), level=level, method=method)


def clopper_pearson(successes: int, n: int, *, level: float = LEVEL) -> Interval:
    """Return the exact (conservative) binomial interval of Clopper and Pearson 1934: coverage never below `level`.

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    _check(successes, n)
    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, successes, n - successes + 1) if successes > 0 else 0.0
    high = stats.beta.ppf(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return Interval(low=float(low), high=float(high), level=level, method="Clopper-Pearson")


def quantile_interval(values: Sequence[float], q: float, *, level: float = LEVEL) -> Interval | None:
    """Return the shortest-in-rank interval between two order statistics that holds the `q` quantile.

    Distribution-free: the number of values below the quantile is binomial(n, q), so [x(i), x(j)] covers it with
    probability P(i <= B < j) at least (David and Nagaraja 2003, section 7.1). None where no pair of the n values
    reaches `level` (for q = 0.95 and level 0.95: n below 59).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n == 0:
        return None
    below = stats.binom.cdf(np.arange(-1, n), n, q)  # below[i] = P(B <= i - 1), for i = 0..n
    best: tuple[int, float, int, int] | None = None
    for i in range(1, n + 1):
        j = int(np.searchsorted(below, below[i] + level))  # smallest j with P(i <= B < j) >= level
        if j > n:
            break
        key = (j - i, -float(below[j] - below[i]), i, j)
        best = key if best is None else min(best, key)
    if best is None:
        return None
    _, coverage, i, j = best
    return Interval(
        low=float(ordered[i - 1]),
        high=float(ordered[j - 1]),
        level=level,
        method=f"order statistics {i} and {j} of {n} (exact binomial coverage {-coverage:.3f})",
    )


def _check(successes: float, n: float) -> None:
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"an interval for a proportion needs 0 <= successes <= n and n > 0; got {successes} of {n}")
