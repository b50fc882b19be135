"""Fairlearn: metrics by group, and its gaps between groups.

Fairlearn answers 0 for a rate without a denominator (the true positive rate of a group without positives). Whoever
calls `disaggregate` must leave such groups out, or out of what is reported.
"""

from __future__ import annotations

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
    minimum: Mapping[str, float]
    """Metric -> smallest group value."""


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
    difference, minimum = frame.difference(method="between_groups"), frame.group_min()
    return Disaggregated(
        by_group={str(group): {name: float(row[name]) for name in metrics} for group, row in frame.by_group.iterrows()},
        difference={name: float(difference[name]) for name in metrics},
        minimum={name: float(minimum[name]) for name in metrics},
    )


def gap(name: str, labels: NDArray[np.int64], decisions: NDArray[np.int64], groups: NDArray[Any]) -> float:
    """Return Fairlearn's own aggregate `name`, e.g. 'equalized_odds_difference'; labels and decisions in {0, 1}."""
    from fairlearn import metrics

    return float(getattr(metrics, name)(labels, decisions, sensitive_features=groups))
