"""Whether probabilities mean the same in every group: calibration within groups, and how far the groups are apart.

Calibration within groups is what Kleinberg, Mullainathan and Raghavan 2017 ("Inherent Trade-Offs in the Fair
Determination of Risk Scores") ask of scores. A model may be well calibrated over everybody and overconfident in one
group, underconfident in another. The figures are those of `performance.calibration@1`, over the rows of one group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.fairlearn import Disaggregated, disaggregate
from workbench.audit.fairness.shown import largest
from workbench.audit.fairness.tallies import Tallies
from workbench.audit.performance.binning import Binned, Errors
from workbench.audit.performance.brier import squared_errors
from workbench.audit.performance.calibration import Estimate, l2_error, l2_if_calibrated
from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import (
    FEWEST_PEOPLE,
    REPLICATES,
    draws,
    rare_interval,
    replicate,
)
from workbench.evidence.exhibits import Exhibit, Note
from workbench.evidence.intervals import LEVEL, Bounds
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.evidence.simultaneous import GroupRates, Span, differences, from_limits, max_gap
from workbench.evidence.weighted import ratio
from workbench.models.protocols import Classifier

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@probes.register("fairness.calibration@1")
@dataclass(frozen=True)
class GroupCalibration:
    """Calibration error, confidence above accuracy and Brier score by group, and gaps, per sensitive attribute."""

    replicates: int = REPLICATES
    bins: int = 10
    """Equal-mass bins within each group; fewer where its confidences are tied."""
    minimum: int = 30
    """In a group of fewer people no calibration error is measured, and the group is shown but not compared."""
    most: int = 50
    """Of an attribute with more groups only so many are handled, those with most people."""

    name: ClassVar[str] = "fairness.calibration@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_at_least(self, replicates=100, bins=1, minimum=FEWEST_PEOPLE, most=2)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the figures of every group, and the gaps of every attribute, of `corpus`."""
        if not corpus.attributes:
            return NotApplicable(reason="the data names no groups; pass --group-column with the name of a column")
        seen = Predictions.of(model, corpus, setting)
        measured: list[Measurement] = []
        notes: list[Exhibit] = []
        for attribute in corpus.attributes:
            rows, membership, others, _ = largest(seen, attribute, corpus.group_of(attribute), at_most=self.most)
            tallies = Tallies(rows, attribute, membership, (), setting.streams, self.name, self.replicates, others)
            for found in _Attribute(tallies, self.bins, self.minimum).all():
                if isinstance(found, Measurement):
                    measured.append(found)
                else:
                    notes.append(found)
        return Measured(measurements=tuple(measured), exhibits=tuple(notes))


class _Errors(NamedTuple):
    """The calibration error of one group."""

    seen: Estimate
    together: Estimate
    """The same, with an interval that holds together with those of all groups compared."""
    if_calibrated: Estimate


@dataclass(frozen=True)
class _Attribute:
    """Calibration within the groups of one attribute."""

    tallies: Tallies
    bins: int
    minimum: int

    @property
    def confidence(self) -> Floats:
        """Probability of the most probable label, (n,)."""
        return self.tallies.seen.confidence

    @property
    def right(self) -> Bools:
        """Whether that label is true, (n,)."""
        return self.tallies.seen.top_right

    @cached_property
    def brier(self) -> tuple[Floats, float]:
        """Each row's squared error, (n,), and the largest possible."""
        seen = self.tallies.seen
        return squared_errors(seen.probabilities, seen.labels, seen.positive)

    @cached_property
    def large(self) -> list[int]:
        """The groups with at least `minimum` people."""
        return self.tallies.large(self.minimum)

    def all(self) -> Iterator[Measurement | Note]:
        """Yield the figures by group, the gaps, and what is not established."""
        errors = {g: self._errors(g) for g in self.large}
        means = self._means(np.ones(len(self.confidence), dtype=np.bool_))
        for g in range(len(self.tallies.groups)):
            if g in errors:
                yield from self._calibration(g, errors[g])
            yield from self._scores(g, means)
        if len(self.large) >= 2:
            yield self._ece_gap(list(errors.values()))
            yield self._brier_gap()
        yield from self._left_out()

    def _means(self, rows: Bools) -> Disaggregated:
        """Return the means of `rows` (n,) by group, through Fairlearn."""
        squares, _ = self.brier
        return disaggregate(
            {"brier": lambda squares, _: float(np.mean(squares)), "gap": lambda _, gaps: float(np.mean(gaps))},
            squares[rows],
            (self.confidence - self.right)[rows],
            self.tallies.names[rows],
        )

    def _errors(self, g: int) -> _Errors:
        inside, replicates = self.tallies.inside[:, g], self.tallies.replicates
        people = self.tallies.people(g)
        binned = Binned(self.confidence[inside], self.right[inside], people, self.bins)
        counts = draws(people, replicates=replicates, rng=self._rng("ece", g))
        observed, drawn = binned.observed(), Errors.joined([binned.errors(c) for c in counts])
        calibrated = binned.if_calibrated(replicates=replicates, rng=self._rng("if_calibrated", g))
        together = LEVEL ** (1 / max(1, comb(len(self.large), 2)))  # Šidák: the groups are resampled each by itself
        return _Errors(
            seen=l2_error(binned, observed, drawn),
            together=l2_error(binned, observed, drawn, level=together),
            if_calibrated=l2_if_calibrated(calibrated),
        )

    def _calibration(self, g: int, found: _Errors) -> Iterator[Measurement]:
        """Yield the calibration error of a group, and what it would be by chance."""
        yield self._measurement("ece", g, *found.seen, "lower")
        yield self._measurement("ece_if_calibrated", g, *found.if_calibrated, "neither")

    def _scores(self, g: int, means: Disaggregated) -> Iterator[Measurement]:
        """Yield what every group has: confidence above accuracy, and the Brier score."""
        of = means.by_group[self.tallies.groups[g]]
        claimed = self._overconfidence_interval(g)
        yield self._measurement("overconfidence", g, of["gap"], claimed, "neither")
        yield self._measurement("brier", g, of["brier"], self._brier_interval(g), "lower")

    def _overconfidence_interval(self, g: int) -> Interval:
        """Return the interval of confidence less being right: either varies, also where they do not go together."""
        inside, people = self.tallies.inside[:, g], self.tallies.people(g)
        rng, replicates = self._rng("overconfidence", g), self.tallies.replicates
        excess = self.confidence[inside] - self.right[inside]
        interval = rare_interval(excess, people, bottom=-1.0, top=1.0, rng=rng, replicates=replicates)
        assert interval is not None, "every group has rows"
        return interval

    def _brier_interval(self, g: int) -> Interval:
        inside, people, (squares, top) = self.tallies.inside[:, g], self.tallies.people(g), self.brier
        rng, replicates = self._rng("brier", g), self.tallies.replicates
        interval = rare_interval(squares[inside], people, top=top, rng=rng, replicates=replicates)
        assert interval is not None, "every group has rows"
        return interval

    def _both_seen(self, g: int) -> bool:
        """Return whether enough of a group's people were right, and enough wrong, for their squares to be resampled.

        Of a model that is seldom wrong and sure of itself a few rows make the Brier score; where they were not drawn,
        resampling knows nothing of them (in groups of 30 of such a model, half of the intervals would miss).
        """
        return min(self.tallies.people(g, side).size for side in (self.right, ~self.right)) >= FEWEST_PEOPLE

    def _ece_gap(self, errors: Sequence[_Errors]) -> Measurement:
        """Return the largest difference in calibration error.

        Simulated (400 to 1,500 audits each; 500 and 2,000 people in 2 and 4 groups, errors of 0 to 0.1, true gaps of 0
        and 0.05): the interval covers 94.9 to 100%.
        """
        values = np.array([one.together.value for one in errors])
        low, high = (np.array([getattr(one.together.interval, end) for one in errors]) for end in ("low", "high"))
        pairs = from_limits(values, Bounds(low, high), correlation=0.0 if self.tallies.disjoint else -1.0)
        return self._gap(
            "ece_difference", float(np.ptp(values)), max_gap(pairs), "Zou-Donner limits from each group's own (Šidák)"
        )

    def _brier_gap(self) -> Measurement:
        top = self.brier[1]
        low, high = max_gap(differences([self._brier_rates()]))
        value = self._means(self._compared).difference["brier"]
        how = (
            f"max-t bootstrap over people, {self.tallies.replicates} replicates, Newcombe limits at its standard errors"
        )
        return self._gap("brier_difference", value, Span(low * top, high * top), how)

    @cached_property
    def _compared(self) -> Bools:
        """Whether each row's group is compared, (n,)."""
        return self.tallies.of(self.large)

    def _gap(self, name: str, value: float, span: Span, how: str) -> Measurement:
        over = self.tallies.pairs(self.large)
        return Measurement(
            name=f"fairness.{name}",
            value=value,
            unit="score",
            better="lower",
            n=self.tallies.seen.people.among(self._compared).size,
            interval=Interval(low=span.low, high=span.high, level=LEVEL, method=f"simultaneous over {over}: {how}"),
            where={"attribute": self.tallies.attribute},
            left_out=self.tallies.without(self.large),
        )

    def _brier_rates(self) -> GroupRates:
        """Return the Brier scores of the large groups over the largest possible, with their joint bootstrap."""
        tallies, k = self.tallies, len(self.tallies.groups)
        squares, top = self.brier
        share = squares / top
        sums = tallies.per_person([share, np.ones(len(share))])
        drawn = replicate(
            tallies.seen.people,
            lambda counts: np.asarray(counts @ sums, dtype=np.float64),
            replicates=tallies.replicates,
            rng=tallies.streams.stream(tallies.probe, tallies.attribute, "brier"),
        )
        return GroupRates(
            values=(np.bincount(tallies.group, weights=share) / np.bincount(tallies.group))[self.large],
            replicates=ratio(drawn[:, :k], drawn[:, k:]).take(self.large, axis=1),
            n=np.array([tallies.people(g).size for g in self.large], dtype=np.float64),
            one_each=False,  # squares spread less than the hits of a proportion
            disjoint=tallies.disjoint,
            resampled=np.array([self._both_seen(g) for g in self.large]),
        )

    def _left_out(self) -> Iterator[Note]:
        tallies = self.tallies
        small = [g for g in range(len(tallies.groups)) if g not in self.large]
        if small:
            listed = ", ".join(f"{tallies.groups[g]} ({tallies.people(g).size})" for g in small)
            yield Note(
                text=f"{tallies.attribute}: calibration error not established, fewer than {self.minimum} people: "
                f"{listed}. Their Brier scores are shown but not compared."
            )
        if len(self.large) < 2:
            yield Note(
                text=f"{tallies.attribute}: no gaps in calibration, fewer than two groups have {self.minimum} people."
            )

    def _rng(self, figure: str, g: int) -> np.random.Generator:
        tallies = self.tallies
        return tallies.streams.stream(tallies.probe, figure, tallies.attribute, tallies.groups[g])

    def _measurement(self, name: str, g: int, value: float, interval: Interval, better: Better) -> Measurement:
        return Measurement(
            name=f"fairness.{name}",
            value=value,
            unit="score" if name in {"brier", "overconfidence"} else "proportion",
            better=better,
            n=self.tallies.people(g).size,
            interval=interval,
            where={"attribute": self.tallies.attribute, "group": self.tallies.groups[g]},
        )
