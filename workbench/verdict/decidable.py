"""How many examples a gate needs before it can be decided."""

from __future__ import annotations

from collections.abc import Callable

from workbench.evidence.intervals import wilson
from workbench.evidence.names import NAMES
from workbench.verdict.policy import Criterion, Policy

MARGIN = 0.02
"""By how much the model is taken to be better than the bound: a model exactly at the bound is never decided."""

_LARGEST = 2**40


def half_width(share: float, n: int) -> float:
    """Return half the width of the 95% Wilson interval: how finely `n` units tell a proportion near `share`."""
    held = wilson(share * n, n)
    return (held.high - held.low) / 2


def smallest_n(share: float, limit: float) -> int | None:
    """Return the smallest n whose 95% Wilson interval around `share` leaves out `limit`; None where none does."""
    return _search(lambda low, high: not low <= limit <= high, share)


def needed_n(criterion: Criterion, *, margin: float = MARGIN) -> int | None:
    """Return the smallest n at which a proportion `margin` better than the bound passes; None where it cannot be told.

    Only proportions of independent units have a closed form; n counts the units of that proportion (for recall: the
    examples that have the label).
    """
    limit = criterion.limit
    if limit is None or NAMES[criterion.measurement].quantity != "proportion":
        return None
    low_end = criterion.judged_end == "low"
    if criterion.at_least is not None:
        return _search(lambda low, high: (low if low_end else high) >= limit, min(1.0, limit + margin))
    return _search(lambda low, high: (low if low_end else high) <= limit, max(0.0, limit - margin))


def _search(decided: Callable[[float, float], bool], share: float) -> int | None:
    def enough(n: int) -> bool:
        held = wilson(share * n, n)
        return decided(held.low, held.high)

    largest = 1
    while not enough(largest):
        largest *= 2
        if largest > _LARGEST:
            return None  # no distance is left between the share and the bound
    smallest = largest // 2
    while largest - smallest > 1:
        middle = (smallest + largest) // 2
        smallest, largest = (smallest, middle) if enough(middle) else (middle, largest)
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
    if NAMES[criterion.measurement].quantity == "proportion":
        return "no n decides it: the bound lies at the end of the scale"
    return f"cannot be told beforehand: {criterion.measurement} is no plain proportion; run once and read the interval"
