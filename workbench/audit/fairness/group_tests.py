"""Could the differences between groups be chance? Permutation tests, each with its null hypothesis stated.

Accuracy and calibration get no p-value: no permutation of groups leaves everything but them as it is. Their gaps have
intervals (`fairness.groups@1`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.audit.fairness.gaps import Compared, Gaps, together
from workbench.audit.fairness.shown import largest
from workbench.audit.fairness.tallies import Tallies, rates_of
from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Exhibit, GroupTest, GroupTests, Note
from workbench.evidence.permutation import (
    UNSETTLED,
    Floats,
    Gap,
    auc_gap,
    dealt_within,
    largest_of,
    p_value,
    rate_gap,
)
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

Bools = NDArray[np.bool_]


class Criterion(NamedTuple):
    """What must be equal between groups, and what then does not depend on the group."""

    name: str
    rates: tuple[str, ...]
    """Names of the compared rates; ("roc_auc",) for the ranking."""
    within: str
    """What people are kept within while groups are dealt anew: 'nothing'; 'side': the denominator of the one rate,
    where nobody else counts; 'label': each true label."""
    null: str

    @property
    def denominators(self) -> tuple[str, ...]:
        """The rates whose denominators must hold enough people: a ranking needs both labels."""
        return ("true_positive_rate", "false_positive_rate") if self.ranks else self.rates

    @property
    def ranks(self) -> bool:
        """Whether it is about scores."""
        return self.rates == ("roc_auc",)


CRITERIA = (
    Criterion(
        "demographic_parity",
        ("selection_rate",),
        "nothing",
        "the decision does not depend on the group",
    ),
    Criterion(
        "equal_opportunity",
        ("true_positive_rate",),
        "side",
        "among those with the positive label, the decision does not depend on the group",
    ),
    Criterion(
        "false_positive_rate",
        ("false_positive_rate",),
        "side",
        "among those without the positive label, the decision does not depend on the group",
    ),
    Criterion(
        "equalized_odds",
        ("true_positive_rate", "false_positive_rate"),
        "label",
        "within each true label, the decision does not depend on the group",
    ),
    Criterion(
        "equal_auc",
        ("roc_auc",),
        "label",
        "within each true label, the score does not depend on the group",
    ),
    Criterion(
        "predictive_parity",
        ("precision",),
        "side",
        "among those decided positive, the true label does not depend on the group",
    ),
)


class _Planned(NamedTuple):
    """A test that can be made."""

    tallies: Tallies
    criterion: Criterion
    compared: Compared
    """Each rate with the groups that are large enough in it, two at least."""

    @property
    def groups(self) -> list[int]:
        """The groups that are compared in any rate."""
        return together(self.compared)


@probes.register("fairness.permutation@1")
@dataclass(frozen=True)
class GroupTestsProbe:
    """Permutes groups among people, per sensitive attribute and criterion; adjusts all p-values together."""

    permutations: int = 2000
    minimum: int = 30
    """A group of fewer people is not compared."""
    minimum_side: int = 10
    """Nor is a group compared in a rate whose denominator holds fewer people."""
    most: int = 50
    """Of an attribute with more groups only so many are handled, those with most people."""

    name: ClassVar[str] = "fairness.permutation@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, permutations=199, minimum=2, minimum_side=1, most=2)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return one table of tests over every attribute of `corpus`, and a note on each that could not be made."""
        if not corpus.attributes:
            return NotApplicable(reason="the data names no groups; pass --group-column with the name of a column")
        seen = Predictions.of(model, corpus, setting)
        planned: list[_Planned] = []
        notes: list[Exhibit] = []
        for attribute in corpus.attributes:
            rows, membership, *_ = largest(seen, attribute, corpus.group_of(attribute), at_most=self.most)
            tallies = Tallies(rows, attribute, membership, rates_of(rows), setting.streams, self.name, 0)
            for found in self._of(tallies):
                (planned if isinstance(found, _Planned) else notes).append(found)  # type: ignore[arg-type]
        if not planned:
            reason = notes[0].text if notes and isinstance(notes[0], Note) else "no two groups are large enough"
            return NotApplicable(reason=reason)
        further = self._further(len(planned))
        made = [self._test(one, further) for one in planned]
        adjusted = stats.false_discovery_control([one.p for one in made], method="by")
        tests = tuple(one.model_copy(update={"adjusted": float(p)}) for one, p in zip(made, adjusted, strict=True))
        table = GroupTests(
            tests=tests, permutations=self.permutations, further=further, adjustment="Benjamini-Yekutieli"
        )
        return Measured(measurements=(), exhibits=(table, *notes))

    def _further(self, tests: int) -> int:
        """Return how many deals more let the smallest p of so many tests be half of `UNSETTLED` when it is adjusted."""
        adjusted = tests * float(np.sum(1 / np.arange(1, tests + 1)))  # what the smallest p is multiplied by
        return max(0, math.ceil(2 * adjusted / UNSETTLED) - self.permutations)

    def _of(self, tallies: Tallies) -> Iterator[_Planned | Note]:
        if not tallies.disjoint:
            yield Note(
                text=f"{tallies.attribute}: no permutation tests: some people have rows in several groups, and then "
                "no deal of groups among people keeps what the null hypothesis keeps."
            )
            return
        gaps, named = Gaps(tallies, self.minimum, self.minimum_side), {one.name: one for one in tallies.rates}
        for criterion in CRITERIA:
            wanted = [named[rate] for rate in criterion.denominators]
            compared = [(rate, gaps.comparable(wanted if criterion.ranks else [rate])) for rate in wanted]
            if scarce := [rate for rate, groups in compared if len(groups) < 2]:
                # Of two rates, the other one has a test of its own.
                yield Note(
                    text=f"{tallies.attribute}: {criterion.name.replace('_', ' ')} is not tested: fewer than two "
                    f"groups have {self.minimum} people, {self.minimum_side} of them {scarce[0].denominator}."
                )
                continue
            yield _Planned(tallies, criterion, compared)

    def _test(self, planned: _Planned, further: int) -> GroupTest:
        tallies, criterion, compared = planned
        groups = planned.groups
        rows: Bools = np.asarray(tallies.inside[:, groups].any(axis=1), dtype=np.bool_)
        if criterion.within == "side":
            rows = rows & compared[0][0].among
        people = tallies.seen.people.among(rows)
        place = np.full(len(tallies.groups), -1, dtype=np.int64)
        place[groups] = np.arange(len(groups))
        codes = np.empty(people.size, dtype=np.int64)
        codes[people.rows] = place[tallies.group[rows]]
        positive = tallies.seen.is_label(tallies.seen.positive)[rows]
        gap = self._gap(planned, place, rows, people, positive)
        kept = tallies.seen.labels[rows] if criterion.within == "label" else np.zeros(len(positive), dtype=np.int64)
        return GroupTest(
            attribute=tallies.attribute,
            criterion=criterion.name,
            null=criterion.null if people.one_each else f"{criterion.null}, among people with about as many rows",
            groups=len(groups),
            n=people.size,
            gap=min(1.0, max(0.0, float(gap(codes[None, :])[0]))),
            p=p_value(
                gap,
                codes,
                dealt_within(people, kept),
                permutations=self.permutations,
                further=further,
                width=len(positive),
                rng=tallies.streams.stream(self.name, tallies.attribute, criterion.name),
            ),
            adjusted=1.0,
        )

    @staticmethod
    def _gap(planned: _Planned, place: NDArray[np.int64], rows: Bools, people: People, positive: Bools) -> Gap:
        tallies, k = planned.tallies, len(planned.groups)
        if planned.criterion.ranks:
            scores: Floats = tallies.seen.probabilities[rows, tallies.seen.positive].astype(np.float64)
            return auc_gap(scores, positive, people, k)
        made = []
        for rate, groups in planned.compared:
            sums = people.totals(
                np.stack([(rate.hits & rate.among)[rows], rate.among[rows]], axis=1).astype(np.float64)
            )
            made.append(rate_gap(sums[:, 0], sums[:, 1], k, among=place[groups]))
        return made[0] if len(made) == 1 else largest_of(made)
