"""What of a model's answers is explained: a probability, log-odds, or by how much one label exceeds another.

Every method explains one column of a model's answers. A view puts into that column what is to be explained, so that
methods need not know of scales and contrasts. Whatever is linear in the answers gives, for "why A rather than B", the
difference of its explanations of A and of B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.data.corpus import Task
from workbench.evidence.cards import ModelCard
from workbench.models.protocols import Classifier, Differentiable, Encoded, FloatArray, Gradients, Searchable

if TYPE_CHECKING:
    import torch


Scale = Literal["probability", "log_odds"]

_LEAST = float(np.finfo(np.float64).tiny)
"""Stands for a probability of 0, whose logarithm no one could share out."""


class View:
    """A view of a model: column `target` of its answers holds what is to be explained.

    `versus`: the label that it is set against; None: all others together, which makes no difference to probabilities.
    """

    def __init__(self, model: Any, target: int, versus: int | None, scale: Scale) -> None:
        self._model, self._target, self._versus, self._scale = model, target, versus, scale

    @property
    def task(self) -> Task:
        found: Task = self._model.task
        return found

    @property
    def labels(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self._model.labels
        return found

    @property
    def card(self) -> ModelCard:
        found: ModelCard = self._model.card
        return found

    @property
    def tokenizer(self) -> Any:
        """The model's transformers tokenizer; None for a model without."""
        return getattr(self._model, "tokenizer", None)

    @property
    def search(self) -> Classifier:
        """The same view of the model's twin; this view itself where there is none."""
        twin = self._model.search if isinstance(self._model, Searchable) else self._model
        return self if twin is self._model else view(twin, self._target, self._versus, self._scale)

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return answers, (n, n_labels): probabilities, but for column `target`."""
        found: FloatArray = self._model.predict_proba(inputs).copy()
        own = found[:, self._target]
        if self._scale == "log_odds":
            others = (
                np.delete(found, self._target, axis=1).sum(axis=1) if self._versus is None else found[:, self._versus]
            )
            found[:, self._target] = np.log(np.maximum(own, _LEAST)) - np.log(np.maximum(others, _LEAST))
        elif self._versus is not None:
            found[:, self._target] = own - found[:, self._versus]
        return found


class WhiteView(View):
    """The same for a white-box model, whose logits are set against each other too."""

    @property
    def mask_id(self) -> int | None:
        """Id of the model's mask token."""
        return getattr(self._model, "mask_id", None)

    def encode(self, inputs: Sequence[str]) -> Encoded:
        found: Encoded = self._model.encode(inputs)
        return found

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._model.embed(input_ids)
        return found

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        found: torch.Tensor = self._model.baseline_ids(encoded)
        return found

    @property
    def normalises_embeddings(self) -> bool:
        """The model's own; False for one that does not say."""
        return getattr(self._model, "normalises_embeddings", False)

    def attentions(self, encoded: Encoded) -> FloatArray:
        """Return the model's own, which know of no label."""
        found: FloatArray = self._model.attentions(encoded)
        return found

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self._contrasted(self._model.logits_from(embedded, attention_mask))

    def _contrasted(self, logits: torch.Tensor) -> torch.Tensor:
        import torch

        if self._versus is None:
            return logits
        is_target = torch.arange(logits.shape[1], device=logits.device) == self._target
        return logits - is_target * logits[:, self._versus, None]


class BatchedView(WhiteView):
    """The same for a model that batches gradients across whoever asks."""

    def logit_gradients(
        self, embedded: torch.Tensor, attention_mask: torch.Tensor, target: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Gradients.logit_gradients`; a contrast takes the gradient of either logit."""
        logits, slopes = self._model.logit_gradients(embedded, attention_mask, target)
        if target == self._target and self._versus is not None:
            slopes = slopes - self._model.logit_gradients(embedded, attention_mask, self._versus)[1]
        return self._contrasted(logits), slopes


def view(model: Classifier, target: int, versus: int | None = None, scale: Scale = "probability") -> View:
    """Return a view of `model` that satisfies the protocols that methods ask for, as far as `model` does."""
    if isinstance(model, Gradients):
        return BatchedView(model, target, versus, scale)
    return (WhiteView if isinstance(model, Differentiable) else View)(model, target, versus, scale)


class _Moved:
    """A white-box model to which one text has other embeddings than its own."""

    def __init__(self, model: Any, input_ids: torch.Tensor, embedded: torch.Tensor) -> None:
        super().__init__(model, 0, None, "probability")  # type: ignore[call-arg]
        self._ids, self._moved = input_ids, embedded.to(model.embed(input_ids))

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        import torch

        found: torch.Tensor = super().embed(input_ids)  # type: ignore[misc]
        return self._moved if torch.equal(input_ids, self._ids) else found


class _MovedWhite(_Moved, WhiteView):
    pass


class _MovedBatched(_Moved, BatchedView):
    pass


def moved(model: Differentiable, encoded: Encoded, embedded: torch.Tensor) -> WhiteView:
    """Return a view of `model` in which the one text of `encoded` has the embeddings `embedded`, (1, length, width).

    Its answers to texts are the model's own: only what works from embeddings sees another text.
    """
    made = _MovedBatched if isinstance(model, Gradients) else _MovedWhite
    return made(model, encoded.input_ids, embedded)
