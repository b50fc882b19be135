"""Lanes: one kind of question to one network each, computed batch by batch in canonical shapes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from workbench.errors import BadInput
from workbench.models.protocols import Classifier, FloatArray
from workbench.models.shapes import Shape, ShapeTable

if TYPE_CHECKING:
    import torch

_TEXTS = 256
"""Texts in one call of a model that makes its own batches."""

_ROUNDING, _EXACT = 1e-4, 1e-12
"""How far a row's sum may lie from 1: in a half-precision model, and in float64."""


class Batched(Classifier, Protocol):
    """A classifier whose batches somebody else makes. `models.hugging_face` has one."""

    table: ShapeTable

    def tokenise(self, inputs: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids that the network reads of each text."""
        ...

    def probabilities(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> FloatArray:
        """Return probabilities, (len(rows), n_labels), computed in exactly `shape`."""
        ...

    def fitted(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> Shape:
        """Return the shape to compute `rows` of `shape` in: that, or one of fewer rows that changes no bit."""
        ...

    def gradients(self, points: Sequence[Point], shape: Shape) -> list[Slope]:
        """Return logits and gradients at `points`, computed in exactly `shape`."""
        ...


class Point(NamedTuple):
    """Embeddings of one text, (length, width), its attention mask, (length,), and the logit to differentiate."""

    embedded: torch.Tensor
    mask: torch.Tensor
    target: int


class Slope(NamedTuple):
    """Logits, (n_labels,), and the target's gradient, (length, width)."""

    logits: torch.Tensor
    gradient: torch.Tensor


@dataclass
class Totals:
    """What one lane has sent through its network. Threads may add to it."""

    forwards: int = 0
    """Sequences computed."""
    tokens: int = 0
    """Their tokens, without padding; 0 for a model that makes its own batches."""
    padded: int = 0
    """Tokens computed in all: padding and dummies included."""
    batches: int = 0
    seconds: float = 0.0
    """Seconds inside the network, summed over the threads that compute."""
    lengths: Counter[int] = field(default_factory=Counter)
    """Tokens of a sequence -> sequences."""
    shapes: Counter[Shape] = field(default_factory=Counter)
    """Shape of a batch -> batches."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, sequences: int, seconds: float, lengths: Sequence[int] = (), shape: Shape | None = None) -> None:
        """Count one batch; `shape`: None for a model that makes its own."""
        with self._lock:
            self.forwards += sequences
            self.tokens += sum(lengths)
            self.batches += 1
            self.seconds += seconds
            self.lengths.update(lengths)
            if shape is not None:
                self.padded += shape.rows * shape.length
                self.shapes[shape] += 1

    def plus(self, *others: Totals) -> Totals:
        """Return the sum, which does not change any more."""
        found = Totals()
        for one in (self, *others):
            with one._lock:
                found.forwards += one.forwards
                found.tokens += one.tokens
                found.padded += one.padded
                found.batches += one.batches
                found.seconds += one.seconds
                found.lengths += one.lengths
                found.shapes += one.shapes
        return found


class Lane(Protocol):
    """What the dispatcher knows of a lane."""

    alone: bool
    """Whether only one batch of it may be computed at a time."""
    totals: Totals

    def shape(self, payload: Any) -> Hashable:
        """Return the shape that `payload` goes in."""
        ...

    def rows(self, shape: Hashable) -> int:
        """Return how many payloads one batch of `shape` holds."""
        ...

    def run(self, payloads: Sequence[Any]) -> Sequence[Any]:
        """Compute one batch: payloads of one shape, no more than its rows; answers in their order."""
        ...


class TextLane:
    """A model that makes its own batches: asked for many texts at once, one call at a time."""

    alone = True

    def __init__(self, model: Classifier) -> None:
        self.totals = Totals()
        self._model = model

    def shape(self, payload: str) -> Hashable:
        return None

    def rows(self, shape: Hashable) -> int:
        return _TEXTS

    def run(self, payloads: Sequence[str]) -> Sequence[FloatArray]:
        texts = sorted(payloads, key=lambda text: (len(text), text))  # the model sees the same, whoever asks first
        start = time.perf_counter()
        found = dict(zip(texts, checked(self._model, self._model.predict_proba(texts), len(texts)), strict=True))
        self.totals.add(len(texts), time.perf_counter() - start)
        return [found[text] for text in payloads]


class TokenLane:
    """Probabilities of token sequences, in canonical shapes."""

    alone = False

    def __init__(self, model: Batched) -> None:
        self.totals = Totals()
        self._model = model

    def shape(self, payload: tuple[int, ...]) -> Shape:
        return self._model.table.shape(len(payload))

    def rows(self, shape: Hashable) -> int:
        assert isinstance(shape, Shape)
        return shape.rows

    def run(self, payloads: Sequence[tuple[int, ...]]) -> Sequence[FloatArray]:
        start = time.perf_counter()
        shape = self._model.fitted(payloads, self.shape(payloads[0]))
        rows = self._model.probabilities(payloads, shape)
        lengths = [len(ids) for ids in payloads]
        self.totals.add(len(payloads), time.perf_counter() - start, lengths, shape)
        return list(checked(self._model, rows, len(payloads)))


class GradientLane:
    """Logits and gradients at points in embedding space, in canonical shapes."""

    alone = False

    def __init__(self, model: Batched) -> None:
        self.totals = Totals()
        self._model = model

    def shape(self, payload: Point) -> Shape:
        return self._model.table.shape(payload.embedded.shape[0])

    def rows(self, shape: Hashable) -> int:
        assert isinstance(shape, Shape)
        return shape.rows

    def run(self, payloads: Sequence[Point]) -> Sequence[Slope]:
        shape = self.shape(payloads[0])
        start = time.perf_counter()
        found = self._model.gradients(payloads, shape)
        lengths = [len(point.embedded) for point in payloads]
        self.totals.add(len(payloads), time.perf_counter() - start, lengths, shape)
        return found


def checked(model: Classifier, rows: FloatArray, n: int) -> FloatArray:
    """Return `rows` as distributions, (n, n_labels): anybody may write a classifier. Raises `BadInput`."""
    found = np.asarray(rows, dtype=np.float64)
    name = model.card.name
    if found.shape != (n, len(model.labels)):
        raise BadInput(f"model {name!r} answered {n} texts with shape {found.shape}; ({n}, {len(model.labels)}) is due")
    if not np.isfinite(found).all() or (found < 0).any():
        raise BadInput(f"model {name!r} gave probabilities that are negative or no numbers; mend its predict_proba")
    sums = found.sum(axis=1, keepdims=True)
    if (np.abs(sums - 1) > _ROUNDING).any():
        raise BadInput(
            f"model {name!r} gave probabilities that do not sum to 1 (found {float(sums.max()):.6g}); mend it"
        )
    # Sums within float64's own rounding stay as they are; float32's (1.0000001) would leave the unit interval.
    return np.where(np.abs(sums - 1) > _EXACT, found / sums, found)
