"""Quantities that two models have for the same examples, one by one: their changes have paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.comparing.changes import Change, Word, direction
from workbench.comparing.decided import ROUNDING, Decided
from workbench.evidence.alike import Key, key_of
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import GroupTable, Rewrite
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.narrowing import change, gap, rates_by_group
from workbench.evidence.paired import paired_interval, paired_score_interval, replicates_for
from workbench.evidence.record import AuditRecord
from workbench.evidence.weighted import macro_roc_auc
from workbench.seeds import Streams

_UNDER_ATTACK = "robustness.accuracy_under_attack"
_STANDS = ("resisted", "exhausted")
_STREAMS = Streams(0)
_FAMILIES = {
    "fairness.demographic_parity_difference": ("everybody",),
    "fairness.equal_opportunity_difference": ("positive",),
    "fairness.equalized_odds_difference": ("positive", "others"),
}
"""Gap -> among whom positive decisions are counted."""
_MOST_GROUPS = 8
"""More groups have thousands of pairs of pairs: such a gap is shown with its own two intervals."""


class Pair(NamedTuple):
    """One quantity that both models have for the same examples."""

    name: str
    where: Mapping[str, str]
    better: Better
    people: People
    before: float
    after: float
    drawn: Callable[[float], Interval | None]
    """Level -> the interval of the change."""


def predictions(seen: Decided, other: Decided, positive: str) -> Iterator[Pair]:
    """Yield accuracy, and ROC-AUC where every label is there."""
    labels = np.array(seen.labels)
    codes = np.unique(seen.people, return_inverse=True)[1].reshape(-1)
    people = People(codes.astype(np.int64))
    right = [(np.array(one.decided) == labels).astype(np.float64) for one in (seen, other)]
    yield _of_shares("performance.accuracy", {}, right[0], right[1], people)
    # As the records have it: the positive label's area where there are two labels, else the mean of all labels' areas.
    ranked = [positive] if len(seen.probabilities) == 2 else list(seen.probabilities)
    truth = np.stack([labels == name for name in ranked])
    if truth.any(axis=1).all() and not truth.all(axis=1).any():
        first, second = (
            macro_roc_auc(np.stack([one.probabilities[name] for name in ranked]), truth) for one in (seen, other)
        )
        numbers = np.arange(1, len(ranked) + 1) @ truth
        once = np.ones((1, len(labels)))

        def interval(level: float) -> Interval | None:
            rng, replicates = _STREAMS.stream("compare", "roc_auc"), replicates_for(level)
            return paired_score_interval(first, second, numbers, people, rng=rng, replicates=replicates, level=level)

        before, after = (float(score(once)[0]) for score in (first, second))
        yield Pair("performance.roc_auc", {}, "higher", people, before, after, interval)


def gaps(
    records: tuple[AuditRecord, AuditRecord], sides: tuple[Decided, Decided], unlike: frozenset[Key]
) -> Iterator[Pair]:
    """Yield the gaps between groups that both audits measured, where what each decided gives the same figures."""
    positive = records[0].audit.positive_label
    truth = np.array(sides[0].labels) == positive
    among = {"everybody": np.ones(len(truth), dtype=np.bool_), "positive": truth, "others": ~truth}
    people = People(np.unique(sides[0].people, return_inverse=True)[1].reshape(-1).astype(np.int64))
    chances = [(np.array(one.decided) == positive).astype(np.float64) for one in sides]
    for _, held in records[0].measurements():
        found = records[1].find(held.name, **held.where)
        families, attribute = _FAMILIES.get(held.name), held.where.get("attribute", "")
        compared = _compared(records, attribute)
        if families is None or found is None or len(compared) < 2 or key_of(held.name, held.where) in unlike:
            continue
        if attribute not in sides[0].groups or sides[0].groups[attribute] != sides[1].groups.get(attribute):
            continue
        group = np.array(sides[0].groups[attribute], dtype=object)
        masks = [[among[family] & (group == one) for one in compared] for family in families]
        values = [gap(rates_by_group(one, masks, people, replicates=1, rng=_rng(held)).values) for one in chances]
        if any(not abs(value - one.value) < ROUNDING for value, one in zip(values, (held, found), strict=True)):
            continue  # measured over other groups, or about another label: shown with its own intervals

        def interval(level: float, masks: list[list[NDArray[np.bool_]]] = masks, of: Measurement = held) -> Interval:
            drawn = [
                rates_by_group(one, masks, people, replicates=replicates_for(level), rng=_rng(of)) for one in chances
            ]
            return change(*drawn, level=level)

        inside = np.array([one in compared for one in group])
        yield Pair(held.name, held.where, "lower", people.among(inside), values[0], values[1], interval)


def attacks(base: AuditRecord, record: AuditRecord, unlike: frozenset[Key]) -> Iterator[Pair]:
    """Yield accuracy under each attack that both stood alike, over the texts that both were attacked on."""
    held = [_rewrites(one) for one in (base, record)]
    for recipe in sorted(set(held[0]) & set(held[1])):
        if key_of(_UNDER_ATTACK, {"recipe": recipe}) in unlike:
            continue
        both = sorted(set(held[0][recipe]) & set(held[1][recipe]))
        if not both:
            continue
        stands = [np.array([float(side[recipe][one].outcome in _STANDS) for one in both]) for side in held]
        people = People(np.array([held[0][recipe][one].person or 0 for one in both], dtype=np.int64))
        yield _of_shares(_UNDER_ATTACK, {"recipe": recipe}, stands[0], stands[1], people)


def paired(one: Pair, level: float) -> Change:
    """Return the change with its interval at `level`."""
    interval = one.drawn(level)
    low, high = (0.0, 0.0) if interval is None else (interval.low, interval.high)
    word: Word = "undecided" if low <= 0 <= high else direction(one.better, low > 0)
    return Change(
        one.name, one.where, "score" if one.name.endswith("auc") else "proportion", one.before, one.after, None, None,
        one.after - one.before, interval, one.people.size, word,
    )  # fmt: skip


def _compared(records: tuple[AuditRecord, AuditRecord], attribute: str) -> list[str]:
    """Return the groups of `attribute` that the audits compared; none where they are too many to compare all pairs."""
    for _, one in records[0].exhibits("group_table"):
        if isinstance(one, GroupTable) and one.attribute == attribute:
            large = [size.group for size in one.groups if size.group not in one.too_small]
            return large if len(large) <= _MOST_GROUPS else []
    return []


def _rng(of: Measurement) -> np.random.Generator:
    return _STREAMS.stream("compare", of.name, *of.where.values())


def _rewrites(record: AuditRecord) -> dict[str, dict[str, Rewrite]]:
    """Return recipe -> example -> rewrite; texts that an attack crashed on, or without a person, are left out."""
    found: dict[str, dict[str, Rewrite]] = {}
    for _, one in record.exhibits("rewrite"):
        if isinstance(one, Rewrite) and one.outcome != "failed" and one.person is not None:
            found.setdefault(one.recipe, {})[one.example] = one
    return found


def _of_shares(
    name: str, where: Mapping[str, str], before: NDArray[np.float64], after: NDArray[np.float64], people: People
) -> Pair:
    def interval(level: float) -> Interval | None:
        rng = _STREAMS.stream("compare", name, *where.values())
        return paired_interval(before, after, people, rng=rng, level=level)

    return Pair(name, where, "higher", people, float(before.mean()), float(after.mean()), interval)
