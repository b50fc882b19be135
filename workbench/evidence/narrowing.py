"""By how much a gap between groups became narrower, from the same people before and after.

A gap is a maximum: over rates, pairs of groups and signs, of signed differences d. Its change

    N = max d_before - max d_after

is no smooth function of the rates where groups are level, so a percentile bootstrap of it covers too little. For any
fixed contrast k of the gap before, N >= d_before(k) - d_after(j) at the j that is largest after, and so N >= the least
over j: a minimum of smooth contrasts. The least of their lower limits, each at the one-sided level, is below N with
that level, without a correction for how many there are (intersection-union; Berger 1982). The upper limit is the same
with the roles exchanged. The fixed contrasts are to be chosen on other people; then nothing is assumed of the truth.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.bootstrap import expanded_tail
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval

Floats = NDArray[np.float64]


class Rates(NamedTuple):
    """Rates of k groups under m families (a family: selection rate, true positive rate, …), before or after."""

    values: Floats
    """(m, k)"""
    replicates: Floats
    """(b, m, k), aligned with those of the other side"""


def contrasts(rates: Floats) -> Floats:
    """Return every signed difference between two groups, (..., m * k * (k - 1)), of `rates` (..., m, k)."""
    pairs = list(combinations(range(rates.shape[-1]), 2))
    first, second = [i for i, _ in pairs], [j for _, j in pairs]
    signed = rates[..., first] - rates[..., second]
    flat = signed.reshape(*rates.shape[:-2], -1)
    return np.concatenate([flat, -flat], axis=-1)


def gap(rates: Floats) -> float:
    """Return the largest difference between two groups over all families of `rates` (m, k)."""
    return float(contrasts(rates).max())


def largest(rates: Floats) -> int:
    """Return which of `contrasts` is the largest."""
    return int(contrasts(rates).argmax())


def narrowing(
    before: Rates, after: Rates, *, chosen_before: int, chosen_after: int, people: int, level: float = LEVEL
) -> Interval:
    """Return the interval of the gap before minus the gap after, in [-1, 1].

    Args:
        before: rates without the mitigation.
        after: rates of the same people with it.
        chosen_before: the contrast to hold the gap before by (`largest`), chosen on other people.
        chosen_after: the same for the gap after.
        people: how many there are; at least two.
        level: of the interval.
    """
    tail = expanded_tail(people, level=level)
    drawn = [contrasts(one.replicates) for one in (before, after)]
    falls = drawn[0][:, [chosen_before]] - drawn[1]
    rises = drawn[0] - drawn[1][:, [chosen_after]]
    lows = np.nanquantile(falls, tail, axis=0)
    highs = np.nanquantile(rises, 1 - tail, axis=0)
    value = gap(before.values) - gap(after.values)
    low, high = min(float(lows.min()), value), max(float(highs.max()), value)
    method = f"paired, intersection-union of contrasts between groups: bootstrap over people, {len(falls)} replicates"
    return Interval(low=low, high=high, level=level, method=method)
