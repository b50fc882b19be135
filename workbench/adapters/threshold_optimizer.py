"""Fairlearn's `ThresholdOptimizer`: thresholds by group, found from scores and labels, taken over as numbers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import Misconfigured, NotFound
from workbench.evidence.group_rule import Cut, GroupCut

Constraint = Literal[
    "demographic_parity",
    "true_positive_rate_parity",
    "false_positive_rate_parity",
    "false_negative_rate_parity",
    "true_negative_rate_parity",
    "equalized_odds",
]
Objective = Literal["accuracy_score", "balanced_accuracy_score"]
CONSTRAINTS: tuple[str, ...] = get_args(Constraint)
OBJECTIVES: tuple[str, ...] = get_args(Objective)


class Wanted(NamedTuple):
    """What the thresholds are to achieve."""

    constraint: str
    objective: str = "accuracy_score"
    slack: float | None = None
    """How far apart the groups' rates may stay, in [0, 1]; None: not at all. Not for equalized odds."""

    def checked(self) -> Wanted:
        """Return this. Raises `NotFound` or `Misconfigured` for what Fairlearn cannot do."""
        if self.constraint not in CONSTRAINTS:
            raise NotFound.among("constraint", self.constraint, CONSTRAINTS)
        if self.objective not in OBJECTIVES:
            raise NotFound.among("objective", self.objective, OBJECTIVES)
        if self.slack is not None and self.constraint == "equalized_odds":
            raise Misconfigured("slack: equalized odds cannot be relaxed by it; use mix, which every constraint takes")
        if self.slack is not None and not 0 <= self.slack <= 1:
            raise Misconfigured(f"slack must lie between 0 and 1; got {self.slack}")
        return self


def fit_thresholds(
    scores: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[Any], wanted: Wanted
) -> tuple[GroupCut, ...]:
    """Return one rule per group, sorted by group.

    Args:
        scores: of the positive label, (n,), from examples that the model did not learn from.
        labels: 1 for the positive label, else 0, (n,). Every group must have both.
        groups: (n,), text.
        wanted: constraint, objective, slack.
    """
    fitted = optimizer(scores, labels, groups, wanted)
    table = fitted.interpolated_thresholder_.interpolation_dict
    return tuple(_cut(group, table[group], int((groups == group).sum())) for group in sorted(table))


def optimizer(scores: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[Any], wanted: Wanted) -> Any:
    """Return the fitted `ThresholdOptimizer` itself; its input is a column of scores."""
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """Passes scores through: the model has been asked already."""

        def fit(self, rows: Any, labels: Any) -> Any:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict_proba(self, rows: Any) -> Any:
            column = np.asarray(rows, dtype=np.float64)[:, 0]
            return np.column_stack([1 - column, column])

    checked = wanted.checked()
    made = ThresholdOptimizer(
        estimator=Scores(),
        constraints=checked.constraint,
        objective=checked.objective,
        prefit=True,
        predict_method="predict_proba",
        tol=checked.slack,
    )
    return made.fit(scores[:, None], labels, sensitive_features=groups)


def _cut(group: Any, held: Any, n: int) -> GroupCut:
    extra = {}
    if "p_ignore" in held:
        extra = {"ignored": _share(held.p_ignore), "constant": _share(held.prediction_constant)}
    return GroupCut(
        group=str(group),
        n=n,
        first=_operation(held.operation0),
        first_share=_share(held.p0),
        second=_operation(held.operation1),
        second_share=_share(held.p1),
        **extra,
    )


def _share(value: Any) -> float:
    """Return a probability without the rounding that may carry it past 0 or 1."""
    return min(max(float(value), 0.0), 1.0)


def _operation(operation: Any) -> Cut:
    above, at = operation.operator == ">", float(operation.threshold)
    if np.isinf(at):
        return Cut(takes="all" if above == (at < 0) else "none")
    return Cut(takes="above" if above else "below", at=at)
