"""Rates by group, counted, and their joint bootstrap over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.audit.fairness.shown import without
from workbench.audit.performance.predictions import Predictions
from workbench.evidence.bootstrap import People, replicate
from workbench.evidence.measurement import Better
from workbench.evidence.simultaneous import BesideRest, GroupRates
from workbench.evidence.weighted import ratio
from workbench.seeds import Streams

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Rate(NamedTuple):
    """A share of rows: `hits` among `among`, both (n,)."""

    name: str
    hits: Bools
    among: Bools
    stratified: bool
    """Whether its denominator is a true label: then people are resampled within labels."""
    better: Better
    denominator: str
    """In words, for notes."""
    label: int
    """Which label counts as positive."""


def rates_of(seen: Predictions, label: int | None = None) -> tuple[Rate, ...]:
    """Return the rates of one label, by default the positive one, against the rest, and accuracy over all labels."""
    label = seen.positive if label is None else label
    positive, decided = seen.is_label(label), np.asarray(seen.decisions == label)
    everyone, name = np.ones(len(positive), dtype=np.bool_), seen.names[label]
    return (
        Rate("selection_rate", decided, everyone, False, "neither", "examples", label),
        Rate("accuracy", seen.right, everyone, False, "higher", "examples", label),
        Rate("true_positive_rate", decided, positive, True, "higher", f"examples labelled {name}", label),
        Rate("false_positive_rate", decided, ~positive, True, "lower", f"examples not labelled {name}", label),
        Rate("false_negative_rate", ~decided, positive, True, "lower", f"examples labelled {name}", label),
        Rate("precision", positive, decided, False, "higher", f"examples decided {name}", label),
    )


@dataclass(frozen=True)
class Tallies:
    """All rates of the groups of one attribute."""

    seen: Predictions
    attribute: str
    membership: tuple[str, ...]
    """Each row's group, (n,)"""
    rates: tuple[Rate, ...]
    streams: Streams
    probe: str
    replicates: int
    others: int = 0
    """Groups of the attribute that are not among `membership`: there are too many to show."""

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Group names, sorted."""
        return tuple(sorted(set(self.membership)))

    @cached_property
    def names(self) -> NDArray[Any]:
        """`membership` as an array, (n,), of objects: numpy's arrays of text are as wide as the longest."""
        return np.array(self.membership, dtype=object)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """Each row's group, (n,)."""
        place = {name: g for g, name in enumerate(self.groups)}
        return np.array([place[name] for name in self.membership], dtype=np.int64)

    @cached_property
    def inside(self) -> Bools:
        """Whether each row is in each group, (n, k)."""
        return np.asarray(self.group[:, None] == np.arange(len(self.groups)), dtype=np.bool_)

    def people(self, group: int, among: Bools | None = None) -> People:
        """Return the people of a group's rows (of those that `among` marks)."""
        mask = self.inside[:, group]
        return self.seen.people.among(mask if among is None else mask & among)

    def large(self, minimum: int) -> list[int]:
        """Return the groups with at least `minimum` people."""
        return [g for g in range(len(self.groups)) if self.people(g).size >= minimum]

    def of(self, groups: Sequence[int]) -> Bools:
        """Return which rows are in one of `groups`, (n,)."""
        return np.asarray(self.inside[:, list(groups)].any(axis=1), dtype=np.bool_)

    def pairs(self, *families: Sequence[int]) -> str:
        """Say how many pairs of groups an interval holds for, in all families."""
        pairs = sum(comb(len(groups), 2) for groups in families)
        return f"{pairs} pair{'s' * (pairs > 1)} of {self.over(sorted({g for groups in families for g in groups}))}"

    def over(self, groups: Sequence[int]) -> str:
        """Say how many groups `groups` are, and of how many."""
        every = len(self.groups)
        return f"{len(groups)} groups" if len(groups) == every else f"{len(groups)} of {every} groups"

    def without(self, groups: Sequence[int]) -> tuple[str, ...]:
        """Return the groups that a comparison of `groups` leaves out."""
        return without(self.groups, [self.groups[g] for g in groups], others=self.others)

    @cached_property
    def disjoint(self) -> bool:
        """Whether nobody is in two groups."""
        return sum(self.people(g).size for g in range(len(self.groups))) == self.seen.people.size

    def counts(self, rate: Rate) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return hits and denominators per group, each (k,)."""
        k = len(self.groups)
        hits = np.bincount(self.group[rate.hits & rate.among], minlength=k)
        return hits, np.bincount(self.group[rate.among], minlength=k)

    def drawn(self, rate: Rate) -> Floats:
        """Return the rate's replicates, (b, k), NaN where a group has no denominator; aligned over all rates that are
        resampled alike.
        """
        hits, totals = self._replicates[rate.name, rate.label]
        return ratio(hits, totals)

    def compared(self, rate: Rate, groups: list[int]) -> GroupRates:
        """Return the rate in `groups`, ready for comparison."""
        hits, totals = self.counts(rate)
        return self._rates(
            rate,
            [self.inside[:, g] & rate.among for g in groups],
            values=hits[groups] / totals[groups],
            replicates=self.drawn(rate)[:, groups],
        )

    def beside_rest(self, rate: Rate, groups: list[int]) -> list[BesideRest]:
        """Return the rate in each of `groups` beside that in the other ones together."""
        each, (hits, totals) = self.compared(rate, groups), self.counts(rate)
        drawn_hits, drawn_totals = (drawn[:, groups] for drawn in self._replicates[rate.name, rate.label])
        all_hits, all_totals = drawn_hits.sum(axis=1), drawn_totals.sum(axis=1)
        inside = self.of(groups) & rate.among
        found = []
        for place, g in enumerate(groups):
            share = totals[g] / totals[groups].sum()
            outside = ratio(all_hits - drawn_hits[:, place], all_totals - drawn_totals[:, place])
            rates = self._rates(
                rate,
                [inside & self.inside[:, g], inside & ~self.inside[:, g]],
                values=np.array(
                    [each.values[place], (hits[groups].sum() - hits[g]) / (totals[groups].sum() - totals[g])]
                ),
                replicates=np.column_stack([each.replicates[:, place], outside]),
            )
            found.append(BesideRest(rates, float(share), ratio(all_hits, all_totals)))
        return found

    def _rates(self, rate: Rate, masks: Sequence[Bools], *, values: Floats, replicates: Floats) -> GroupRates:
        """Return the rate among the rows of each of `masks`."""
        people = [self.seen.people.among(mask) for mask in masks]
        return GroupRates(
            values=values,
            replicates=replicates,
            n=np.array([each.worth for each in people]),
            one_each=all(each.one_each for each in people),
            disjoint=self.disjoint,
            resampled=np.array([each.shows(rate.hits[mask]) for each, mask in zip(people, masks, strict=True)]),
        )

    @cached_property
    def _replicates(self) -> dict[tuple[str, int], tuple[Floats, Floats]]:
        found: dict[tuple[str, int], tuple[Floats, Floats]] = {}
        for stratified in (False, True):
            rates = [rate for rate in self.rates if rate.stratified == stratified]
            if not rates:
                continue
            masks = [mask for rate in rates for mask in (rate.hits & rate.among, rate.among)]
            sums = self._totals(self.per_person(masks), stratified)
            parts = np.split(sums, len(masks), axis=1)
            found |= {(rate.name, rate.label): (parts[2 * i], parts[2 * i + 1]) for i, rate in enumerate(rates)}
        return found

    def per_person(self, columns: Sequence[NDArray[Any]]) -> Any:
        """Return each column's sum per person and group, (people, len(columns) * k), sparse; of masks, how many rows.

        A row counts in one group only, so there are rows x columns entries at most, however many groups there are.
        """
        person, k = self.seen.people.rows, len(self.groups)
        held = [np.flatnonzero(column) for column in columns]
        rows = np.concatenate([person[one] for one in held])
        places = np.concatenate([i * k + self.group[one] for i, one in enumerate(held)])
        values = np.concatenate([column[one] for column, one in zip(columns, held, strict=True)]).astype(np.float64)
        return sparse.csr_array((values, (rows, places)), shape=(self.seen.people.size, len(columns) * k))

    def _totals(self, sums: Any, stratified: bool) -> Floats:
        people, seen = self.seen.people, self.seen
        kind = "within labels" if stratified else "over all"
        several = len({rate.label for rate in self.rates}) > 1  # then denominators are kept of each of them
        side = seen.labels if several else seen.is_label(self.rates[0].label).astype(np.int64)
        return replicate(
            people,
            lambda counts: np.asarray(counts @ sums, dtype=np.float64),
            replicates=self.replicates,
            rng=self.streams.stream(self.probe, self.attribute, kind),
            strata=people.strata(side) if stratified else None,
        )
