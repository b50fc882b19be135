"""Accuracy and rates by group of a rule whose decisions may be drawn: expectations over the draws, never one draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Corpus
from workbench.errors import EmptyData
from workbench.evidence.bootstrap import REPLICATES, People, rare_interval, score_interval
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval
from workbench.evidence.mitigation import Figure
from workbench.evidence.narrowing import Rates, gap, largest, narrowing, rates_by_group
from workbench.evidence.simultaneous import GroupRates, differences, max_gap
from workbench.seeds import Streams

Floats = NDArray[np.float64]

FAMILIES: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("everybody",),
    "true_positive_rate_parity": ("positive",),
    "false_negative_rate_parity": ("positive",),
    "false_positive_rate_parity": ("others",),
    "true_negative_rate_parity": ("others",),
    "equalized_odds": ("positive", "others"),
}
"""Constraint -> among whom the rate of positive decisions is to be alike: everybody, or those with, or without, the
positive label. Rates of negative decisions differ between groups by the same amounts."""

GAPS: dict[str, str] = {
    "demographic_parity": "Demographic parity difference",
    "true_positive_rate_parity": "Equal opportunity difference",
    "false_negative_rate_parity": "Difference in false negative rates",
    "false_positive_rate_parity": "Difference in false positive rates",
    "true_negative_rate_parity": "Difference in true negative rates",
    "equalized_odds": "Equalized odds difference",
}
"""What the constraint's gap is called."""


@dataclass(frozen=True)
class Part:
    """One part of the data with the model's scores."""

    corpus: Corpus
    scores: Floats
    """Probability of the positive label, (n,)"""
    positive: str
    attribute: str

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """1 where the label is the positive one, (n,)."""
        return np.array([example.label == self.positive for example in self.corpus], dtype=np.int64)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Each example's group, (n,)."""
        return self.corpus.group_of(self.attribute)

    @cached_property
    def people(self) -> People:
        """Whose the examples are."""
        return People(self.corpus.people)


@dataclass(frozen=True)
class Expected:
    """What a rule does on one part, in the groups named."""

    part: Part
    chances: Floats
    """Probability of deciding the positive label, (n,)"""
    families: tuple[str, ...]
    compared: tuple[str, ...]
    streams: Streams
    replicates: int = REPLICATES

    @cached_property
    def right(self) -> Floats:
        """Probability of each decision to be right, (n,)."""
        return np.where(self.part.labels == 1, self.chances, 1 - self.chances)

    @property
    def drawn(self) -> float:
        """Share of examples whose decision is drawn."""
        return float(((self.chances > 0) & (self.chances < 1)).mean())

    @cached_property
    def accuracy(self) -> Figure:
        """Expected accuracy."""
        return _figure(self.right, self.part.people, self.streams.stream("mitigation", "accuracy"))

    def gained(self, before: Expected) -> Figure:
        """Return accuracy minus that of `before`, example by example."""
        rng = self.streams.stream("mitigation", "accuracy")
        changes = self.right - before.right
        interval = rare_interval(changes, self.part.people, bottom=-1.0, top=1.0, rng=rng)
        assert interval is not None, "there are people"
        return Figure(value=float(np.mean(changes)), n=self.part.people.size, interval=interval)

    @cached_property
    def gap(self) -> Figure:
        """The largest difference between two groups, with an interval that holds for all pairs at once."""
        rates = [
            GroupRates(
                values=self.rates.values[m],
                replicates=self.rates.replicates[:, m],
                n=self.rates.people[m],
                one_each=self.part.people.one_each,
                disjoint=self.part.people.one_each,
            )
            for m in range(len(self.families))
        ]
        span = max_gap(differences(rates))
        method = f"simultaneous over pairs of groups: max-t bootstrap over people, {self.replicates} replicates"
        return Figure(
            value=gap(self.rates.values),
            n=self._compared_people,
            interval=Interval(low=span.low, high=span.high, level=LEVEL, method=method),
        )

    def narrowed(self, before: Expected, *, chosen_before: int, chosen_after: int) -> Figure:
        """Return the gap of `before` minus this one's; the contrasts as `narrowing` takes them."""
        n = self._compared_people
        rng = self.streams.stream("mitigation", "narrowed")
        interval = narrowing(
            before.rates, self.rates, chosen_before=chosen_before, chosen_after=chosen_after, people=n, rng=rng
        )
        return Figure(value=gap(before.rates.values) - gap(self.rates.values), n=n, interval=interval)

    @property
    def largest(self) -> int:
        """Which contrast between groups is the largest."""
        return largest(self.rates.values)

    @cached_property
    def rates(self) -> Rates:
        """Rates of positive decisions by family and group, with replicates over people."""
        rng = self.streams.stream("mitigation", "rates")  # the same draws before and after
        return rates_by_group(self.chances, self._masks, self.part.people, replicates=self.replicates, rng=rng)

    @cached_property
    def _masks(self) -> list[list[NDArray[np.bool_]]]:
        """Who is counted, by family and group. Raises `EmptyData` where that is nobody."""
        held, positive = np.array(self.part.groups, dtype=object), self.part.labels == 1
        among = {"everybody": np.ones(len(positive), dtype=np.bool_), "positive": positive, "others": ~positive}
        found = [[among[family] & (held == group) for group in self.compared] for family in self.families]
        for family, masks in zip(self.families, found, strict=True):
            for group, mask in zip(self.compared, masks, strict=True):
                if not mask.any():
                    who = "" if family == "everybody" else f" {family} labels in"
                    raise EmptyData(
                        f"there are no{who} examples of {group!r} ({self.part.attribute}) in the "
                        f"{self.part.corpus.split} part, so no gap can be measured there; bring more data"
                    )
        return found

    def _people(self, mask: NDArray[np.bool_]) -> People:
        return self.part.people.among(mask)

    @cached_property
    def _compared_people(self) -> int:
        return self._people(np.array([group in set(self.compared) for group in self.part.groups])).size


def _figure(values: Sequence[float] | Floats, people: People, rng: np.random.Generator) -> Figure:
    interval = score_interval(values, people, rng=rng)
    assert interval is not None, "there are people"
    return Figure(value=float(np.mean(values)), n=people.size, interval=interval)
