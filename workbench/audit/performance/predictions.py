"""What the model said about a corpus, beside what is true: the common ground of the black-box probes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus
from workbench.data.decided import decided
from workbench.evidence.bootstrap import People
from workbench.models.protocols import Classifier, FloatArray


@dataclass(frozen=True)
class Predictions:
    """Probabilities, decisions and truth, row by row."""

    names: tuple[str, ...]
    """Label names, in column order."""
    positive: int
    """Column of the positive label."""
    probabilities: FloatArray
    """(n, n_labels)"""
    labels: NDArray[np.int64]
    """True label per row, (n,)"""
    decisions: NDArray[np.int64]
    """Decided label per row, (n,)"""
    people: People

    @classmethod
    def of(cls, model: Classifier, corpus: Corpus, setting: Setting) -> Predictions:
        """Ask `model` about every example of `corpus` and decide by the audit's rule."""
        probabilities = np.asarray(model.predict_proba(corpus.inputs), dtype=np.float64)
        positive = setting.positive(corpus.labels)
        assert probabilities.shape == (len(corpus), len(corpus.labels)), probabilities.shape
        assert np.isfinite(probabilities).all(), "the model returned a probability that is not a number"
        return cls(
            names=corpus.labels,
            positive=positive,
            probabilities=probabilities,
            labels=corpus.label_ids,
            decisions=decided(setting.decision, probabilities, corpus, positive=positive, streams=setting.streams),
            people=People(corpus.people),
        )

    @property
    def binary(self) -> bool:
        """Whether there are exactly two labels."""
        return len(self.names) == 2

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each row was decided rightly, (n,)."""
        return np.asarray(self.labels == self.decisions)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of each row's most probable label, (n,)."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @cached_property
    def top_right(self) -> NDArray[np.bool_]:
        """Whether each row's most probable label is true, whatever the decision rule made of it, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)

    def is_label(self, label: int) -> NDArray[np.bool_]:
        """Whether each row truly has `label`, (n,)."""
        return np.asarray(self.labels == label)
