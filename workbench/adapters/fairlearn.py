"""Fairlearn: metrics by group, and its gaps between groups.

Fairlearn answers 0 for a rate without a denominator (the true positive rate of a group without positives). Whoever
calls `disaggregate` must leave such groups out, or out of what is reported.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Metric = Callable[[Any, Any], float]
"""(labels, decisions) -> value"""


@dataclass(frozen=True)
class Disaggregated:
    """Each metric in each group, with Fairlearn's aggregates over groups."""

    by_group: Mapping[str, Mapping[str, float]]
    """Group -> metric -> value."""
    difference: Mapping[str, float]
    """Metric -> largest minus smallest group value."""
    difference_to_overall: Mapping[str, float]
    """Metric -> largest distance of a group's value from that of all rows together."""
    ratio: Mapping[str, float]
    """Metric -> smallest over largest group value; NaN where all are 0."""
    ratio_to_overall: Mapping[str, float]
    """Metric -> smallest ratio of a group's value and that of all rows, the smaller over the larger; NaN likewise."""
    minimum: Mapping[str, float]
    """Metric -> smallest group value."""

    def joined(self, other: Disaggregated) -> Disaggregated:
        """Return the metrics of both, of the same groups."""
        return Disaggregated(
            by_group={group: {**held, **other.by_group[group]} for group, held in self.by_group.items()},
            difference={**self.difference, **other.difference},
            difference_to_overall={**self.difference_to_overall, **other.difference_to_overall},
            ratio={**self.ratio, **other.ratio},
            ratio_to_overall={**self.ratio_to_overall, **other.ratio_to_overall},
            minimum={**self.minimum, **other.minimum},
        )


def rates() -> Mapping[str, Metric]:
    """Return the rates over labels and decisions in {0, 1}, by our names; 0 where there is no denominator."""
    from fairlearn import metrics
    from sklearn.metrics import precision_score

    def precision(labels: Any, decisions: Any) -> float:
        return float(precision_score(labels, decisions, zero_division=0))

    def pinned(rate: Callable[..., float]) -> Metric:
        def named(labels: Any, decisions: Any) -> float:
            return float(rate(labels, decisions, pos_label=1))  # a group may have one label only

        return named

    return {
        "selection_rate": pinned(metrics.selection_rate),
        "true_positive_rate": pinned(metrics.true_positive_rate),
        "false_positive_rate": pinned(metrics.false_positive_rate),
        "false_negative_rate": pinned(metrics.false_negative_rate),
        "precision": precision,
    }


def disaggregate(
    metrics: Mapping[str, Metric],
    labels: NDArray[Any],
    decisions: NDArray[Any],
    groups: NDArray[Any],
) -> Disaggregated:
    """Return `metrics` by group through Fairlearn's `MetricFrame`; all arrays have shape (n,), n > 0.

    `decisions` may be whatever the metrics take: label ids, 0/1, or scores.
    """
    from fairlearn.metrics import MetricFrame

    frame = MetricFrame(metrics=dict(metrics), y_true=labels, y_pred=decisions, sensitive_features=groups)

    def aggregate(found: Any) -> Mapping[str, float]:
        return {name: float(found[name]) for name in metrics}

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # a ratio of two zeros
        ratios = [aggregate(frame.ratio(method=method)) for method in ("between_groups", "to_overall")]
    return Disaggregated(
        by_group={str(group): {name: float(row[name]) for name in metrics} for group, row in frame.by_group.iterrows()},
        difference=aggregate(frame.difference(method="between_groups")),
        difference_to_overall=aggregate(frame.difference(method="to_overall")),
        ratio=ratios[0],
        ratio_to_overall=ratios[1],
        minimum=aggregate(frame.group_min()),
    )
