"""How far the groups of one attribute are apart. Values are Fairlearn's, intervals are simultaneous over pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


Compared = Sequence[tuple[Rate, list[int]]]
"""Rates, each with the groups that it is compared between: a group may have enough people in one denominator only."""


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

    def _compared(self, rates: Sequence[Rate]) -> Compared:
        """Return those of `rates` in which two groups are comparable, each with all that are."""
        found = [(rate, self.comparable([rate])) for rate in rates]
        return [(rate, groups) for rate, groups in found if len(groups) >= 2]

    def all(self) -> Iterator[Measurement | Note]:
        """Yield every gap, and a note wherever a group or a gap is left out."""
        large = self.large()
        for criterion in CRITERIA:
            wanted = self._rates(criterion)
            compared = self._compared(wanted)
            if len(large) >= 2:
                yield from self._left_out(criterion, wanted, compared)
            if compared:
                yield from self._of(criterion, compared)

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
        for label, asked in zip(labels, wanted, strict=True):
            compared, lacking = self._compared(asked), self.tallies.without(self.comparable(asked))
            if not compared:
                without.append(seen.names[label])
                left_out.append(f"the label {seen.names[label]}")
                continue
            if len(compared) < len(asked):
                yield Note(
                    text=f"{attribute}: {criterion.replace('_', ' ')} of {seen.names[label]} is that of the "
                    f"{_named(rate for rate, _ in compared)} alone: fewer than two groups have {self.minimum_side} "
                    "people in the other denominator."
                )
            families = [tallies.compared(rate, groups) for rate, groups in compared]
            held = self.tallies.of(together(compared))
            values.append(max(self._fairlearns(groups, label).difference[rate.name] for rate, groups in compared))
            every += families
            inside |= held
            left_out += [f"{group} (label {seen.names[label]})" for group in lacking]
            yield self._measured(
                f"{criterion}_difference_by_label",
                values[-1],
                max_gap(differences(families)),
                rows=held,
                left_out=lacking,
                method=self._method(families, asked[0].stratified, self._pairs(compared)),
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

    def _pairs(self, compared: Compared) -> str:
        """Say how many pairs of groups an interval holds for."""
        return self.tallies.pairs(*(groups for _, groups in compared))

    def _left_out(self, criterion: str, wanted: Sequence[Rate], compared: Compared) -> Iterator[Note]:
        """Yield a note on each rate that is not compared between all large groups."""
        for rate in wanted:
            remain = self.comparable([rate])
            if not (missing := [self.tallies.groups[g] for g in self.large() if g not in remain]):
                continue
            if len(remain) >= 2:
                end = f"the other {len(remain)} groups are compared"
            elif compared:
                end = f"fewer than two remain, so the gap is that of the {_named(one for one, _ in compared)} alone"
            else:
                end = "fewer than two remain, so there is no gap"
            where = f" in the {_named([rate])}" if len(wanted) > 1 else ""
            yield Note(
                text=f"Left out of {criterion.replace('_', ' ')} over {self.tallies.attribute}{where}: "
                f"{', '.join(missing)} (fewer than {self.minimum_side} people with {rate.denominator}); {end}."
            )

    def _of(self, criterion: str, compared: Compared) -> Iterator[Measurement | Note]:
        """Yield all gaps of one criterion, whose rates are `compared`."""
        involved = together(compared)
        inside, lacking = self.tallies.of(involved), self.tallies.without(self.comparable(self._rates(criterion)))
        values = [(rate.name, self._fairlearns(groups, self.tallies.seen.positive)) for rate, groups in compared]
        families = [self.tallies.compared(rate, groups) for rate, groups in compared]
        beside = [one for rate, groups in compared for one in self.tallies.beside_rest(rate, groups)]
        nowhere = [rate for (rate, _), one in zip(compared, families, strict=True) if not one.values.any()]
        if nowhere:
            yield Note(
                text=f"{self.tallies.attribute}: {criterion.replace('_', ' ')} ratio: not defined, the "
                f"{_named(nowhere[:1])} is 0 in every group."
            )
        for gap in GAPS:
            if gap.criterion != criterion or (gap.form == "ratio" and nowhere):
                continue
            over = self.tallies.over(involved) if gap.form == "minimum" or gap.to_overall else self._pairs(compared)
            yield self._measured(
                gap.name,
                _value(gap, values),
                _span(gap, families, beside),
                rows=inside,
                left_out=lacking,
                method=self._method(
                    families,
                    compared[0][0].stratified,
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


def together(compared: Compared) -> list[int]:
    """Return all groups that any of the rates is compared between."""
    return sorted({g for _, groups in compared for g in groups})


def _named(rates: Iterable[Rate]) -> str:
    return " and ".join(rate.name.replace("_", " ") for rate in rates)


def _value(gap: Gap, values: Sequence[tuple[str, Disaggregated]]) -> float:
    """Return Fairlearn's value; of several rates the worst, as in its equalized odds."""
    if gap.form == "minimum":
        return min(found.minimum[rate] for rate, found in values)
    if gap.form == "ratio":
        return min((found.ratio_to_overall if gap.to_overall else found.ratio)[rate] for rate, found in values)
    return max((found.difference_to_overall if gap.to_overall else found.difference)[rate] for rate, found in values)


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
