"""What a group's size could show at all."""

from __future__ import annotations

import math

from scipy import stats

from workbench.evidence.intervals import LEVEL, normal_quantile

POWER = 0.8


def detectable_difference(
    rate: float, n: int, other: int, *, pairs: int = 1, level: float = LEVEL, power: float = POWER
) -> float:
    """Return the smallest difference that two groups of `n` and `other` people show with `power`, in [0, 1].

    Two-sided test of two proportions near `rate`, normal approximation:
    (z(level) + z(power)) sqrt(p (1 - p) (1/n + 1/other)).
    It is shown where an interval excludes 0 that holds for so many `pairs` of groups at once (Šidák): the more groups,
    the larger it must be. A rate of 0 or 1 is taken as half a case away from it, in the two groups together.
    """
    edge = 0.5 / (n + other)
    p = min(max(rate, edge), 1 - edge)
    z = normal_quantile(level, pairs) + float(stats.norm.ppf(power))
    return min(1.0, z * math.sqrt(p * (1 - p) * (1 / n + 1 / other)))
