"""How far the groups of one attribute are apart. Values are Fairlearn's, intervals are simultaneous over pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import comb
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.fairlearn import Disaggregated, disaggregate, rates
from workbench.audit.fairness.tallies import Rate, Tallies, rates_of
from workbench.evidence.exhibits import Note
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.simultaneous import (
    BesideRest,
    GroupRates,
    Span,
    differences,
    max_gap,
    max_gap_to_overall,
    min_ratio,
    min_ratio_to_overall,
    minimum,
)

CRITERIA = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity": ("precision",),
    "accuracy": ("accuracy",),
}
"""Which rates each criterion of fairness wants equal between groups."""

Form = Literal["difference", "ratio", "minimum"]


class Gap(NamedTuple):
    """One way to say how far groups are apart."""

    criterion: str
    form: Form
    to_overall: bool = False
    """Whether each group is held against all compared groups together, rather than against each other group."""

    @property
    def name(self) -> str:
        """As in measurement names."""
        if self.form == "minimum":
            return f"worst_group_{self.criterion}"
        return f"{self.criterion}_{self.form}{'_to_overall' if self.to_overall else ''}"


GAPS = (
    *(Gap(one, form, overall) for overall in (False, True) for one in CRITERIA for form in ("difference", "ratio")),
    Gap("accuracy", "minimum"),
)  # fmt: skip

BY_LABEL = tuple(one for one in CRITERIA if one != "accuracy")
"""Criteria about one label against the rest; accuracy is about all labels at once."""


@dataclass(frozen=True)
class Gaps:
    """The gaps between the groups that are large enough to compare."""

    tallies: Tallies
    minimum: int
    """Fewest people of a group that is compared."""
    minimum_side: int
    """Fewest people in the denominator of a compared rate."""
    _found: dict[tuple[int, ...], Disaggregated] = field(default_factory=dict, init=False, compare=False)

    def large(self) -> list[int]:
        """Return the groups with at least `minimum` people."""
        return self.tallies.large(self.minimum)

    def comparable(self, compared: Sequence[Rate]) -> list[int]:
        """Return those of them with enough people in the denominator of every rate of `compared`."""
        return [g for g in self.large() if all(self._sufficient(rate, g) for rate in compared)]

    def all(self) -> Iterator[Measurement | Note]:
        """Yield every gap, and a note wherever a group or a gap is left out."""
        large = self.large()
        for criterion in CRITERIA:
            compared = self._rates(criterion)
            groups = self.comparable(compared)
            if len(large) >= 2 and len(groups) < len(large):
                yield self._left_out(criterion, compared, [g for g in large if g not in groups])
            if len(groups) >= 2:
                yield from self._of(criterion, compared, groups)

    def by_label(self, *, most: int) -> Iterator[Measurement | Note]:
        """Yield, where there are more than two labels, the gaps of each against the rest, and the largest over labels.

        Of more than `most` labels, those with most examples.
        """
        seen, attribute = self.tallies.seen, self.tallies.attribute
        if len(seen.names) <= 2 or len(self.large()) < 2:
            return
        sizes = np.bincount(seen.labels, minlength=len(seen.names))
        labels = sorted(np.argsort(-sizes, kind="stable")[:most].tolist())
        if len(labels) < len(seen.names):
            yield Note(
                text=f"{attribute}: gaps by label are given for the {most} of {len(seen.names)} labels with most "
                "examples."
            )
        for criterion in BY_LABEL:
            yield from self._by_label(criterion, labels)

    def _by_label(self, criterion: str, labels: Sequence[int]) -> Iterator[Measurement | Note]:
        seen, attribute = self.tallies.seen, self.tallies.attribute
        wanted = [[one for one in rates_of(seen, label) if one.name in CRITERIA[criterion]] for label in labels]
        # Drawn anew, within all labels at once, so that the labels' replicates belong together.
        tallies = replace(self.tallies, rates=tuple(rate for each in wanted for rate in each))
        every: list[GroupRates] = []
        values: list[float] = []
        without: list[str] = []
        inside = np.zeros(len(seen.labels), dtype=np.bool_)
        left_out: list[str] = []
        for label, compared in zip(labels, wanted, strict=True):
            groups = self.comparable(compared)
            if len(groups) < 2:
                without.append(seen.names[label])
                left_out.append(f"the label {seen.names[label]}")
                continue
            families = [tallies.compared(rate, groups) for rate in compared]
            held = self.tallies.of(groups)
            found = self._fairlearns(groups, label)
            values.append(max(found.difference[rate.name] for rate in compared))
            every += families
            inside |= held
            left_out += [f"{group} (label {seen.names[label]})" for group in self.tallies.without(groups)]
            yield self._measured(
                f"{criterion}_difference_by_label",
                values[-1],
                max_gap(differences(families)),
                rows=held,
                left_out=self.tallies.without(groups),
                method=self._method(families, compared[0].stratified, self.tallies.pairs(groups, times=len(families))),
                label=seen.names[label],
            )
        if without:
            yield Note(
                text=f"{criterion}_difference_by_label is not given for {', '.join(without)} over {attribute}: fewer "
                f"than two groups have {self.minimum} people, {self.minimum_side} of them in every denominator."
            )
        if every:
            pairs = sum(comb(len(one.values), 2) for one in every)
            over = f"{pairs} pairs of groups in {len(labels) - len(without)} labels"
            yield self._measured(
                f"{criterion}_difference_worst_label",
                max(values),
                max_gap(differences(every)),
                rows=inside,
                left_out=(*left_out, *(f"the label {name}" for name in self._unasked(labels))),
                method=self._method(every, wanted[0][0].stratified, over),
            )

    def _unasked(self, labels: Sequence[int]) -> list[str]:
        """Return the labels that are not among those with most examples."""
        return [name for label, name in enumerate(self.tallies.seen.names) if label not in labels]

    def _rates(self, criterion: str) -> list[Rate]:
        named = {rate.name: rate for rate in self.tallies.rates}
        return [named[rate] for rate in CRITERIA[criterion]]

    def _sufficient(self, rate: Rate, group: int) -> bool:
        return bool(rate.among.all()) or self.tallies.people(group, rate.among).size >= self.minimum_side

    def _left_out(self, criterion: str, compared: Sequence[Rate], groups: list[int]) -> Note:
        listed = ", ".join(self.tallies.groups[g] for g in groups)
        wanting = " or ".join(dict.fromkeys(rate.denominator for rate in compared))
        remain = len(self.large()) - len(groups)
        enough = remain >= 2
        end = f"the other {remain} groups are compared" if enough else "fewer than two remain, so there is no gap"
        return Note(
            text=f"Left out of {criterion.replace('_', ' ')} over {self.tallies.attribute}: {listed} "
            f"(fewer than {self.minimum_side} people with {wanting}); {end}."
        )

    def _of(self, criterion: str, compared: Sequence[Rate], groups: list[int]) -> Iterator[Measurement | Note]:
        """Yield all gaps of one criterion between `groups`."""
        inside = self.tallies.of(groups)
        values = self._fairlearns(groups, self.tallies.seen.positive)
        families = [self.tallies.compared(rate, groups) for rate in compared]
        beside = [one for rate in compared for one in self.tallies.beside_rest(rate, groups)]
        nowhere = [rate for rate, one in zip(compared, families, strict=True) if not one.values.any()]
        if nowhere:
            yield Note(
                text=f"{self.tallies.attribute}: {criterion.replace('_', ' ')} ratio: not defined, the "
                f"{nowhere[0].name.replace('_', ' ')} is 0 in every group."
            )
        for gap in GAPS:
            if gap.criterion != criterion or (gap.form == "ratio" and nowhere):
                continue
            over = (
                self.tallies.over(groups)
                if gap.form == "minimum" or gap.to_overall
                else self.tallies.pairs(groups, times=len(families))
            )
            yield self._measured(
                gap.name,
                _value(gap, values, compared),
                _span(gap, families, beside),
                rows=inside,
                left_out=self.tallies.without(groups),
                method=self._method(
                    families,
                    compared[0].stratified,
                    f"{over}, each beside all of them together" if gap.to_overall else over,
                    limits={"minimum": "Wilson", "ratio": "Donner-Zou", "difference": "Newcombe"}[gap.form],
                ),
                form=gap.form,
            )

    def _fairlearns(self, groups: Sequence[int], label: int) -> Disaggregated:
        """Return Fairlearn's rates of `label` against the rest, and accuracy, over the rows of `groups`."""
        key = (label, *groups)  # most criteria compare the same groups
        if key not in self._found:
            seen, inside = self.tallies.seen, self.tallies.of(groups)
            names, decisions = self.tallies.names[inside], seen.decisions[inside]
            labels = seen.is_label(label)[inside].astype(np.int64)
            binary = disaggregate(rates(), labels, (decisions == label).astype(np.int64), names)
            self._found[key] = binary.joined(
                disaggregate({"accuracy": accuracy}, seen.labels[inside], decisions, names)
            )
        return self._found[key]

    def _method(self, families: Sequence[GroupRates], stratified: bool, over: str, *, limits: str = "Newcombe") -> str:
        undefined = ~np.isfinite(np.concatenate([one.replicates for one in families], axis=1)).all(axis=1)
        lost = f" ({int(undefined.sum())} with a group undefined)" if undefined.any() else ""
        return (
            f"simultaneous over {over}: max-t bootstrap over people{' within labels' if stratified else ''}, "
            f"{self.tallies.replicates} replicates{lost}, {limits} limits"
        )

    def _measured(
        self,
        name: str,
        value: float,
        span: Span,
        *,
        rows: NDArray[np.bool_],
        left_out: tuple[str, ...],
        method: str,
        form: Form = "difference",
        **where: str,
    ) -> Measurement:
        return Measurement(
            name=f"fairness.{name}",
            value=value,
            unit="ratio" if form == "ratio" else "proportion",
            better="lower" if form == "difference" else "higher",
            n=self.tallies.seen.people.among(rows).size,
            interval=Interval(low=span.low, high=span.high, level=LEVEL, method=method),
            where={"attribute": self.tallies.attribute, **where},
            left_out=left_out,
        )


def accuracy(labels: NDArray[np.int64], decisions: NDArray[np.int64]) -> float:
    """Return the share of right decisions (scikit-learn's)."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, decisions))


def _value(gap: Gap, found: Disaggregated, compared: Sequence[Rate]) -> float:
    """Return Fairlearn's value; of several rates the worst, as in its equalized odds."""
    if gap.form == "minimum":
        return min(found.minimum[rate.name] for rate in compared)
    if gap.form == "ratio":
        return min((found.ratio_to_overall if gap.to_overall else found.ratio)[rate.name] for rate in compared)
    return max((found.difference_to_overall if gap.to_overall else found.difference)[rate.name] for rate in compared)


def _span(gap: Gap, families: Sequence[GroupRates], beside: Sequence[BesideRest]) -> Span:
    match gap.form, gap.to_overall:
        case "minimum", _:
            return minimum(families[0])
        case "ratio", False:
            return min_ratio(families)
        case "ratio", True:
            return min_ratio_to_overall(beside)
        case _, True:
            return max_gap_to_overall(beside)
        case _:
            return max_gap(differences(families))
