"""What a group's size could show at all."""

from __future__ import annotations

import math

from scipy import stats

POWER = 0.8


def detectable_difference(rate: float, n: int, other: int, *, level: float = 0.95, power: float = POWER) -> float:
    """Return the smallest difference that two groups of `n` and `other` people show with `power`, in [0, 1].

    Two-sided test of two proportions near `rate`, normal approximation:
    (z(level) + z(power)) sqrt(p (1 - p) (1/n + 1/other)).
    A rate of 0 or 1 is taken as half a case away from it, in the two groups together.
    """
    edge = 0.5 / (n + other)
    p = min(max(rate, edge), 1 - edge)
    z = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
    return min(1.0, float(z) * math.sqrt(p * (1 - p) * (1 / n + 1 / other)))
