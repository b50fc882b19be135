"""How far groups are apart, with intervals that hold for all pairs at once.

A percentile bootstrap of a maximum covers nothing when the true gap is zero: the maximum of noisy differences is never
zero. So the signed differences of all pairs get intervals that hold together, and the gap's interval follows from them:
it runs from the largest lower bound on any pair's absolute difference (0 where that pair's interval holds 0) to the
largest upper bound. Nothing is assumed about which pair is the true maximum, so coverage is at least nominal.

The critical value is the level's quantile, over bootstrap replicates of people, of the largest studentised deviation
(max-t; Romano and Wolf 2005). The limits at that critical value are not value +- c x SE, which fails near rates of 0
and 1 (and says "+- 0" for two perfect groups), but combine the two groups' Wilson limits: Newcombe 1998, method 10,
with the groups' bootstrap correlation as in Zou and Donner 2008 (groups are correlated only where they share people).
Simulated at n = 500, 2 to 4 groups, rates 0.5 to 0.96: all signed differences together cover 94 to 98%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.intervals import LEVEL, Bounds, normal_quantile, wilson_bounds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GroupRates:
    """One rate in k groups, or mean of numbers in [0, 1], with its joint bootstrap over people."""

    values: Floats
    """(k,), each in [0, 1]"""
    replicates: Floats
    """(b, k); NaN where a group had no denominator in a replicate"""
    n: Floats
    """(k,) people with one row each that each value's rows are worth"""
    one_each: bool
    """Whether nobody counts twice within any denominator: then Wilson's n is `n`, else the bootstrap's effective one,
    as for a mean, whose numbers spread less than hits and misses"""
    disjoint: bool
    """Whether nobody is in two groups: then the groups are uncorrelated"""
    resampled: NDArray[np.bool_] | None = None
    """(k,) whether resampling shows each group's spread; where it does not, Wilson's n is `n`. None: it does in all"""

    @cached_property
    def errors(self) -> Floats:
        """Bootstrap standard error per group, (k,)."""
        return np.asarray(np.nanstd(self.replicates, axis=0, ddof=1), dtype=np.float64)

    @cached_property
    def effective(self) -> Floats:
        """How many independent trials each value is worth, (k,)."""
        if self.one_each:
            return self.n
        spread = self.values * (1 - self.values)
        seen = (self.errors > 0) & (spread > 0) & (True if self.resampled is None else self.resampled)
        return np.asarray(np.where(seen, spread / np.square(np.where(seen, self.errors, 1)), self.n), dtype=np.float64)

    @cached_property
    def correlation(self) -> Floats:
        """Bootstrap correlation between the groups' rates, (k, k); 0 where a group shows no spread."""
        if self.disjoint:
            return np.eye(len(self.values))
        return correlation(self.replicates[np.isfinite(self.replicates).all(axis=1)])

    def limits(self, critical: float) -> Bounds:
        """Return Wilson's limits per group at `critical`."""
        return wilson_bounds(self.values, self.effective, critical=critical)


def correlation(replicates: Floats) -> Floats:
    """Return the correlation between columns of `replicates` (b, k), shape (k, k); 0 where a column does not vary."""
    centred = replicates - replicates.mean(axis=0)
    norms = np.sqrt(np.square(centred).sum(axis=0))
    scale = np.outer(norms, norms)
    found = np.divide(centred.T @ centred, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(np.clip(found, -1, 1), dtype=np.float64)


class Difference(NamedTuple):
    """A signed difference (first minus second) between two groups in one family of rates."""

    family: int
    first: int
    second: int
    value: float
    low: float
    high: float


class Span(NamedTuple):
    """Lower and upper limit of a gap, ratio or minimum."""

    low: float
    high: float


def differences(families: Sequence[GroupRates], *, level: float = LEVEL) -> tuple[Difference, ...]:
    """Return every pair's signed difference in every family, with intervals that hold together at `level`.

    Replicates must be aligned: row r of each family comes from the same draw of people.
    """
    deviations, errors = [], []
    for rates in families:
        for i, j in combinations(range(len(rates.values)), 2):
            replicates = rates.replicates[:, i] - rates.replicates[:, j]
            deviations.append(replicates - (rates.values[i] - rates.values[j]))
            errors.append(float(np.nanstd(replicates, ddof=1)))
    critical = max_t(np.stack(deviations, axis=1), np.array(errors), level=level)
    return tuple(
        Difference(family, i, j, float(rates.values[i] - rates.values[j]), *_newcombe(rates, i, j, critical))
        for family, rates in enumerate(families)
        for i, j in combinations(range(len(rates.values)), 2)
    )


def from_limits(values: Floats, limits: Bounds, *, correlation: float) -> tuple[Difference, ...]:
    """Return every pair's signed difference of `values` (k,), with intervals from the values' own `limits`, (k,) each.

    Zou and Donner 2008: for estimates whose spread no standard error tells. The intervals hold together where `limits`
    are those of as many comparisons as there are pairs.

    Args:
        values: one estimate per group.
        limits: of each.
        correlation: between any two estimates: 0 where nobody is in two groups, -1 (the widest) where it is not known.
    """
    return tuple(
        Difference(0, i, j, float(values[i] - values[j]), *_recovered(values, limits, i, j, rho=correlation))
        for i, j in combinations(range(len(values)), 2)
    )


def max_gap(pairs: Sequence[Difference]) -> Span:
    """Return the interval of the largest absolute difference among `pairs`."""
    low = max(max(pair.low, -pair.high, 0.0) for pair in pairs)
    high = max(max(pair.high, -pair.low) for pair in pairs)
    return Span(low, high)


def min_ratio(families: Sequence[GroupRates], *, level: float = LEVEL) -> Span:
    """Return the interval of the smallest ratio between two groups in any family (the smaller rate over the larger).

    As for gaps, with the pairs' log ratios studentised for the critical value, and the ratio's limits from the groups'
    Wilson limits (Donner and Zou 2012), which are defined when a rate is 0. Two groups at 0 give [0, 1].
    """
    pairs = [(rates, i, j) for rates in families for i, j in combinations(range(len(rates.values)), 2)]
    ratios = [(rates.replicates[:, i], rates.replicates[:, j], rates.values[[i, j]]) for rates, i, j in pairs]
    critical = _critical_of_ratios(ratios, level)
    spans = [_folded(*_ratio(rates, i, j, critical)) for rates, i, j in pairs]
    return Span(min(span.low for span in spans), min(span.high for span in spans))


@dataclass(frozen=True)
class BesideRest:
    """One group's rate beside that of everybody outside it, to be held against all together.

    All together hold the group, so the two rates depend on each other. With the group's share w of the denominators,
    group - all = (1 - w) (group - rest): the limits come from two rates of different people.
    """

    rates: GroupRates
    """Of the group and of the rest, in this order."""
    share: float
    """Of all denominators those in the group, in (0, 1)"""
    overall: Floats
    """(b,) replicates of the rate of all together"""

    @property
    def all_together(self) -> float:
        """The rate of all together."""
        return float(self.share * self.rates.values[0] + (1 - self.share) * self.rates.values[1])


def max_gap_to_overall(groups: Sequence[BesideRest], *, level: float = LEVEL) -> Span:
    """Return the interval of the largest absolute difference between a group and all together."""
    drawn = [one.rates.replicates[:, 0] - one.overall for one in groups]
    values = [float(one.rates.values[0]) - one.all_together for one in groups]
    errors = np.array([float(np.nanstd(replicates, ddof=1)) for replicates in drawn])
    critical = max_t(np.stack(drawn, axis=1) - np.array(values), errors, level=level)
    spans = [_newcombe(one.rates, 0, 1, critical) for one in groups]
    return max_gap(
        [
            Difference(0, 0, 1, value, (1 - one.share) * span.low, (1 - one.share) * span.high)
            for one, value, span in zip(groups, values, spans, strict=True)
        ]
    )


def min_ratio_to_overall(groups: Sequence[BesideRest], *, level: float = LEVEL) -> Span:
    """Return the interval of the smallest ratio of a group and all together (the smaller rate over the larger)."""
    ratios = [
        (one.rates.replicates[:, 0], one.overall, np.array([one.rates.values[0], one.all_together])) for one in groups
    ]
    critical = _critical_of_ratios(ratios, level)
    spans = []
    for one in groups:
        limits, w = _ratio(one.rates, 0, 1, critical), one.share
        lower_group = one.rates.values[0] <= one.rates.values[1]
        # group / all where the group's rate is the smaller one, else all / group
        spans.append(_folded(*((x / (w * x + 1 - w) if lower_group else w + (1 - w) * x) for x in limits)))
    return Span(min(span.low for span in spans), min(span.high for span in spans))


def minimum(rates: GroupRates, *, level: float = LEVEL) -> Span:
    """Return the interval of the lowest group's rate: the least of the groups' simultaneous limits."""
    critical = max_t(rates.replicates - rates.values, rates.errors, level=level)
    limits = rates.limits(critical)
    return Span(float(limits.low.min()), float(limits.high.min()))


def max_t(deviations: Floats, errors: Floats, *, level: float = LEVEL) -> float:
    """Return the quantile at `level` of the largest |deviation| / error over columns of `deviations` (b, m).

    Columns without spread tell the bootstrap nothing; where there are any, the result is at least Šidák's for all m.
    Never below the single comparison's.
    """
    spread = errors > 0
    floor = normal_quantile(level, 1 if spread.all() else len(errors))
    if not spread.any():
        return floor
    studentised = np.abs(deviations[:, spread]) / errors[spread]
    largest = np.where(np.isnan(studentised), 0, studentised).max(axis=1)
    return max(floor, float(np.quantile(largest, level)))


def _newcombe(rates: GroupRates, i: int, j: int, critical: float) -> Span:
    return _recovered(rates.values, rates.limits(critical), i, j, rho=float(rates.correlation[i, j]))


def _recovered(p: Floats, limits: Bounds, i: int, j: int, *, rho: float) -> Span:
    """Return the limits of p_i - p_j, with variances recovered from the limits of each (both (k,))."""
    low, high = limits
    down_i, up_i, down_j, up_j = p[i] - low[i], high[i] - p[i], p[j] - low[j], high[j] - p[j]
    difference = p[i] - p[j]
    below = down_i**2 + up_j**2 - 2 * rho * down_i * up_j
    above = up_i**2 + down_j**2 - 2 * rho * up_i * down_j
    return Span(float(difference - np.sqrt(max(below, 0.0))), float(difference + np.sqrt(max(above, 0.0))))


def _critical_of_ratios(ratios: Sequence[tuple[Floats, Floats, Floats]], level: float) -> float:
    """Return the critical value for log ratios, each given by the replicates of both rates, (b,), and their values."""
    deviations, errors = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for first, second, (value, other) in ratios:
            deviation = (np.log(first) - np.log(second)) - (np.log(value) - np.log(other))
            finite = deviation[np.isfinite(deviation)]
            deviations.append(np.where(np.isfinite(deviation), deviation, np.nan))
            errors.append(float(np.std(finite, ddof=1)) if len(finite) > 1 else 0.0)
    return max_t(np.stack(deviations, axis=1), np.array(errors), level=level)


def _ratio(rates: GroupRates, i: int, j: int, critical: float) -> Span:
    """Return the interval of the smaller rate over the larger, which may reach above 1."""
    p, (low, high) = rates.values, rates.limits(critical)
    a, b = (i, j) if p[i] <= p[j] else (j, i)
    if p[b] == 0:
        return Span(0.0, 1.0)
    rho = float(rates.correlation[i, j])
    # Fieller-like roots of (pa - r pb)^2 = squared half-widths, rationalised so that no difference of nearly equal
    # numbers is divided by; see Donner and Zou 2012, eq. 9.
    lower, upper = low[a] * (2 * p[a] - low[a]), high[b] * (2 * p[b] - high[b])
    middle = p[a] * p[b] - rho * (p[a] - low[a]) * (high[b] - p[b])
    root = np.sqrt(max(middle**2 - lower * upper, 0.0))
    smallest = lower / (middle + root) if lower > 0 else 0.0
    lower, upper = low[b] * (2 * p[b] - low[b]), high[a] * (2 * p[a] - high[a])
    middle = p[a] * p[b] - rho * (high[a] - p[a]) * (p[b] - low[b])
    largest = (middle + np.sqrt(max(middle**2 - lower * upper, 0.0))) / lower
    return Span(float(smallest), float(largest))


def _folded(low: float, high: float) -> Span:
    """Return the interval of a ratio that is at most 1, whichever rate was the smaller one in truth."""
    return Span(float(min(low, 1 / high)), float(min(high, 1.0)))
