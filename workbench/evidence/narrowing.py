"""By how much a gap between groups became narrower, from the same people before and after.

A gap is a maximum: over rates, pairs of groups and signs, of signed differences d. Its change

    N = max d_before - max d_after

is no smooth function of the rates where groups are level, so a percentile bootstrap of it covers too little. For any
fixed contrast k of the gap before, N >= d_before(k) - d_after(j) at the j that is largest after, and so N >= the least
over j: a minimum of smooth contrasts. The least of their lower limits, each at the one-sided level, is below N with
that level, without a correction for how many there are (intersection-union; Berger 1982). The upper limit is the same
with the roles exchanged. The fixed contrasts are to be chosen on other people; then nothing is assumed of the truth.
Few decisions differ between the sides, and in a small group none may, by chance: so each limit counts one person more
in every group, whose decisions are the worst ones for it (as `rare_interval` does).
Where there are no other people, `change` holds for all contrasts at once (max-t), and is wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.bootstrap import People, expanded_tail, replicate
from workbench.evidence.intervals import LEVEL, normal_quantile, wilson_bounds
from workbench.evidence.measurement import Interval
from workbench.evidence.simultaneous import max_t
from workbench.evidence.weighted import ratio

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Rates(NamedTuple):
    """Rates of k groups under m families (a family: selection rate, true positive rate, …), before or after."""

    values: Floats
    """(m, k)"""
    replicates: Floats
    """(b, m, k), aligned with those of the other side"""
    people: Floats
    """Whom each rests on, (m, k); the same people on either side."""


def rates_by_group(
    chances: Floats, masks: Sequence[Sequence[Bools]], people: People, *, replicates: int, rng: np.random.Generator
) -> Rates:
    """Return the mean of `chances` (n,) in each of `masks` (m families of k groups, each (n,)), with replicates.

    The same `rng` gives the same draws of people, so that two sides are aligned. NaN in a replicate without anybody.
    """
    flat = [mask for family in masks for mask in family]
    columns = np.column_stack([*(chances * mask for mask in flat), *flat]).astype(np.float64)
    sums, half, shape = people.totals(columns), len(flat), (len(masks), len(masks[0]))

    def statistic(counts: Floats) -> Floats:
        totals: Any = counts @ sums
        return ratio(totals[:, :half], totals[:, half:])

    drawn = replicate(people, statistic, replicates=replicates, rng=rng)
    values = ratio(columns[:, :half].sum(axis=0), columns[:, half:].sum(axis=0))
    sizes = np.array([people.among(mask).size for mask in flat], dtype=np.float64)
    return Rates(values.reshape(shape), drawn.reshape(len(drawn), *shape), sizes.reshape(shape))


def contrasts(rates: Floats, less: Floats | None = None) -> Floats:
    """Return every signed difference between two groups, (..., m * k * (k - 1)), of `rates` (..., m, k).

    `less`: the rates to take the second group's from, if they are others.
    """
    return _by_pair(np.subtract, rates, rates if less is None else less)


def _by_pair(function: np.ufunc, one: Floats, other: Floats) -> Floats:
    """Return `function` of each ordered pair of groups in the order of `contrasts`."""
    pairs = list(combinations(range(one.shape[-1]), 2))
    first, second = [i for i, _ in pairs], [j for _, j in pairs]
    ways = (function(one[..., a], other[..., b]) for a, b in ((first, second), (second, first)))
    return np.concatenate([way.reshape(*one.shape[:-2], -1) for way in ways], axis=-1)


def gap(rates: Floats) -> float:
    """Return the largest difference between two groups over all families of `rates` (m, k)."""
    return float(contrasts(rates).max())


def largest(rates: Floats) -> int:
    """Return which of `contrasts` is the largest."""
    return int(contrasts(rates).argmax())


def narrowing(
    before: Rates,
    after: Rates,
    *,
    chosen_before: int,
    chosen_after: int,
    people: int,
    rng: np.random.Generator,
    level: float = LEVEL,
) -> Interval:
    """Return the interval of the gap before minus the gap after, in [-1, 1]; never without width.

    Args:
        before: rates without the mitigation.
        after: rates of the same people with it.
        chosen_before: the contrast to hold the gap before by (`largest`), chosen on other people.
        chosen_after: the same for the gap after.
        people: how many there are; at least two.
        rng: draws how much the person more in each group weighs.
        level: of the interval.
    """
    tail = expanded_tail(people, level=level)
    weight = rng.beta(1, before.people, size=before.replicates.shape)
    # One person more in each group, for whom no decision is positive, or every one is.
    least, most = (
        [(1 - weight) * one.replicates + weight * decision for one in (before, after)] for decision in (0, 1)
    )
    falls = contrasts(least[0], most[0])[:, [chosen_before]] - contrasts(most[1], least[1])
    rises = contrasts(most[0], least[0]) - contrasts(least[1], most[1])[:, [chosen_after]]
    lows = np.nanquantile(falls, tail, axis=0)
    highs = np.nanquantile(rises, 1 - tail, axis=0)
    value = gap(before.values) - gap(after.values)
    low, high = min(float(lows.min()), value), max(float(highs.max()), value)
    method = (
        "paired, intersection-union of contrasts between groups: bootstrap over people and one person more in each "
        f"group, {len(falls)} replicates"
    )
    return Interval(low=max(low, -1.0), high=min(high, 1.0), level=level, method=method)


def change(before: Rates, after: Rates, *, level: float = LEVEL) -> Interval:
    """Return the interval of the gap after minus the gap before, in [-1, 1], with nothing chosen beforehand.

    Every difference between a contrast after and one before gets limits that hold together at `level`; the change is
    at least the best of the worst of them, and at most the worst of the best. Where nobody's decision differs,
    resampling sees no spread: limits are then Wilson's for none of the smallest group's people.
    """
    values = contrasts(after.values)[:, None] - contrasts(before.values)[None, :]
    drawn = contrasts(after.replicates)[:, :, None] - contrasts(before.replicates)[:, None, :]
    flat = drawn.reshape(len(drawn), -1)
    errors = np.nanstd(flat, axis=0, ddof=1)
    half = (max_t(flat - values.ravel(), errors, level=level) * errors).reshape(values.shape)
    unseen = wilson_bounds(0.0, before.people, critical=normal_quantile(level)).high
    unseen = _by_pair(np.hypot, unseen, unseen)
    half = np.hypot(half, np.maximum(unseen[:, None], unseen[None, :]))
    # max_j a_j - max_k b_k = max_j min_k (a_j - b_k)
    low = float((values - half).min(axis=1).max())
    high = float((values + half).min(axis=1).max())
    method = f"paired, simultaneous over contrasts between groups: max-t bootstrap over people, {len(drawn)} replicates"
    return Interval(low=max(low, -1.0), high=min(high, 1.0), level=level, method=method)
