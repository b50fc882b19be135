"""How far the groups of one attribute are apart. Values are Fairlearn's, intervals are simultaneous over pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from workbench.adapters.fairlearn import Metric, disaggregate, gap, rates
from workbench.audit.fairness.tallies import Rate, Tallies
from workbench.evidence.exhibits import Note
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.simultaneous import GroupRates, Span, differences, max_gap, min_ratio, minimum

RESTS_ON = {
    "demographic_parity_difference": ("selection_rate",),
    "demographic_parity_ratio": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity_difference": ("precision",),
    "accuracy_difference": ("accuracy",),
    "worst_group_accuracy": ("accuracy",),
}
"""Which rates each gap compares."""


@dataclass(frozen=True)
class Gaps:
    """The gaps between the groups that are large enough to compare."""

    tallies: Tallies
    minimum: int
    """Fewest people of a group that is compared."""
    minimum_side: int
    """Fewest people in the denominator of a compared rate."""

    def large(self) -> list[int]:
        """Return the groups with at least `minimum` people."""
        return [g for g in range(len(self.tallies.groups)) if self.tallies.people(g).size >= self.minimum]

    def comparable(self, compared: list[Rate]) -> list[int]:
        """Return those of them with enough people in the denominator of every rate of `compared`."""
        return [g for g in self.large() if all(self._sufficient(rate, g) for rate in compared)]

    def all(self) -> Iterator[Measurement | Note]:
        """Yield every gap, and a note wherever a group or a gap is left out."""
        named = {rate.name: rate for rate in self.tallies.rates}
        said: set[tuple[str, ...]] = set()
        large = self.large()
        for name, needed in RESTS_ON.items():
            compared = [named[rate] for rate in needed]
            groups = self.comparable(compared)
            if len(large) >= 2 and len(groups) < len(large) and needed not in said:
                said.add(needed)
                yield self._left_out(name, compared, [g for g in large if g not in groups])
            if len(groups) >= 2:
                yield self._gap(name, compared, groups)

    def _sufficient(self, rate: Rate, group: int) -> bool:
        return bool(rate.among.all()) or self.tallies.people(group, rate.among).size >= self.minimum_side

    def _left_out(self, name: str, compared: list[Rate], groups: list[int]) -> Note:
        listed = ", ".join(self.tallies.groups[g] for g in groups)
        wanting = " or ".join(dict.fromkeys(rate.denominator for rate in compared))
        remain = len(self.large()) - len(groups)
        enough = remain >= 2
        end = f"the other {remain} groups are compared" if enough else "fewer than two remain, so there is no gap"
        return Note(
            text=f"Left out of {name.replace('_', ' ')} over {self.tallies.attribute}: {listed} "
            f"(fewer than {self.minimum_side} people with {wanting}); {end}."
        )

    def _gap(self, name: str, compared: list[Rate], groups: list[int]) -> Measurement | Note:
        families = [self.tallies.compared(rate, groups) for rate in compared]
        if name == "demographic_parity_ratio" and not families[0].values.any():
            return Note(text=f"{self.tallies.attribute}: demographic parity ratio: not defined, nobody is selected.")
        span = _span(name, families)
        pairs, all_groups = comb(len(groups), 2) * len(families), len(self.tallies.groups)
        over = f"{len(groups)} groups" if len(groups) == all_groups else f"{len(groups)} of {all_groups} groups"
        if name != "worst_group_accuracy":
            over = f"{pairs} pair{'s' * (pairs > 1)} of {over}"
        lost = int((~np.isfinite(np.concatenate([f.replicates for f in families], axis=1)).all(axis=1)).sum())
        limits = "Wilson" if name == "worst_group_accuracy" else "Donner-Zou" if name.endswith("ratio") else "Newcombe"
        within = " within labels" if compared[0].stratified else ""
        method = (
            f"simultaneous over {over}: max-t bootstrap over people{within}, {self.tallies.replicates} replicates"
            f"{f' ({lost} with a group undefined)' if lost else ''}, {limits} limits"
        )
        inside = np.asarray(self.tallies.inside[:, groups].any(axis=1))
        higher = name in {"demographic_parity_ratio", "worst_group_accuracy"}
        return Measurement(
            name=f"fairness.{name}",
            value=self._value(name, inside),
            unit="ratio" if name.endswith("ratio") else "proportion",
            better="higher" if higher else "lower",
            n=self.tallies.seen.people.among(inside).size,
            interval=Interval(low=span.low, high=span.high, level=LEVEL, method=method),
            where={"attribute": self.tallies.attribute},
        )

    def _value(self, name: str, inside: np.ndarray) -> float:
        """Return Fairlearn's value over the rows of the compared groups."""
        seen, groups = self.tallies.seen, self.tallies.names[inside]
        if RESTS_ON[name] == ("accuracy",):
            found = disaggregate({"accuracy": accuracy}, seen.labels[inside], seen.decisions[inside], groups)
            return found.minimum["accuracy"] if name == "worst_group_accuracy" else found.difference["accuracy"]
        labels = seen.is_label(seen.positive)[inside].astype(np.int64)
        decisions = (seen.decisions == seen.positive)[inside].astype(np.int64)
        if name == "predictive_parity_difference":
            precision: dict[str, Metric] = {"precision": rates()["precision"]}
            return disaggregate(precision, labels, decisions, groups).difference["precision"]
        return gap(name, labels, decisions, groups)


def accuracy(labels: np.ndarray, decisions: np.ndarray) -> float:
    """Return the share of right decisions (scikit-learn's)."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, decisions))


def _span(name: str, families: list[GroupRates]) -> Span:
    if name == "worst_group_accuracy":
        return minimum(families[0])
    if name == "demographic_parity_ratio":
        return min_ratio(families[0])
    return max_gap(differences(families))
