"""Permutation tests of group differences: how often would groups dealt at random be as far apart as the real ones?

Groups are dealt anew among people, never among rows, and only within strata: within the true label for error rates,
within nothing for selection rates; where people have several rows, also among people with about as many. Under the
null that, within its stratum, a person's rows and outcomes do not depend on the group, every deal is as likely as the
real one, so that p = (1 + deals at least as far apart) / (1 + deals) is at most the level with at most that
probability, at any sample size (Phipson and Smyth 2010; Hemerik and Goeman 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.bootstrap import CELLS, People
from workbench.evidence.weighted import ratio

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
UNSETTLED = 0.05
"""Only a p-value below this can become smaller than it after adjustment, so only there are further deals worth it."""
Gap = Callable[[Codes], Floats]
"""Groups of people (b, people), in 0..k-1 -> how far groups are apart, (b,); NaN where a group is undefined."""


def dealt_within(people: People, labels: Codes) -> Codes:
    """Return a stratum per person, (people,): of one label in all rows (`People.strata`), and of about as many rows.

    A person with many rows weighs more. Were people with few rows dealt with those with many, and one group had more of
    these, the deals would spread less (or more) than the real groups do. Each doubling of rows is a stratum.
    """
    label = people.strata(labels)
    if people.one_each:
        return label
    doublings = np.frexp(np.bincount(people.rows))[1]
    return np.asarray(np.unique(np.stack([label, doublings]), axis=1, return_inverse=True)[1].reshape(-1), np.int64)


def deals(groups: Codes, strata: Codes, *, permutations: int, width: int, rng: np.random.Generator) -> Iterator[Codes]:
    """Yield `groups` (people,) dealt anew within `strata` (people,), in chunks (some, people); `permutations` in all.

    `width` is how many cells a deal costs the statistic: chunks are cut so that memory stays bounded.
    """
    members = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    chunk = max(1, CELLS // max(1, width))
    for start in range(0, permutations, chunk):
        b = min(chunk, permutations - start)
        dealt = np.empty((b, len(groups)), dtype=np.int64)
        for who in members:
            dealt[:, who] = rng.permuted(np.tile(groups[who], (b, 1)), axis=1)
        yield dealt


def p_value(
    gap: Gap,
    groups: Codes,
    strata: Codes,
    *,
    permutations: int,
    further: int = 0,
    width: int,
    rng: np.random.Generator,
) -> float:
    """Return the p-value of `gap` at `groups`: in (0, 1], at least 1 / (1 + deals).

    A deal that leaves a group undefined counts as at least as far apart, which errs on the side of a larger p. Raises
    ValueError where the gap of the real groups is undefined.

    Args:
        gap: how far groups are apart.
        groups: of each person, (people,).
        strata: groups are dealt within these, (people,).
        permutations: deals of every test.
        further: deals more where those leave p at most `UNSETTLED`. A p below it is then that of all deals, and needs
            the first ones to be below it, too, so the level is kept.
        width: cells that a deal costs the statistic.
        rng: what deals.
    """
    real = float(gap(groups[None, :])[0])
    if not np.isfinite(real):
        raise ValueError("the gap between the real groups is undefined")
    as_far, done, p = 0, 0, 0.0
    for more in (permutations, further):
        if more and p <= UNSETTLED:
            for dealt in deals(groups, strata, permutations=more, width=width, rng=rng):
                found = gap(dealt)
                as_far += int((~(found < real - 1e-12)).sum())  # NaN compares false, so it counts
            done += more
            p = (1 + as_far) / (1 + done)
    return p


def rate_gap(hits: Floats, totals: Floats, k: int, *, among: Codes | None = None) -> Gap:
    """Return the largest difference between `k` groups in a share, from `hits` and `totals` per person, (people,).

    Between those `among` them alone, where given.
    """
    kept = np.arange(k) if among is None else among

    def gap(groups: Codes) -> Floats:
        return _spread(ratio(_sums(groups, hits, k), _sums(groups, totals, k))[:, kept])

    return gap


def auc_gap(scores: Floats, positive: NDArray[np.bool_], people: People, k: int) -> Gap:
    """Return the largest difference between `k` groups in the area under the ROC curve of `scores` (n,).

    P(positive scores above negative) within a group, ties counting half.
    """
    order = np.argsort(scores, kind="stable")
    who, is_positive = people.rows[order], positive[order]
    level = np.cumsum(np.concatenate([[0], np.diff(scores[order]) != 0]))  # equal scores share one

    def gap(groups: Codes) -> Floats:
        by_score = groups[:, who].astype(np.int16 if k < 2**15 else np.int64)
        within = np.argsort(by_score, axis=1, kind="stable")  # by group, and by score within it
        group = np.take_along_axis(by_score, within, axis=1).astype(np.int64)
        up, tied = is_positive[within], level[within]
        starts = np.ones(group.shape, dtype=np.bool_)
        starts[:, 1:] = (np.diff(group, axis=1) != 0) | (np.diff(tied, axis=1) != 0)
        run = np.flatnonzero(starts)  # runs of equal scores in one group; none spans two deals
        seen = np.cumsum(~up, axis=1)  # negatives so far, of earlier groups too
        last = np.append(run[1:], starts.size) - 1
        beaten = (seen.flat[run] - ~up.flat[run] + seen.flat[last]) / 2
        cell = run // group.shape[1] * k + group.flat[run]
        size = len(groups) * k
        ups = np.add.reduceat(up.ravel().astype(np.float64), run)
        positives = np.bincount(cell, weights=ups, minlength=size).reshape(-1, k)
        rows = np.diff(np.append(run, starts.size)).astype(np.float64)
        negatives = np.bincount(cell, weights=rows, minlength=size).reshape(-1, k) - positives
        wins = np.bincount(cell, weights=ups * beaten, minlength=size).reshape(-1, k)
        earlier = np.cumsum(negatives, axis=1) - negatives
        return _spread(ratio(wins - positives * earlier, positives * negatives))

    return gap


def largest_of(gaps: list[Gap]) -> Gap:
    """Return the largest of several gaps."""
    return lambda groups: np.asarray(np.max([gap(groups) for gap in gaps], axis=0), dtype=np.float64)


def _sums(groups: Codes, values: Floats, k: int) -> Floats:
    """Return the sums of `values` (people,) per deal and group, (b, k)."""
    cells = groups + np.arange(len(groups))[:, None] * k
    weights = np.broadcast_to(values, groups.shape).ravel()
    summed = np.bincount(cells.ravel(), weights=weights, minlength=len(groups) * k)
    return np.asarray(summed.reshape(-1, k), dtype=np.float64)


def _spread(rates: Floats) -> Floats:
    return np.asarray(rates.max(axis=1) - rates.min(axis=1), dtype=np.float64)
