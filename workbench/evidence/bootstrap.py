"""Resampling people: intervals for whatever has no closed form.

The unit is the person, never the row: all rows of a drawn person come along, as often as the person was drawn. A
replicate is therefore a vector of counts over people, and every statistic is computed from weights, not from copies.

Percentile limits are widened for few people as Hesterberg 2015 (section 5.3, "expanded percentile") proposes: the
plain percentile interval of a mean is too short by the factor sqrt((n - 1) / n) times normal over Student quantile.
Scores with bounds get no percentiles but score limits at the bootstrap's standard error (`bounded`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from workbench.evidence.intervals import LEVEL, quantile_interval, wilson, wilson_bounds
from workbench.evidence.measurement import Interval

Floats = NDArray[np.float64]

REPLICATES = 2000
"""Enough for the 2.5% tails to vary by about a tenth of a standard error; ten thousand is three times as steady."""

CELLS = 2_000_000
"""Rows x replicates held at once: 16 MB of weights. Fixed, so that no machine draws differently."""

FEWEST_PEOPLE = 10
"""Below this a bootstrap covers visibly less than it claims; bounded scores then get Wilson limits on the people."""

ROUNDING = 1e-12
"""Numbers around 1 that are no further apart differ by the order of their sums only."""

LEAST_USABLE = 0.9
"""Share of replicates in which a statistic must be defined for an interval to be reported."""


@dataclass(frozen=True)
class People:
    """Whose each row is. `codes` (n,) are whole numbers; equal numbers, same person."""

    codes: NDArray[np.int64]

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Each row's person, renumbered 0 .. size - 1 in order of code, shape (n,)."""
        return np.asarray(np.unique(self.codes, return_inverse=True)[1].reshape(-1), dtype=np.int64)

    @cached_property
    def size(self) -> int:
        """How many people."""
        return int(self.rows.max()) + 1 if len(self.rows) else 0

    @property
    def one_each(self) -> bool:
        """Whether nobody has more than one row."""
        return self.size == len(self.codes)

    @cached_property
    def worth(self) -> float:
        """How many people with one row each these rows are worth, where a person's rows are alike: Kish 1965's n."""
        return float(_worth(np.bincount(self.rows)))

    def shows(self, hits: NDArray[np.bool_]) -> bool:
        """Return whether resampling shows how a share of `hits` (n,) varies.

        It does where at least `FEWEST_PEOPLE` hit, and as many miss; those with many rows of them count for less.
        """
        sides = (np.bincount(self.rows, weights=side, minlength=self.size) for side in (hits, ~hits))
        return min(_worth(side) for side in sides) >= FEWEST_PEOPLE

    def among(self, keep: NDArray[np.bool_]) -> People:
        """Return the people of the rows that `keep` marks."""
        return People(self.codes[keep])

    def totals(self, columns: Floats) -> Floats:
        """Return the sums of `columns` (n, k) per person, shape (size, k)."""
        if self.one_each:
            sums = np.empty(columns.shape, dtype=np.float64)
            sums[self.rows] = columns
            return sums
        return np.stack([np.bincount(self.rows, weights=column, minlength=self.size) for column in columns.T], axis=1)

    def strata(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a stratum per person for resampling that keeps the label counts, shape (size,).

        People whose rows all have one label form that label's stratum; all people with several labels form one more.
        """
        first, last = np.full(self.size, np.iinfo(np.int64).max), np.full(self.size, np.iinfo(np.int64).min)
        np.minimum.at(first, self.rows, labels)
        np.maximum.at(last, self.rows, labels)
        return np.where(first == last, first, -1).astype(np.int64)


def _worth(sizes: NDArray[Any]) -> float:
    squares = np.square(sizes).sum()
    return float(np.square(sizes.sum()) / squares) if squares else 0.0


def draws(
    people: People, *, replicates: int, rng: np.random.Generator, strata: NDArray[np.int64] | None = None
) -> Iterator[Floats]:
    """Yield how often each person is drawn, in chunks of shape (some replicates, people); `replicates` in all.

    Multinomial with equal chances over all people, or within each stratum (keeping every stratum's size).
    """
    chunk = max(1, CELLS // max(1, len(people.codes)))  # rows, not people: a statistic may weigh every row
    members = [np.arange(people.size)] if strata is None else [np.flatnonzero(strata == s) for s in np.unique(strata)]
    for start in range(0, replicates, chunk):
        b = min(chunk, replicates - start)
        counts = np.empty((b, people.size), dtype=np.float64)
        for who in members:
            drawn = rng.integers(0, len(who), size=(b, len(who))) + (np.arange(b) * len(who))[:, None]
            counts[:, who] = np.bincount(drawn.ravel(), minlength=b * len(who)).reshape(b, len(who))
        yield counts


def replicate(
    people: People,
    statistic: Callable[[Floats], Floats],
    *,
    replicates: int = REPLICATES,
    rng: np.random.Generator,
    strata: NDArray[np.int64] | None = None,
) -> Floats:
    """Return `statistic` of each replicate's counts: (b, people) -> (b,) or (b, k), over all replicates.

    Within the returned array NaN stands for "undefined in this replicate"; `describe` counts and states these.
    """
    return np.concatenate([statistic(c) for c in draws(people, replicates=replicates, rng=rng, strata=strata)])


def percentile(values: Floats, people: int, *, level: float = LEVEL, stratified: bool = False) -> Interval | None:
    """Return the percentile interval of the replicates `values` (b,) of a statistic over so many `people`.

    None where the statistic is undefined in more than a tenth of the replicates, or there are fewer than two people.
    """
    usable = values[np.isfinite(values)]
    if people < 2 or not _enough(usable, values):
        return None
    tail = expanded_tail(people, level=level)
    low, high = np.quantile(usable, [tail, 1 - tail])
    return Interval(low=float(low), high=float(high), level=level, method=describe(values, stratified=stratified))


def _enough(usable: Floats, values: Floats) -> bool:
    return len(usable) >= max(2, LEAST_USABLE * len(values))


def expanded_tail(people: int, *, level: float = LEVEL) -> float:
    """Return the tail probability whose percentiles make the interval as wide as Student's would (Hesterberg 2015)."""
    student = stats.t.ppf((1 - level) / 2, people - 1)
    return float(stats.norm.cdf(np.sqrt(people / (people - 1)) * student))


def describe(values: Floats, *, stratified: bool = False, kind: str = "percentile bootstrap") -> str:
    """Return the method in words, with how many replicates were left out because the statistic was undefined."""
    within = " within labels" if stratified else ""
    lost = int(len(values) - np.isfinite(values).sum())
    without = f"; {lost} of them undefined and left out" if lost else ""
    return f"{kind} over people{within}, {len(values)} replicates{without}"


def bounded(
    value: float,
    replicates: Floats,
    people: int,
    *,
    level: float = LEVEL,
    stratified: bool = False,
    most: float = np.inf,
) -> Interval | None:
    """Return an interval for a score in [0, 1] that rests on `people` (the rarer side, where there are two).

    Wilson's limits for as many independent trials as the spread of the `replicates` says the score is worth, but no
    more than `most`, at Student's critical value. The replicates' percentiles would not do: near 1 their spread shrinks
    with every lucky draw, and their lower limit lies too high.

    Where resampling cannot see the uncertainty (fewer than `FEWEST_PEOPLE`, or all replicates agree: a perfect score),
    the trials are the `people`: the variance of a mean of numbers in [0, 1] is at most that of a proportion, and that
    of an AUC at most A (1 - A) / min(m, n) (van Dantzig 1951), so this errs on the wide side.

    None where the score is undefined in more than a tenth of the replicates. Raises ValueError for a value outside
    [0, 1] by more than `ROUNDING`: sums of shares may end a hair above 1.
    """
    usable = replicates[np.isfinite(replicates)]
    value = within_rounding(value)
    few = people < FEWEST_PEOPLE
    if few or not 0 < value < 1 or (len(usable) and agree(usable)):
        reason = "too few to resample" if few else "all replicates agree"
        return wilson(value * people, people, level=level, method=f"Wilson on {people} people ({reason})")
    if not _enough(usable, replicates):
        return None
    variance = float(usable.var(ddof=1)) * people / (people - 1)
    trials = min(value * (1 - value) / variance, most)
    limits = wilson_bounds(value, trials, critical=float(stats.t.ppf((1 + level) / 2, people - 1)))
    method = describe(replicates, stratified=stratified, kind="Wilson, standard error by bootstrap")
    return _around(Interval(low=float(limits.low), high=float(limits.high), level=level, method=method), value)


def auc_interval(value: float, replicates: Floats, sides: tuple[int, int], *, level: float = LEVEL) -> Interval | None:
    """Return the interval of an AUC from replicates within labels; `sides` counts the people of either label.

    `bounded`, and of no more trials than an AUC of `value` is worth where scores are exponential (Hanley and McNeil
    1982, with both sides as in Newcombe 2006, method 5): few people of one side that happen to be ranked high spread
    too little.

    Simulated, 400 audits each (normal scores of equal and unequal spread, mixtures, two scores only; sides of 15 to 300
    people, AUC 0.6 to 0.99): covers 94 to 100%, the truth lies below the lower limit in at most 3%; with several rows
    each, 98 to 100%. Percentiles covered 87 to 94% of normal scores, with the truth below in 6 to 12%.
    """
    middle = (sides[0] + sides[1]) / 2 - 1
    most = sides[0] * sides[1] / (1 + middle * ((1 - value) / (2 - value) + value / (1 + value)))
    return bounded(value, replicates, min(sides), level=level, stratified=True, most=most)


def within_rounding(value: float) -> float:
    """Return `value` in [0, 1], free of the rounding that may carry it past either end by `ROUNDING`."""
    clamped = min(max(value, 0.0), 1.0)
    return clamped if abs(value - clamped) <= ROUNDING else value


def agree(values: Floats) -> bool:
    """Return whether no two of the finite numbers `values` differ by more than rounding; True without any."""
    usable = values[np.isfinite(values)]
    return len(usable) == 0 or bool(np.ptp(usable) <= ROUNDING * max(1.0, float(np.abs(usable).max())))


def proportion_interval(
    hits: NDArray[np.bool_] | Sequence[bool],
    people: People,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the share of rows that are `hits` (n,).

    Wilson where nobody has more than one row; else a bootstrap over people. None without rows.
    """
    hit = np.asarray(hits, dtype=np.bool_)
    if not len(hit):
        return None
    drawn = None if people.one_each else _means(hit.astype(np.float64), people, replicates, rng)
    return share_interval(hit, people, drawn, level=level)


def share_interval(
    hits: NDArray[np.bool_],
    people: People,
    replicates: Floats | None,
    *,
    level: float = LEVEL,
    stratified: bool = False,
) -> Interval | None:
    """Return the interval of the share of `hits` (n,) among the rows of `people`: the denominator, one row at least.

    Wilson where nobody has more than one row; else from the `replicates` (b,) of the share, or, where they cannot show
    how it varies, Wilson for as many people as the rows are worth.

    Simulated, 300 audits each (30 to 200 people with 2 to 10 rows, all alike or half of them, shares of 0.6 to 0.97):
    covers 92 to 98%, where the replicates alone covered 75 to 96%. Where a few people have most of the rows (3 of 30
    have 30 each; or rows as by Zipf's law), 87 to 92%.
    """
    n, value = len(people.codes), float(hits.mean())
    if people.one_each or replicates is None:
        return wilson(float(hits.sum()), n, level=level)
    if not people.shows(hits):
        method = f"Wilson on the {people.worth:.4g} people that the rows are worth (too few vary to resample)"
        return wilson(value * people.worth, people.worth, level=level, method=method)
    return bounded(value, replicates, people.size, level=level, stratified=stratified)


def mean_interval(
    values: Floats | Sequence[float],
    people: People,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the mean over rows of `values` (n,), by a bootstrap over people.

    With fewer than `FEWEST_PEOPLE`, Student's t on the people's deviations. None with fewer than two people. Without
    width where all values agree, which no one should report: use `score_interval` for what has bounds, else `agree`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if people.size < 2:
        return None
    if people.size < FEWEST_PEOPLE:
        return _student(numbers, people, level)
    return percentile(_means(numbers, people, replicates, rng), people.size, level=level)


def score_interval(
    values: Floats | Sequence[float],
    people: People,
    *,
    bottom: float = 0.0,
    top: float = 1.0,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the mean over rows of `values` (n,), each in [`bottom`, `top`]: `bounded`, scaled.

    None without rows. Never without width: Wilson's limits where resampling sees no spread.
    """
    span = top - bottom
    numbers = (np.asarray(values, dtype=np.float64) - bottom) / span
    if not len(numbers):
        return None
    found = bounded(float(numbers.mean()), _means(numbers, people, replicates, rng), people.size, level=level)
    return (
        None
        if found is None
        else found.model_copy(update={end: getattr(found, end) * span + bottom for end in ("low", "high")})
    )


def rare_interval(
    values: Floats | Sequence[float],
    people: People,
    *,
    bottom: float = 0.0,
    top: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the mean over rows of `values` (n,), at least `bottom`, of which few may make up most.

    A bootstrap over people, and one person more: at `bottom` for the lower limit and at `top` (what a mistake costs)
    for the upper one. Of a model that is seldom wrong and sure of itself a few mistakes make the mean; where none or
    hardly any was seen, resampling knows nothing of them. The share of the person more varies as among evenly drawn
    shares (Dirichlet), as in Gaffke 2005's bound of the mean of bounded numbers; for a proportion it is nearly
    Clopper-Pearson's.

    Simulated for the Brier score and log loss, 300 audits each (20 to 1,000 people, 75% to 99% right, sure of
    themselves or not): covers 95.3 to 100%. Plain percentiles covered 52 to 87% where no mistake or one was to be
    expected. None without rows.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return None
    means = _means(numbers, people, replicates, rng)
    span = max(top, float(means.max())) - bottom
    shares, tail = (means - bottom) / span, (1 - level) / 2
    low = bottom + span * _least_with_one_more(shares, people.size, tail)
    high = bottom + span * (1 - _least_with_one_more(1 - shares, people.size, tail))
    method = f"{describe(means)}, with one person more at either end"
    return _around(Interval(low=low, high=high, level=level, method=method), float(numbers.mean()))


def _least_with_one_more(means: Floats, people: int, tail: float) -> float:
    """Return the quantile at `tail` of means (b,) when one person more, at 0, takes a Beta(1, `people`) share."""

    def below(x: float) -> float:
        shares = np.divide(x, means, out=np.ones_like(means), where=means > x)
        return float(np.power(shares, people).mean()) - tail

    return float(brentq(below, 0, max(0.0, float(means.max())))) if below(0) < 0 else 0.0


def median_interval(
    values: Floats | Sequence[float],
    people: People,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the median over rows of `values` (n,).

    Order statistics where nobody has more than one row; else a bootstrap over people. None where the people are too
    few: six are the least for the one, `FEWEST_PEOPLE` for the other. It may be without width: where most values are
    equal, so is the median, whatever the sample.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if people.one_each:
        return quantile_interval(numbers.tolist(), 0.5, level=level)
    if people.size < FEWEST_PEOPLE:
        return None
    order = np.argsort(numbers, kind="stable")

    def median(counts: Floats) -> Floats:
        below = np.cumsum(counts[:, people.rows[order]], axis=1)
        middle = (below >= below[:, -1:] / 2).argmax(axis=1)
        return np.asarray(numbers[order][middle], dtype=np.float64)

    found = percentile(replicate(people, median, replicates=replicates, rng=rng), people.size, level=level)
    return None if found is None else _around(found, float(np.median(numbers)))


def _means(values: Floats, people: People, replicates: int, rng: np.random.Generator) -> Floats:
    sums = people.totals(np.stack([values, np.ones(len(values))], axis=1))

    def mean(counts: Floats) -> Floats:
        total: Any = counts @ sums
        return np.asarray(total[:, 0] / total[:, 1], dtype=np.float64)

    return replicate(people, mean, replicates=replicates, rng=rng)


def _student(values: Floats, people: People, level: float) -> Interval:
    mean = float(values.mean())
    deviations = people.totals((values - mean)[:, None])[:, 0]  # linearised: a person's rows are summed, not averaged
    g = people.size
    error = float(np.sqrt(g / (g - 1) * np.square(deviations).sum()) / len(values))
    half = float(stats.t.ppf((1 + level) / 2, g - 1)) * error
    method = f"Student's t over {g} people (too few to resample)"
    return Interval(low=mean - half, high=mean + half, level=level, method=method)


def _around(interval: Interval, value: float) -> Interval:
    """Return `interval` widened, where need be, to hold the value itself."""
    return interval.model_copy(update={"low": min(interval.low, value), "high": max(interval.high, value)})
