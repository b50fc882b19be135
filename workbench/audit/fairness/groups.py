"""How the model treats the groups that the data names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

import numpy as np

from workbench.adapters.fairlearn import disaggregate, rates
from workbench.audit.fairness.gaps import Gaps, accuracy
from workbench.audit.fairness.power import detectable_difference
from workbench.audit.fairness.shown import largest
from workbench.audit.fairness.tallies import Rate, Tallies, rates_of
from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import (
    FEWEST_PEOPLE,
    REPLICATES,
    auc_interval,
    replicate,
    share_interval,
    within_rounding,
)
from workbench.evidence.exhibits import Exhibit, GroupSize, GroupTable, Note
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.evidence.weighted import roc_auc
from workbench.models.protocols import Classifier


@probes.register("fairness.groups@1")
@dataclass(frozen=True)
class Groups:
    """Group sizes, rates by group, and gaps between groups, per sensitive attribute."""

    replicates: int = REPLICATES
    minimum: int = 30
    """A group of fewer people is shown but not compared."""
    minimum_side: int = 10
    """Nor is a group compared in a rate whose denominator holds fewer people."""
    most: int = 50
    """Of an attribute with more groups only so many are handled, those with most people."""
    most_labels: int = 20
    """Gaps of one label against the rest are given for so many labels, those with most examples."""

    name: ClassVar[str] = "fairness.groups@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the rates and gaps of every attribute of `corpus`."""
        if not corpus.attributes:
            return NotApplicable(reason="the data names no groups; pass --group-column with the name of a column")
        seen = Predictions.of(model, corpus, setting)
        measurements: list[Measurement] = []
        tables: list[Exhibit] = []
        notes: list[Exhibit] = []
        for attribute in corpus.attributes:
            rows, membership, others, note = largest(seen, attribute, corpus.group_of(attribute), at_most=self.most)
            if note is not None:
                notes.append(note)
            tallies = Tallies(
                rows, attribute, membership, rates_of(rows), setting.streams, self.name, self.replicates, others
            )
            gaps = Gaps(tallies, self.minimum, self.minimum_side)
            tables.append(_table(tallies, gaps.large()))
            between = (*gaps.all(), *gaps.by_label(most=self.most_labels))
            for found in (*_rates(tallies), *_aucs(tallies), *between, *_power(tallies, gaps)):
                if isinstance(found, Measurement):
                    measurements.append(found)
                else:
                    notes.append(found)
        return Measured(measurements=tuple(measurements), exhibits=(*tables, *notes))


def _table(tallies: Tallies, large: list[int]) -> GroupTable:
    seen = tallies.seen
    sizes = []
    for g, group in enumerate(tallies.groups):
        inside = tallies.inside[:, g]
        by_label = np.bincount(seen.labels[inside], minlength=len(seen.names))
        sizes.append(
            GroupSize(
                group=group,
                n=int(inside.sum()),
                people=tallies.people(g).size,
                by_label=dict(zip(seen.names, by_label.tolist(), strict=True)),
            )
        )
    small = tuple(group for g, group in enumerate(tallies.groups) if g not in large)
    return GroupTable(attribute=tallies.attribute, groups=tuple(sizes), too_small=small)


def _rates(tallies: Tallies) -> Iterator[Measurement | Note]:
    """Yield every rate that has a denominator, through Fairlearn, and a note on those without."""
    seen, membership = tallies.seen, tallies.names
    labels = seen.is_label(seen.positive).astype(np.int64)
    decisions = (seen.decisions == seen.positive).astype(np.int64)
    binary = disaggregate(rates(), labels, decisions, membership).by_group
    every = disaggregate({"accuracy": accuracy}, seen.labels, seen.decisions, membership).by_group
    for rate in tallies.rates:
        _, totals = tallies.counts(rate)
        without = [group for g, group in enumerate(tallies.groups) if not totals[g]]
        if without:
            yield Note(
                text=f"{tallies.attribute}: {rate.name.replace('_', ' ')} is not defined for {', '.join(without)}: "
                f"no {rate.denominator}."
            )
        for g, group in enumerate(tallies.groups):
            if totals[g]:
                value = every[group]["accuracy"] if rate.name == "accuracy" else binary[group][rate.name]
                yield from _rate(tallies, rate, g, value=value)


def _rate(tallies: Tallies, rate: Rate, g: int, *, value: float) -> Iterator[Measurement | Note]:
    people = tallies.people(g, rate.among)
    drawn = None if people.one_each else tallies.drawn(rate)[:, g]
    hits = rate.hits[tallies.inside[:, g] & rate.among]
    interval = share_interval(hits, people, drawn, stratified=rate.stratified)
    yield _measured_or_note(tallies, rate.name, g, value=value, n=people.size, interval=interval, better=rate.better)


def _aucs(tallies: Tallies) -> Iterator[Measurement | Note]:
    """Yield the AUC within each group that has both sides, and a note on those that have not."""
    from sklearn.metrics import roc_auc_score

    seen = tallies.seen
    truth, scores = seen.is_label(seen.positive), seen.probabilities[:, seen.positive]
    sides = [(tallies.people(g, truth).size, tallies.people(g, ~truth).size) for g in range(len(tallies.groups))]
    both = [g for g, (positive, negative) in enumerate(sides) if positive and negative]
    if without := [group for g, group in enumerate(tallies.groups) if g not in both]:
        yield Note(text=f"{tallies.attribute}: AUC is not defined for {', '.join(without)}: only one side is present.")
    if not both:
        return
    rows = tallies.inside[:, both].any(axis=1)
    metric = {"roc_auc": lambda y, s: float(roc_auc_score(y, s))}
    membership = tallies.names[rows]
    values = disaggregate(metric, truth[rows].astype(np.int64), scores[rows], membership).by_group
    for g in both:
        mask, people = tallies.inside[:, g], tallies.people(g)
        scorer = roc_auc(scores[mask], truth[mask])
        drawn = np.empty(0)
        if min(sides[g]) >= FEWEST_PEOPLE:  # else the limits are Wilson's, which need no replicates
            drawn = replicate(
                people,
                lambda counts, people=people, scorer=scorer: scorer(counts[:, people.rows]),  # type: ignore[misc]
                replicates=tallies.replicates,
                rng=tallies.streams.stream(tallies.probe, "roc_auc", tallies.attribute, tallies.groups[g]),
                strata=people.strata(truth[mask].astype(np.int64)),
            )
        value = within_rounding(values[tallies.groups[g]]["roc_auc"])
        interval = auc_interval(value, drawn, sides[g])
        yield _measured_or_note(tallies, "roc_auc", g, value=value, n=people.size, interval=interval, better="higher")


def _measured_or_note(
    tallies: Tallies, name: str, g: int, *, value: float, n: int, interval: Interval | None, better: str
) -> Measurement | Note:
    if interval is None:
        return Note(text=f"{tallies.attribute}: {name} of {tallies.groups[g]}: {n} people are too few for an interval.")
    return Measurement.model_validate(
        {
            "name": f"fairness.{name}",
            "value": value,
            "unit": "score" if name == "roc_auc" else "proportion",
            "better": better,
            "n": n,
            "interval": interval,
            "where": {"attribute": tallies.attribute, "group": tallies.groups[g]},
        }
    )


def _power(tallies: Tallies, gaps: Gaps) -> Iterator[Note]:
    """Yield what is not compared and why, and the difference that the smallest groups could show."""
    sizes = [tallies.people(g).size for g in range(len(tallies.groups))]
    large, largest = gaps.large(), max(range(len(sizes)), key=lambda g: sizes[g])
    rate = float((tallies.seen.decisions == tallies.seen.positive).mean())

    def reach(g: int) -> str:
        other = largest if g != largest else max((h for h in range(len(sizes)) if h != g), key=lambda h: sizes[h])
        pairs = comb(len({*large, g, other}), 2)  # the intervals hold for all of them at once
        least = detectable_difference(rate, sizes[g], sizes[other], pairs=pairs)
        return f"{tallies.groups[g]} ({sizes[g]} people): {least:.2f}"

    if len(sizes) == 1:
        yield Note(text=f"{tallies.attribute}: no gaps, there is one group only.")
        return
    how = (
        "smallest difference in selection rate that it would show with 80% power beside the largest other group, where "
        "intervals hold for all pairs of compared groups"
    )
    if small := [g for g in range(len(sizes)) if g not in large]:
        yield Note(
            text=f"{tallies.attribute}: shown but not compared, fewer than {gaps.minimum} people; {how}: "
            f"{'; '.join(reach(g) for g in small)}."
        )
    if len(large) < 2:
        yield Note(text=f"{tallies.attribute}: no gaps, fewer than two groups have {gaps.minimum} people.")
    else:
        smallest = min(large, key=lambda g: sizes[g])
        yield Note(text=f"{tallies.attribute}: the smallest compared group and the {how}: {reach(smallest)}.")
