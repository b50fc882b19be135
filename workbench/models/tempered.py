"""A classifier whose probabilities are made less (or more) sure, its decisions the same: temperature scaling.

A model that is sure beyond float32's digits leaves a search nothing to compare, and looks robust for no other reason
(Raina et al. 2024, "Extreme Miscalibration and the Illusion of Adversarial Robustness"); scaled to the sureness that
its accuracy deserves (Guo et al. 2017, "On Calibration of Modern Neural Networks") it is attacked on equal terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.data.corpus import Task
from workbench.errors import EmptyData, Misconfigured
from workbench.evidence.cards import ModelCard
from workbench.models.protocols import Classifier, FloatArray

_HOTTEST = 100.0
_SMALLEST = 1e-300


@dataclass(frozen=True)
class TemperedClassifier:
    """Answers with softmax(log p / temperature) for another's p."""

    base: Classifier
    temperature: float

    def __post_init__(self) -> None:
        if not 1 / _HOTTEST <= self.temperature <= _HOTTEST:
            raise Misconfigured(
                f"temperature must lie between {1 / _HOTTEST:g} and {_HOTTEST:g}; got {self.temperature}"
            )

    @property
    def task(self) -> Task:
        return self.base.task

    @property
    def labels(self) -> tuple[str, ...]:
        return self.base.labels

    @property
    def tokenizer(self) -> Any:
        """The base's transformers tokenizer; None for a model without."""
        return getattr(self.base, "tokenizer", None)

    @property
    def card(self) -> ModelCard:
        """The base's, under a name and digest of its own."""
        card = self.base.card
        digest = hashlib.sha256(f"{card.digest} temperature {self.temperature!r}".encode()).hexdigest()
        return card.model_copy(update={"name": f"{card.name}, temperature {self.temperature:.3g}", "digest": digest})

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, n_labels)."""
        return tempered(self.base.predict_proba(inputs), self.temperature)


def tempered(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Return `probabilities`, (n, n_labels), at another temperature: p ** (1 / T), each row summing to 1."""
    logits = np.log(np.clip(probabilities, _SMALLEST, None)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    scaled: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return scaled


def fitted_temperature(probabilities: FloatArray, label_ids: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Return the temperature, from 0.01 to 100, at which the true labels have the largest likelihood.

    Args:
        probabilities: of examples that the model was not trained on, (n, n_labels).
        label_ids: true columns, (n,).

    Raises `EmptyData` for none.
    """
    from scipy.optimize import minimize_scalar

    if not len(label_ids):
        raise EmptyData("a temperature cannot be fitted to no examples")
    rows = np.arange(len(label_ids))

    def loss(log_temperature: float) -> float:
        found = tempered(probabilities, float(np.exp(log_temperature)))[rows, label_ids]
        return float(-np.log(np.clip(found, _SMALLEST, None)).mean())

    limit = float(np.log(_HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))
