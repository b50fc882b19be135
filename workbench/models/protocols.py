"""What an audit may know of a model. Black-box probes ask for `Classifier`, white-box ones for `Differentiable`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Task
from workbench.evidence.cards import ModelCard

if TYPE_CHECKING:
    import torch

FloatArray = NDArray[np.float64]


@runtime_checkable
class Classifier(Protocol):
    """All that a black-box probe may know."""

    @property
    def task(self) -> Task: ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in output order."""
        ...

    @property
    def card(self) -> ModelCard: ...

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, shape (n, n_labels), float64; rows sum to 1. Empty input gives shape (0, n_labels)."""
        ...


@dataclass(frozen=True)
class Encoded:
    """One batch of tokenised texts on the model's device."""

    input_ids: torch.Tensor
    """(batch, length) int64"""
    attention_mask: torch.Tensor
    """(batch, length) int64; 0 on padding"""
    special: torch.Tensor
    """(batch, length) bool; True on special and padding tokens"""
    tokens: tuple[tuple[str, ...], ...]
    """Tokens of each text, without padding"""
    spans: tuple[tuple[tuple[int, int], ...], ...]
    """Character span of each token; (0, 0) for special tokens"""


@runtime_checkable
class Differentiable(Classifier, Protocol):
    """The white-box extra: from texts to embeddings, from embeddings to logits, with gradients."""

    def encode(self, inputs: Sequence[str]) -> Encoded:
        """Tokenise, truncate to the model's length, pad to the longest of `inputs`."""
        ...

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return input embeddings, (batch, length, width); position and type embeddings are not included."""
        ...

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        """Return `input_ids` with every ordinary token replaced by padding (special tokens kept)."""
        ...

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits, (batch, n_labels), differentiable in `embedded`."""
        ...


@runtime_checkable
class Gradients(Differentiable, Protocol):
    """A white-box model that also batches gradients across whoever asks: the inference engine, for one."""

    def logit_gradients(
        self, embedded: torch.Tensor, attention_mask: torch.Tensor, target: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (n, n_labels) and the gradient of column `target` with respect to `embedded`.

        Args:
            embedded: (n, length, width), as from `embed`; needs no gradient of its own.
            attention_mask: (length,), of the one text that all n points belong to.
            target: column of the logit.

        Both results are detached; the gradient has the shape of `embedded`.
        """
        ...


@runtime_checkable
class Searchable(Classifier, Protocol):
    """A model with a faster, approximate twin for searching. What becomes evidence is asked of the model itself."""

    @property
    def search(self) -> Classifier:
        """The twin (bfloat16 beside float32), or the model itself where nothing is faster."""
        ...


@runtime_checkable
class Servable(Classifier, Protocol):
    """A model that can answer as a service would, without what the audit does to make numbers repeatable."""

    def serve(self, inputs: Sequence[str]) -> FloatArray:
        """Return what `predict_proba` does, but for its last bits, from one batch padded to its longest text."""
        ...


@runtime_checkable
class Truncating(Protocol):
    """A model that reads only so many tokens."""

    def truncated(self, inputs: Sequence[str]) -> int:
        """Return how many of `inputs` are longer than the model reads."""
        ...


def searcher(model: Classifier) -> Classifier:
    """Return the model to search with: the approximate twin where there is one, else `model` itself."""
    return model.search if isinstance(model, Searchable) else model
