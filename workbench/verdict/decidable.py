"""How many examples a gate needs before it can be decided."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from workbench.evidence.names import NAMES
from workbench.verdict.policy import Criterion, Policy

MARGIN = 0.02
"""By how much the model is taken to be better than the bound: a gate on a model exactly at the bound is never decided."""


def wilson(share: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a `share` in [0, 1] seen among `n` units. Wilson 1927."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def half_width(share: float, n: int, *, level: float = 0.95) -> float:
    """Return half the width of the Wilson interval: how finely `n` units tell a proportion near `share`."""
    low, high = wilson(share, n, level=level)
    return (high - low) / 2


def needed_n(criterion: Criterion, *, margin: float = MARGIN, level: float = 0.95) -> int | None:
    """Return the smallest n at which a proportion `margin` better than the bound passes; None where it cannot be told.

    Only proportions of independent units have a closed form; n counts the units of that proportion (for recall: the
    examples that have the label).
    """
    limit = criterion.limit
    if limit is None or NAMES[criterion.measurement].quantity != "proportion":
        return None
    share = min(1.0, limit + margin) if criterion.at_least is not None else max(0.0, limit - margin)

    def decided(n: int) -> bool:
        low, high = wilson(share, n, level=level)
        end = low if criterion.judged_end == "low" else high
        return end >= limit if criterion.at_least is not None else end <= limit

    largest = 1
    while not decided(largest):
        largest *= 2
        if largest > 2**40:
            return None  # the bound sits at the end of the scale: no margin is left to decide in
    smallest = largest // 2
    while largest - smallest > 1:
        middle = (smallest + largest) // 2
        smallest, largest = (smallest, middle) if decided(middle) else (middle, largest)
    return largest


def decidability(policy: Policy, *, margin: float = MARGIN) -> tuple[str, ...]:
    """Return one line per criterion: the n that it needs, or why that cannot be told."""
    return tuple(f"{criterion.id}: {_line(criterion, margin)}" for criterion in policy.criteria)


def _line(criterion: Criterion, margin: float) -> str:
    if criterion.reported:
        return "no bound; decided as soon as it is measured"
    n = needed_n(criterion, margin=margin)
    if n is not None:
        return f"n >= {n:,} decides it for a model that is {margin:g} better than the bound"
    quantity = NAMES[criterion.measurement].quantity
    if quantity == "proportion":
        return "no n decides it: the bound lies at the end of the scale"
    return (
        f"cannot be told beforehand: {criterion.measurement} is not a plain proportion; run once and read the interval"
    )
