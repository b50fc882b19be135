"""A group's scores beside everybody else's: BPSN and BNSP AUC, and power means over groups (Borkan et al. 2019).

"Nuanced Metrics for Measuring Unintended Bias with Real Data for Text Classification". An AUC within the group cannot
see that all its scores are shifted; these two can, because they rank the group against its background, which is
everyone outside it. The AUC within the group is `fairness.roc_auc` of `fairness.groups@1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.audit.fairness.shown import largest, without
from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import FEWEST_PEOPLE, REPLICATES, auc_interval, replicate, within_rounding
from workbench.evidence.exhibits import Exhibit, Note
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.evidence.weighted import roc_auc
from workbench.models.protocols import Classifier

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

POWER = -5.0
"""Of the mean over groups, as in the paper: near the worst group's AUC, and moved by every low one."""


class Kind(NamedTuple):
    """Which rows an AUC of a group ranks."""

    name: str
    title: str
    rows: Callable[[Bools, Bools], Bools]
    """Whether a row is in the group, and whether it is positive -> whether it is ranked, each (n,)."""
    ranked: str
    by_group: bool
    """Whether each group's figure is reported here, or elsewhere."""


KINDS = (
    Kind("subgroup_auc", "AUC within the group", lambda inside, positive: inside, "both labels in the group", False),
    Kind(
        "bpsn_auc",
        "BPSN AUC",
        lambda inside, positive: inside ^ positive,
        "its own negatives, and positives outside it",
        True,
    ),
    Kind(
        "bnsp_auc",
        "BNSP AUC",
        lambda inside, positive: inside == positive,
        "its own positives, and negatives outside it",
        True,
    ),
)


def power_mean(values: Floats, power: float = POWER) -> float:
    """Return ((x_1^p + ... + x_k^p) / k)^(1/p) of values (k,) in [0, 1]; 0 where one of them is 0 and p is negative."""
    with np.errstate(divide="ignore"):
        return float(np.mean(np.asarray(values, dtype=np.float64) ** power) ** (1 / power))


@probes.register("fairness.background@1")
@dataclass(frozen=True)
class Background:
    """Ranks each group's examples against everybody else's, per sensitive attribute."""

    replicates: int = REPLICATES
    minimum: int = 30
    """A group of fewer people is left out, and named."""
    minimum_side: int = 10
    """So is a group where either label to be ranked has fewer people."""
    most: int = 50
    """Of an attribute with more groups only so many are handled, those with most people."""

    name: ClassVar[str] = "fairness.background@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, replicates=100, minimum=2, minimum_side=1, most=2)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return both AUCs per group and three power means per attribute."""
        if not corpus.attributes:
            return NotApplicable(reason="the data names no groups; pass --group-column with the name of a column")
        seen = Predictions.of(model, corpus, setting)
        measured: list[Measurement] = []
        notes: list[Exhibit] = []
        for attribute in corpus.attributes:
            rows, membership, others, _ = largest(seen, attribute, corpus.group_of(attribute), at_most=self.most)
            for found in self._of(rows, attribute, membership, others, setting):
                if isinstance(found, Measurement):
                    measured.append(found)
                else:
                    notes.append(found)
        if not measured:
            return NotApplicable(reason="no attribute has two groups with enough people of either label to be ranked")
        label = seen.names[seen.positive]
        notes.append(
            Note(
                text=f"Scores are those of “{label}”. Where being wrongly decided so is the harm, a low BPSN AUC is "
                f"the one to look at (the group's other examples score above everybody else's “{label}”); where "
                "wrongly missing it is the harm, a low BNSP AUC."
            )
        )
        return Measured(measurements=tuple(measured), exhibits=tuple(notes))

    def _of(
        self, seen: Predictions, attribute: str, membership: tuple[str, ...], others: int, setting: Setting
    ) -> Iterator[Measurement | Note]:
        names = np.array(membership, dtype=object)
        groups = sorted(set(membership))
        positive = seen.is_label(seen.positive)
        fit: list[tuple[str, Bools]] = []
        left: list[tuple[str, Bools]] = []
        for group in groups:
            inside: Bools = np.asarray(names == group, dtype=np.bool_)
            (fit if self._fits(seen, inside, positive) else left).append((group, inside))
        if left:
            yield Note(
                text=f"{attribute}: not ranked against the others: {', '.join(group for group, _ in left)} (fewer "
                f"than {self.minimum} people, or fewer than {self.minimum_side} on a side to be ranked)."
            )
        if len(fit) < 2:
            return
        ranked = [kind.rows(inside, positive) for kind in KINDS for _, inside in fit]
        drawn = self._drawn(seen, positive, ranked, setting, attribute)
        for k, kind in enumerate(KINDS):
            columns = range(k * len(fit), (k + 1) * len(fit))
            sides = [self._sides(seen, ranked[c], positive) for c in columns]
            values = np.array([_auc(seen, ranked[c], positive) for c in columns])
            if kind.by_group:
                for (group, _), value, c, side in zip(fit, values, columns, sides, strict=True):
                    interval = auc_interval(float(value), drawn[:, c], side)
                    where = {"attribute": attribute, "group": group}
                    people = seen.people.among(ranked[c]).size
                    if interval is None:
                        yield Note(text=f"{attribute}: {kind.title} of {group}: undefined in too many replicates.")
                    else:
                        yield _measured(f"fairness.{kind.name}", float(value), people, interval, where)
            for mean in self._mean(seen, kind, attribute, values, [drawn[:, c] for c in columns], sides):
                yield mean.model_copy(update={"left_out": without(groups, [group for group, _ in fit], others=others)})

    def _mean(
        self,
        seen: Predictions,
        kind: Kind,
        attribute: str,
        values: Floats,
        drawn: list[Floats],
        sides: list[tuple[int, int]],
    ) -> Iterator[Measurement]:
        """Yield the power mean; its limits are those of limits that hold for all groups at once.

        The mean grows with each AUC, so it lies between the means of such limits. Replicates of the mean would not
        do: noise pulls a mean so near the minimum down.
        """
        k = len(values)
        each = 1 - (1 - LEVEL) / k
        limits = [
            auc_interval(float(value), column, side, level=each)
            for value, column, side in zip(values, drawn, sides, strict=True)
        ]
        if any(one is None for one in limits):
            return
        interval = Interval(
            low=power_mean(np.array([one.low for one in limits if one is not None])),
            high=power_mean(np.array([one.high for one in limits if one is not None])),
            level=LEVEL,
            method=f"power mean of the limits of {k} groups, each at {each:.4f} (Bonferroni): Wilson, standard "
            f"error by bootstrap over people within labels, {self.replicates} replicates",
        )
        value = power_mean(values)
        yield _measured(f"fairness.{kind.name}_power_mean", value, seen.people.size, interval, {"attribute": attribute})

    def _fits(self, seen: Predictions, inside: Bools, positive: Bools) -> bool:
        sides = [self._sides(seen, kind.rows(inside, positive), positive) for kind in KINDS]
        large = seen.people.among(inside).size >= self.minimum
        return large and min(map(min, sides)) >= max(self.minimum_side, FEWEST_PEOPLE)

    @staticmethod
    def _sides(seen: Predictions, rows: Bools, positive: Bools) -> tuple[int, int]:
        return seen.people.among(rows & positive).size, seen.people.among(rows & ~positive).size

    def _drawn(
        self, seen: Predictions, positive: Bools, ranked: list[Bools], setting: Setting, attribute: str
    ) -> Floats:
        """Return every AUC in every replicate of people, (b, len(ranked)): all from the same draws."""
        scores = np.asarray(seen.probabilities[:, seen.positive], dtype=np.float64)
        people = seen.people
        scorers = [(roc_auc(scores[rows], positive[rows]), people.rows[rows]) for rows in ranked]

        def statistic(counts: Floats) -> Floats:
            return np.stack([scorer(counts[:, who]) for scorer, who in scorers], axis=1)

        return replicate(
            people,
            statistic,
            replicates=self.replicates,
            rng=setting.streams.stream(self.name, attribute),
            strata=people.strata(positive.astype(np.int64)),
        )


def _auc(seen: Predictions, rows: Bools, positive: Bools) -> float:
    from sklearn.metrics import roc_auc_score

    return within_rounding(float(roc_auc_score(positive[rows], seen.probabilities[rows, seen.positive])))


def _measured(name: str, value: float, n: int, interval: Interval, where: dict[str, str]) -> Measurement:
    return Measurement(name=name, value=value, unit="score", better="higher", n=n, interval=interval, where=where)
