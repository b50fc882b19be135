"""The interval of a product of two proportions that rest on different numbers of people.

As in sampling twice: a share of all, and of those a share that was looked at in a part of them only.
"""

from __future__ import annotations

from math import sqrt

from workbench.evidence.measurement import Interval


def product_interval(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    """Return the interval of `first` x `second`, two estimates in [0, 1], from the interval of each.

    Method of variance estimates recovery (MOVER; Zou and Donner 2008, "Construction of confidence limits about effect
    measures"): the distance from each estimate to its own limit stands for that estimate's error towards that side, and
    the errors add up as Goodman 1960 ("On the exact variance of products") adds variances:

        half^2 = (second * d_first)^2 + (first * d_second)^2 + (d_first * d_second)^2

    The two must be independent given how many the second rests on: the share of a random part is. No resampling: with
    ten of ten a bootstrap sees no doubt in the second share, and no delta method on a logarithm bears a zero. Limits
    stay asymmetric where Wilson's are, and in [0, 1]. Raises ValueError for intervals of different levels.
    """
    if of_first.level != of_second.level:
        raise ValueError(f"intervals of different levels: {of_first.level} and {of_second.level}")
    value = first * second
    low = value - _half(first, first - of_first.low, second, second - of_second.low)
    high = value + _half(first, of_first.high - first, second, of_second.high - second)
    return Interval(
        low=max(0.0, min(low, value)),
        high=min(1.0, max(high, value)),
        level=of_first.level,
        method=f"MOVER for a product, from {of_first.method} and {of_second.method}",
    )


def _half(first: float, d_first: float, second: float, d_second: float) -> float:
    return sqrt((second * d_first) ** 2 + (first * d_second) ** 2 + (d_first * d_second) ** 2)
