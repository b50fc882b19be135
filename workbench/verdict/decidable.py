"""How many examples a gate needs before it can be decided."""

from __future__ import annotations

from collections.abc import Callable

from scipy import stats
from scipy.optimize import brentq

from workbench.evidence.intervals import wilson
from workbench.evidence.names import NAMES
from workbench.verdict.policy import Criterion, Policy

MARGIN = 0.02
"""By how much the model is taken to be better than the bound: a model exactly at the bound is never decided."""
POWER = 0.8
"""How likely such a model passes at the n that is named: about as often as its estimate is not unlucky."""

_LARGEST = 2**40


def half_width(share: float, n: float) -> float:
    """Return half the width of the 95% Wilson interval: how finely `n` units tell a proportion near `share`."""
    held = wilson(share * n, n)
    return (held.high - held.low) / 2


def smallest_n(share: float, limit: float) -> int | None:
    """Return the smallest n whose 95% Wilson interval around `share` leaves out `limit`; None where none does."""
    return _search(lambda low, high: not low <= limit <= high, share)


def needed_n(criterion: Criterion, *, margin: float = MARGIN) -> int | None:
    """Return an n at which a proportion `margin` better than the bound passes in `POWER` of all audits.

    A share beyond the end of the scale is taken to be at it. None where it cannot be told. Counts are whole, so a
    slightly larger n may pass in slightly fewer audits. Where the interval of the true value just leaves out the bound,
    half of all audits see less than that value, and do not pass.

    Only proportions of independent units have a closed form; n counts the units of that proportion (for recall: the
    examples that have the label).
    """
    limit = criterion.limit
    if limit is None or NAMES[criterion.measurement].quantity != "proportion":
        return None
    low_end = criterion.judged_end == "low"
    if criterion.at_least is not None:
        share = min(1.0, limit + margin)

        def often(n: int) -> bool:
            # Passes from so many hits on.
            least = _least(lambda hits: _end(hits, n, low=low_end) >= limit, n)
            return least is not None and float(stats.binom.sf(least - 1, n, share)) >= POWER

        return _smallest(often)
    share = max(0.0, limit - margin)

    def seldom(n: int) -> bool:
        # Fails from so many hits on.
        least = _least(lambda hits: _end(hits, n, low=low_end) > limit, n)
        return least is None or float(stats.binom.cdf(least - 1, n, share)) >= POWER

    return _smallest(seldom)


def worth(share: float, width: float) -> float | None:
    """Return of how many independent units a proportion near `share` has a 95% interval of this `width`.

    People with several rows each tell less than their number. None for a width that no number of units has.
    """
    if not 0 < width < 2 * half_width(share, 1):
        return None
    return float(brentq(lambda n: 2 * half_width(share, n) - width, 1, _LARGEST))


def _end(hits: int, n: int, *, low: bool) -> float:
    held = wilson(hits, n)
    return held.low if low else held.high


def _least(holds: Callable[[int], bool], n: int) -> int | None:
    """Return the least of 0 to `n` that holds, as all above it do; None where none does."""
    if not holds(n):
        return None
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _search(decided: Callable[[float, float], bool], share: float) -> int | None:
    def enough(n: int) -> bool:
        held = wilson(share * n, n)
        return decided(held.low, held.high)

    return _smallest(enough)


def _smallest(enough: Callable[[int], bool]) -> int | None:
    """Return an n that is enough where the one before is not, as a search by halves finds it; None for none."""
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
        limit, each = criterion.limit or 0.0, " each" if "*" in criterion.where.values() else ""
        better = limit + margin < 1 if criterion.at_least is not None else limit - margin > 0
        model = f"a model that is {margin:g} better than the bound" if better else "a model without any error there"
        return f"an n of about {n:,}{each} decides it, in {POWER:.0%} of audits of {model}"
    if NAMES[criterion.measurement].quantity == "proportion":
        return "no n decides it: the bound lies at the end of the scale"
    return f"cannot be told beforehand: {criterion.measurement} is no plain proportion; run once and read the interval"
