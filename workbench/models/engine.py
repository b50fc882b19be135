"""The one place where an audit's forward passes happen: duplicates removed, answers remembered, work counted.

This engine runs what it is asked for on the calling thread. Coalescing many threads' requests into shared batches is
a change behind the same interface.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.data.corpus import Task
from workbench.errors import BadInput, Misconfigured
from workbench.evidence.cards import ModelCard
from workbench.models.protocols import Classifier, Differentiable, Encoded, FloatArray, Truncating

if TYPE_CHECKING:
    import torch

_CHUNK = 256
"""Texts sent to the model between two calls of `on_progress`."""

_ROUNDING, _EXACT = 1e-4, 1e-12
"""How far a row's sum may lie from 1: in a half-precision model, and in float64."""

OnProgress = Callable[[int, int], None]
"""Called with (texts done, texts in all) while a long request is answered."""


class Counts(NamedTuple):
    """What an engine has done so far."""

    queries: int
    """Texts asked about."""
    forwards: int
    """Texts that went to the model."""
    hits: int
    """Texts answered from memory, or by another text of the same request."""


class Engine:
    """A classifier that asks another one as little as possible. Threads may share it. Use `engine_for`."""

    def __init__(
        self, model: Classifier, *, cache_entries: int = 100_000, on_progress: OnProgress | None = None
    ) -> None:
        """Wrap `model`; remember the last `cache_entries` answers (0: none). Raises `Misconfigured`."""
        if cache_entries < 0:
            raise Misconfigured(f"cache_entries must not be negative; got {cache_entries}")
        self.model = model
        """What is asked in the end; ask it directly to time it."""
        self.on_progress = on_progress
        self._entries = cache_entries
        self._cache: OrderedDict[str, FloatArray] = OrderedDict()
        self._queries = self._forwards = 0
        self._lock = threading.Lock()

    @property
    def task(self) -> Task:
        return self.model.task

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    @property
    def card(self) -> ModelCard:
        return self.model.card

    @property
    def counts(self) -> Counts:
        with self._lock:
            return Counts(self._queries, self._forwards, self._queries - self._forwards)

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, n_labels). The model is asked about each text that is not remembered, once.

        What is asked is sorted first, so the order of `inputs` does not change what the model sees.
        """
        with self._lock:
            self._queries += len(inputs)
            known = {text: self._recall(text) for text in dict.fromkeys(inputs) if text in self._cache}
        unknown = sorted(set(inputs) - known.keys(), key=lambda text: (len(text), text))
        for start in range(0, len(unknown), _CHUNK):
            chunk = unknown[start : start + _CHUNK]
            self._report(start, len(unknown))
            rows = self._checked(self.model.predict_proba(chunk), len(chunk))
            known.update(zip(chunk, rows, strict=True))
            with self._lock:
                self._forwards += len(chunk)
            self.remember(chunk, rows)
        self._report(len(unknown), len(unknown))
        return np.array([known[text] for text in inputs], dtype=np.float64).reshape(len(inputs), len(self.labels))

    def remember(self, inputs: Sequence[str], probabilities: FloatArray) -> None:
        """Take `probabilities`, (n, n_labels), as the answers for `inputs`, e.g. from an interrupted audit."""
        with self._lock:
            for text, row in zip(inputs, probabilities, strict=True):
                self._cache[text] = np.array(row, dtype=np.float64)
                self._cache.move_to_end(text)
            while len(self._cache) > self._entries:
                self._cache.popitem(last=False)

    def _checked(self, rows: FloatArray, n: int) -> FloatArray:
        """Return `rows` as distributions, (n, n_labels): anybody may write a classifier. Raises `BadInput`."""
        found = np.asarray(rows, dtype=np.float64)
        name = self.card.name
        if found.shape != (n, len(self.labels)):
            raise BadInput(
                f"model {name!r} answered {n} texts with shape {found.shape}; ({n}, {len(self.labels)}) is due"
            )
        if not np.isfinite(found).all() or (found < 0).any():
            raise BadInput(f"model {name!r} gave probabilities that are negative or no numbers; mend its predict_proba")
        sums = found.sum(axis=1, keepdims=True)
        if (np.abs(sums - 1) > _ROUNDING).any():
            raise BadInput(
                f"model {name!r} gave probabilities that do not sum to 1 (found {float(sums.max()):.6g}); mend it"
            )
        # Sums within float64's own rounding stay as they are; float32's (1.0000001) would leave the unit interval.
        return np.where(np.abs(sums - 1) > _EXACT, found / sums, found)

    def _recall(self, text: str) -> FloatArray:
        self._cache.move_to_end(text)
        return self._cache[text]

    def _report(self, done: int, total: int) -> None:
        if self.on_progress is not None and total:
            self.on_progress(done, total)


class TruncatingEngine(Engine):
    """An engine over a model that reads only so many tokens."""

    model: Truncating  # type: ignore[assignment]  # also a Classifier: see engine_for

    def truncated(self, inputs: Sequence[str]) -> int:
        return self.model.truncated(inputs)


class DifferentiableEngine(Engine):
    """An engine over a white-box model: embeddings and gradients pass through untouched."""

    model: Differentiable

    def encode(self, inputs: Sequence[str]) -> Encoded:
        return self.model.encode(inputs)

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.model.embed(input_ids)

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        return self.model.baseline_ids(encoded)

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model.logits_from(embedded, attention_mask)


class DifferentiableTruncatingEngine(DifferentiableEngine, TruncatingEngine):  # type: ignore[misc]
    """An engine over a white-box model that reads only so many tokens."""


def engine_for(model: Classifier, *, cache_entries: int = 100_000, on_progress: OnProgress | None = None) -> Engine:
    """Return an engine over `model` that satisfies the protocols that `model` satisfies, no more and no less."""
    kind: type[Engine] = {
        (False, False): Engine,
        (False, True): TruncatingEngine,
        (True, False): DifferentiableEngine,
        (True, True): DifferentiableTruncatingEngine,
    }[isinstance(model, Differentiable), isinstance(model, Truncating)]
    return kind(model, cache_entries=cache_entries, on_progress=on_progress)
