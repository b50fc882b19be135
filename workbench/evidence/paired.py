"""Intervals of a difference between two shares that were observed on the same examples, pair by pair."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from workbench.evidence.bootstrap import REPLICATES, People, bounded, rare_interval, replicate
from workbench.evidence.intervals import LEVEL, normal_quantile, wilson
from workbench.evidence.measurement import Interval
from workbench.evidence.weighted import Scorer

_TAIL_REPLICATES = 20
"""Replicates beyond each limit: with fewer, a limit far out is the largest of the draws and not a quantile."""
_WITHIN = 1e-12
"""How exactly the limits are solved for; far below what any report shows."""


def score_difference(falls: int, rises: int, n: int, *, level: float = LEVEL) -> Interval:
    """Return Tango's score interval of (`rises` - `falls`) / `n`, in [-1, 1].

    Tango 1998, Statistics in Medicine 17, equations 6 to 8: all differences that the score test does not reject. It has
    a width where no pair differs, and keeps its level far out in the tails, where a bootstrap of few pairs that differ
    does not.

    Args:
        falls: pairs where the first holds and the second does not.
        rises: pairs where the second holds and the first does not.
        n: all pairs.
        level: of the interval.

    Raises ValueError unless 0 <= `falls` + `rises` <= `n` and `n` > 0.
    """
    if n < 1 or falls < 0 or rises < 0 or falls + rises > n:
        raise ValueError(f"{falls} pairs that fall and {rises} that rise cannot be among {n}")
    critical, observed = normal_quantile(level), (rises - falls) / n

    def beyond(difference: float) -> float:
        """Return the score statistic, less its critical value on this side of what was observed."""
        linear = (2 * n - rises + falls) * difference - rises - falls
        constant = -falls * difference * (1 - difference)
        # Share of pairs that fall, the most likely one given the difference: root of 2n q^2 + linear q + constant.
        fall = (math.sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
        variance = max(n * (2 * fall + difference * (1 - difference)), 0.0)
        gap = abs(n * (observed - difference))
        return (gap / math.sqrt(variance) if variance > 0 else math.inf if gap > 0 else 0.0) - critical

    def limit(end: float) -> float:
        if observed == end or beyond(end - math.copysign(_WITHIN, end)) <= 0:
            return end
        return float(brentq(lambda d: min(beyond(d), 1.0), observed, end - math.copysign(_WITHIN, end), xtol=_WITHIN))

    return Interval(low=limit(-1.0), high=limit(1.0), level=level, method="Tango's score interval of paired shares")


def paired_interval(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    people: People,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the mean of `after` - `before`, both (n,) of 0 and 1, row by row of the same examples.

    Tango's where nobody has more than one row; else a bootstrap over people and one person more at either end, with as
    many replicates as the tails of `level` need, and Wilson's limits where nothing differs. In [-1, 1] and never
    without width. None with fewer than two people.
    """
    moved = after - before
    if people.size < 2:
        return None
    if people.one_each:
        return score_difference(int((moved < 0).sum()), int((moved > 0).sum()), len(moved), level=level)
    if not moved.any():
        most = wilson(0, people.size, level=level).high
        return Interval(low=-most, high=most, level=level, method="Wilson, of pairs that differ")
    return rare_interval(moved, people, bottom=-1.0, top=1.0, rng=rng, replicates=replicates_for(level), level=level)


def paired_score_interval(
    before: Scorer,
    after: Scorer,
    labels: NDArray[np.int64],
    people: People,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of `after` - `before`, two scores in [0, 1] that rank the same examples by true label.

    `labels` (n,) are the true ones, which resampling keeps. As sure as the rarest side of any label lets it be: with
    fewer than ten people there, or where no replicate differs, Wilson's limits. None where the scores are undefined.
    """
    once = np.ones((1, len(labels)))
    value = float(after(once)[0] - before(once)[0])
    drawn = replicate(
        people,
        lambda counts: after(counts[:, people.rows]) - before(counts[:, people.rows]),
        replicates=replicates,
        rng=rng,
        strata=people.strata(labels),
    )
    sides = [people.among(side).size for k in np.unique(labels) for side in (labels == k, labels != k)]
    found = bounded((value + 1) / 2, (drawn + 1) / 2, min(sides), level=level, stratified=True)
    if found is None:
        return None
    return found.model_copy(update={"low": 2 * found.low - 1, "high": 2 * found.high - 1})


def replicates_for(level: float) -> int:
    """Return how many replicates leave `_TAIL_REPLICATES` beyond each limit of an interval of this `level`."""
    return max(REPLICATES, math.ceil(2 * _TAIL_REPLICATES / (1 - level)))
