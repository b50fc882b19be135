"""The rule that turns probabilities into a decision. Every rate assumes one, so it is part of the record."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.evidence.group_rule import GroupRule
from workbench.evidence.schema import Stored


class Decision(Stored):
    """`argmax`, a `threshold` on the positive label of a two-label model, or thresholds by group."""

    rule: Literal["argmax", "threshold", "by_group"] = "argmax"
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Positive when P(positive) >= threshold."""
    by_group: GroupRule | None = None
    """Thresholds that depend on somebody's group, which then is needed for every decision."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.rule == "threshold") != (self.threshold is not None):
            raise ValueError("a threshold rule needs a threshold, and only it has one")
        if (self.rule == "by_group") != (self.by_group is not None):
            raise ValueError("a rule by group needs the groups' rules, and only it has them")
        return self

    def decide(self, probabilities: NDArray[np.floating], positive: int) -> NDArray[np.int64]:
        """Return the decided label index per row of `probabilities` (n, n_labels); ties go to the lower index.

        `positive` is the column of the positive label. Raises ValueError for a threshold with other than two labels,
        and for a rule by group, which the probabilities alone do not decide.
        """
        if self.by_group is not None:
            raise ValueError(f"the model decides by the group of {self.by_group.attribute!r}, which is not known here")
        if self.threshold is None:
            return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
        if probabilities.shape[1] != 2:
            raise ValueError(f"a threshold needs two labels; there are {probabilities.shape[1]}")
        return np.where(probabilities[:, positive] >= self.threshold, positive, 1 - positive).astype(np.int64)
