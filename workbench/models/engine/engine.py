"""The classifier that probes, attacks and explainers see: it asks the real one as little, and as fully, as possible."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from workbench.data.corpus import Task
from workbench.errors import Misconfigured, Unsupported
from workbench.evidence.cards import ModelCard
from workbench.models.engine.dispatcher import Dispatcher
from workbench.models.engine.lanes import Batched, GradientLane, Lane, Point, TextLane, TokenLane, Totals
from workbench.models.engine.memory import Memory, key_of_ids, key_of_text
from workbench.models.engine.waiting import Ticket
from workbench.models.protocols import Classifier, Differentiable, Encoded, FloatArray, Truncating

if TYPE_CHECKING:
    import torch

_SLICE = 512
"""Texts of one request that are queued at once; two slices at most, so a long request fills batches and no memory."""

OnProgress = Callable[[int, int], None]
"""Called with (texts done, texts in all) while a long request is answered."""


class Counts(NamedTuple):
    """What one work item, or all of them, have asked."""

    queries: int
    """Texts asked about."""
    forwards: int
    """Texts that went to the model."""
    hits: int
    """Texts answered from memory, or by another text under way."""


class Core:
    """What all views of one model share: its lanes, its memory, its totals."""

    def __init__(self, model: Classifier, dispatcher: Dispatcher, entries: int) -> None:
        self.model, self.dispatcher = model, dispatcher
        self.batched: Batched | None = model if hasattr(model, "probabilities") else None  # type: ignore[assignment]
        # By text, so that it is not tokenised again, and by token ids, which texts may share.
        self.memory = Memory(entries if self.batched is None else 2 * entries)
        self.lane: Lane = TextLane(model) if self.batched is None else TokenLane(self.batched)
        self.slopes = None if self.batched is None else GradientLane(self.batched)
        self.queries = self.forwards = 0
        self.tokenising = 0.0
        """Seconds of processor time."""


class Engine:
    """A classifier over another one. Threads may share it; each work item should have a view of its own (`item`).

    Use `engine_for`, and close it.
    """

    def __init__(
        self, core: Core, twin: Core | None = None, owner: str = "", on_progress: OnProgress | None = None
    ) -> None:
        self._core, self._twin, self._owner = core, twin, owner
        self._queries = self._forwards = 0
        self.on_progress = on_progress

    @property
    def model(self) -> Classifier:
        """What is asked in the end; ask it directly to time it."""
        return self._core.model

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
    def tokenizer(self) -> Any:
        """The model's transformers tokenizer; None for a model without."""
        return getattr(self.model, "tokenizer", None)

    @property
    def search(self) -> Engine:
        """The same view of the bfloat16 twin, for searching; this engine itself where there is none."""
        if self._twin is None:
            return self
        return type(self)(self._twin, None, self._owner)

    @property
    def counts(self) -> Counts:
        """What was asked through this view; through the engine itself: in all, whoever asked."""
        if not self._owner:
            core = self._core
            return Counts(core.queries, core.forwards, core.queries - core.forwards)
        return Counts(self._queries, self._forwards, self._queries - self._forwards)

    @property
    def total_queries(self) -> int:
        """Texts and points asked about in all, of the model and its twin."""
        return self._core.queries + (0 if self._twin is None else self._twin.queries)

    @property
    def totals(self) -> Totals:
        """What went through the network."""
        core = self._core
        return core.lane.totals.plus(*(() if core.slopes is None else (core.slopes.totals,)))

    @property
    def slope_totals(self) -> Totals:
        """Of `totals`, what was followed by a backward pass to the embeddings."""
        return Totals() if self._core.slopes is None else self._core.slopes.totals.plus()

    @property
    def tokenising_seconds(self) -> float:
        """Processor seconds that texts took to become tokens, for the model and its twin."""
        return self._core.tokenising + (0.0 if self._twin is None else self._twin.tokenising)

    @property
    def busy_seconds(self) -> float:
        """Wall-clock seconds in which at least one batch, of this model or its twin, was being computed."""
        return self._core.dispatcher.busy_seconds

    @contextmanager
    def item(self, name: str) -> Iterator[Self]:
        """Return a view for the work item `name`, with counts of its own.

        While it is open, the engine expects it to ask. Two open items must not have the same name.
        """
        view = type(self)(self._core, self._twin, name or "item")
        self._core.dispatcher.enter(view._owner)
        try:
            yield view
        finally:
            self._core.dispatcher.leave(view._owner)

    def cancel(self, name: str) -> None:
        """End what the open item `name` waits for with `Cancelled`, and whatever it asks from now on."""
        self._core.dispatcher.cancel(name)

    def close(self) -> None:
        """End the threads; whoever still waits gets an error."""
        self._core.dispatcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, n_labels). The model is asked about each text that is not remembered, once.

        The answer for a text does not depend on the other texts, their order, or who else is asking.

        Raises whatever the model raises on the first text (by length, then content) that it cannot read; `Cancelled`;
        `OutOfRoom` where a batch does not fit into memory.
        """
        core = self._core
        self._queries += len(inputs)
        known: dict[str, FloatArray] = {}
        with core.dispatcher.lock:
            core.queries += len(inputs)
            for text in dict.fromkeys(inputs):
                if (answer := core.memory.get(key_of_text(text))) is not None:
                    known[text] = answer
        unknown = sorted(set(inputs) - known.keys(), key=lambda text: (len(text), text))
        under_way: deque[tuple[list[str], Ticket]] = deque()
        done = 0
        self._report(done, len(unknown))
        try:
            for start in range(0, len(unknown) + _SLICE, _SLICE):
                if texts := unknown[start : start + _SLICE]:
                    under_way.append((texts, self._submit(texts)))
                if len(under_way) == 2 or (not texts and under_way):
                    done += self._collect(*under_way.popleft(), known)
                    self._report(done, len(unknown))
        finally:
            for _, ticket in under_way:  # empty, unless something was raised
                core.dispatcher.give_up(ticket)
        return np.array([known[text] for text in inputs], dtype=np.float64).reshape(len(inputs), len(self.labels))

    def remember(self, inputs: Sequence[str], probabilities: FloatArray) -> None:
        """Take `probabilities`, (n, n_labels), as the answers for `inputs`, e.g. from an interrupted audit."""
        with self._core.dispatcher.lock:
            for text, row in zip(inputs, probabilities, strict=True):
                self._core.memory.put(key_of_text(text), row)

    def _submit(self, texts: Sequence[str]) -> Ticket:
        core = self._core
        if core.batched is None:
            payloads: Sequence[Any] = texts
            keys = [key_of_text(text) for text in texts]
        else:
            start = time.thread_time()
            payloads = core.batched.tokenise(texts)
            with core.dispatcher.lock:
                core.tokenising += time.thread_time() - start
            keys = [key_of_ids(ids) for ids in payloads]
        ticket, fresh = core.dispatcher.submit(self._owner, core.lane, payloads, keys, core.memory)
        self._forwards += fresh
        with core.dispatcher.lock:
            core.forwards += fresh
        return ticket

    def _collect(self, texts: Sequence[str], ticket: Ticket, known: dict[str, FloatArray]) -> int:
        answers = self._core.dispatcher.wait(ticket)
        known.update(zip(texts, answers, strict=True))
        with self._core.dispatcher.lock:
            for text, answer in zip(texts, answers, strict=True):
                self._core.memory.put(key_of_text(text), answer)
        return len(texts)

    def _report(self, done: int, total: int) -> None:
        if self.on_progress is not None and total:
            self.on_progress(done, total)


class TruncatingEngine(Engine):
    """An engine over a model that reads only so many tokens."""

    def truncated(self, inputs: Sequence[str]) -> int:
        model = self.model
        assert isinstance(model, Truncating)
        return model.truncated(inputs)


class DifferentiableEngine(Engine):
    """An engine over a white-box model: embeddings pass through, gradients are batched across whoever asks."""

    @property
    def _white(self) -> Differentiable:
        model = self.model
        assert isinstance(model, Differentiable)
        return model

    def encode(self, inputs: Sequence[str]) -> Encoded:
        return self._white.encode(inputs)

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self._white.embed(input_ids)

    @property
    def mask_id(self) -> int | None:
        """Id of the model's mask token; None for a model without."""
        return getattr(self._white, "mask_id", None)

    @property
    def normalises_embeddings(self) -> bool:
        """As the model's own; False for one that does not say."""
        return getattr(self._white, "normalises_embeddings", False)

    def attentions(self, encoded: Encoded) -> FloatArray:
        """As the model's own; `Unsupported` for one that tells no attention weights. Asked alone, not in batches."""
        inner = getattr(self._white, "attentions", None)
        if inner is None:
            raise Unsupported("this model does not tell its attention weights")
        self._queries += 1
        with self._core.dispatcher.lock:
            self._core.queries += 1
        found: FloatArray = inner(encoded)
        return found

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        return self._white.baseline_ids(encoded)

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self._white.logits_from(embedded, attention_mask)

    def logit_gradients(
        self, embedded: torch.Tensor, attention_mask: torch.Tensor, target: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Gradients.logit_gradients`. Points of many texts share batches; a model without shapes is asked alone."""
        import torch

        core = self._core
        getattr(core.model, "require_embeddings", lambda: None)()
        self._queries += len(embedded)
        with core.dispatcher.lock:
            core.queries += len(embedded)
        if core.slopes is None:
            return _locally(self._white, embedded, attention_mask, target)
        # A tensor made in inference mode could not take part in a gradient on another thread.
        points = [Point(one.detach().clone(), attention_mask, target) for one in embedded]
        ticket, fresh = core.dispatcher.submit(self._owner, core.slopes, points, [None] * len(points))
        self._forwards += fresh
        with core.dispatcher.lock:
            core.forwards += fresh
        found = core.dispatcher.wait(ticket)
        return torch.stack([slope.logits for slope in found]), torch.stack([slope.gradient for slope in found])


class DifferentiableTruncatingEngine(DifferentiableEngine, TruncatingEngine):
    """An engine over a white-box model that reads only so many tokens."""


def _locally(
    model: Differentiable, embedded: torch.Tensor, attention_mask: torch.Tensor, target: int
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    with torch.inference_mode(False), torch.enable_grad():
        points = embedded.detach().clone().requires_grad_()
        logits = model.logits_from(points, attention_mask.expand(len(points), -1))
        (gradient,) = torch.autograd.grad(logits[:, target].sum(), points)
    return logits.detach(), gradient


def engine_for(
    model: Classifier,
    *,
    precision: str = "float32",
    cache_entries: int = 100_000,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Engine:
    """Return an engine over `model` that satisfies the protocols that `model` satisfies, no more and no less.

    Args:
        model: what is asked in the end.
        precision: of `search`: 'bfloat16' makes a twin of a model that can be cast, 'float32' none.
        cache_entries: answers to remember (0: none), for each precision.
        threads: that compute; default: one a core where the model computes on the processor, else one.
        on_progress: told about long requests.

    Raises `Misconfigured`.
    """
    if cache_entries < 0:
        raise Misconfigured(f"cache_entries must not be negative; got {cache_entries}")
    if precision not in ("float32", "bfloat16"):
        raise Misconfigured(f"unknown precision {precision!r}; choose float32 or bfloat16")
    kind: type[Engine] = {
        (False, False): Engine,
        (False, True): TruncatingEngine,
        (True, False): DifferentiableEngine,
        (True, True): DifferentiableTruncatingEngine,
    }[isinstance(model, Differentiable), isinstance(model, Truncating)]
    dispatcher = _dispatcher(model, threads)
    cast = getattr(model, "cast", None) if precision == "bfloat16" else None
    twin = None if cast is None else Core(cast(precision), dispatcher, cache_entries)
    return kind(Core(model, dispatcher, cache_entries), twin, on_progress=on_progress)


def _dispatcher(model: Classifier, threads: int | None) -> Dispatcher:
    if not hasattr(model, "probabilities"):
        return Dispatcher(threads or 1)
    from workbench.models.engine.threads import lacks_memory, streams

    place = streams(str(getattr(model, "device", "cpu")), threads)
    return Dispatcher(place.threads, prepare=place.prepare, lacks_memory=lacks_memory)
