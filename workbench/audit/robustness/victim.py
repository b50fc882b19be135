"""The model under attack, as a search sees it: scores whose largest is the audit's decision."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.evidence.decision import Decision
from workbench.models.probabilities import normalised
from workbench.models.protocols import Classifier, FloatArray


@dataclass(frozen=True)
class Victim:
    """A classifier with the audit's decision rule."""

    model: Classifier
    decision: Decision
    positive: int
    """Column of the positive label."""

    def decide(self, probabilities: FloatArray) -> int:
        """Return the decided column for one text's probabilities, (1, n_labels)."""
        return int(self.decision.decide(probabilities, self.positive)[0])

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return scores, (n, n_labels): rows sum to 1 in float64 and the largest of each row is the decision.

        TextAttack's own wrappers score in float32, where a very sure model gives every candidate exactly 1 and the
        search goes blind. In float64 it still sees which word matters, so on such texts it may find other rewrites.
        """
        probabilities = normalised(self.model.predict_proba(texts))
        if self.decision.threshold is None:
            return probabilities
        return centred(probabilities, self.positive, self.decision.threshold)

    def count(self, texts: int) -> None:
        """Told before a search looks into the model for the gradients of so many texts."""


class OutOfTime(Exception):
    """A search has had its time."""


@dataclass(frozen=True)
class Timed(Victim):
    """A victim that answers for so many seconds from its making on, and then raises `OutOfTime`."""

    seconds: float = float("inf")
    _asked: list[int] = field(default_factory=list)
    _since: float = field(default_factory=lambda: time.monotonic())

    @property
    def queries(self) -> int:
        """Texts scored so far, and those whose gradients were taken."""
        return sum(self._asked)

    def count(self, texts: int) -> None:
        """Raise `OutOfTime` where the time is over, else count the texts."""
        if time.monotonic() - self._since > self.seconds:
            raise OutOfTime
        self._asked.append(texts)

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """As `Victim.scores`."""
        self.count(len(texts))
        return super().scores(texts)


def centred(probabilities: FloatArray, positive: int, threshold: float) -> FloatArray:
    """Return two-label probabilities bent so that `threshold` lies at one half and order is kept.

    p' = p / (2 t) below t, and 1/2 + (p - t) / (2 (1 - t)) from t on. A search for 'the largest score is another label'
    then searches for another decision. Exactly at t the positive label wins, as in `Decision.decide`, by the smallest
    step that float64 has.
    """
    p = probabilities[:, positive]
    below = np.minimum(p / (2 * threshold), np.nextafter(0.5, 0))
    above = np.maximum(0.5 + (p - threshold) / (2 * (1 - threshold)), np.nextafter(0.5, 1))
    bent = np.where(p >= threshold, above, below)
    scores: FloatArray = np.empty_like(probabilities)
    scores[:, positive], scores[:, 1 - positive] = bent, 1 - bent
    return scores
