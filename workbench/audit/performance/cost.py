"""What a prediction costs: size, time, memory, on the machine of the audit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, ClassVar

import numpy as np

from workbench.audit.performance.memory import peak_memory
from workbench.audit.probe import Setting, probes
from workbench.data.corpus import Corpus, Task, hashed
from workbench.evidence.exhibits import Note
from workbench.evidence.intervals import quantile_interval
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray, Servable

Ask = Callable[[Sequence[str]], FloatArray]


@probes.register("performance.cost@1")
@dataclass(frozen=True)
class Cost:
    """Parameters, bytes, latency of single texts, throughput of batches, peak memory."""

    calls: int = 100
    """Timed single predictions."""
    warm_up: int = 5
    """Untimed predictions before them: the first ones allocate and compile."""
    batches: int = 10
    """Timed batches."""
    batch_size: int = 32
    repeats: int = 6
    """Memory measurements: six is the fewest whose extremes hold the median with 95%."""

    name: ClassVar[str] = "performance.cost@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True
    grows: ClassVar[bool] = False

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return size, times and memory over real inputs, chosen by hash of their id.

        Without the engine, whose cache and padding are the audit's own: as a service would ask the model.
        """
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples; nothing can be timed")
        bare = without_engine(model)
        ask = bare.serve if isinstance(bare, Servable) else bare.predict_proba
        wanted = max(self.calls, self.batches * self.batch_size)
        chosen = sorted(corpus.examples, key=lambda example: (hashed(example.id), example.id))
        texts = list(dict.fromkeys(example.input for example in chosen))  # a model answers a duplicate for free
        distinct, texts = len(texts), texts[:wanted]
        ask(texts[: self.batch_size])
        for text in islice(cycle(texts), self.warm_up):
            ask([text])
        found = [
            *self._size(bare),
            *self._latency(ask, texts),
            self._throughput(ask, texts),
            *self._memory(ask, texts),
        ]
        if distinct < wanted:
            found.append(Note(text=f"{distinct} distinct texts were timed, over and over: the data hold no more."))
        return Measured(
            measurements=tuple(x for x in found if isinstance(x, Measurement)),
            exhibits=tuple(x for x in found if isinstance(x, Note)),
        )

    def _size(self, model: Classifier) -> Iterator[Measurement]:
        card = model.card
        yield _measurement("parameters", card.parameters, "count", 1, None)
        yield _measurement("bytes", card.bytes, "bytes", 1, None)

    def _latency(self, ask: Ask, texts: Sequence[str]) -> Iterator[Measurement | Note]:
        seconds = [_timed(ask, [text]) for text in islice(cycle(texts), self.calls)]
        for name, q in (("latency_p50", 0.5), ("latency_p95", 0.95)):
            yield _quantile(name, seconds, q, "seconds", "timed calls")

    def _throughput(self, ask: Ask, texts: Sequence[str]) -> Measurement | Note:
        size, stream = min(self.batch_size, len(texts)), cycle(texts)
        rates = [size / _timed(ask, list(islice(stream, size))) for _ in range(self.batches)]
        return _quantile("throughput", rates, 0.5, "examples/second", f"timed batches of {size}", better="higher")

    def _memory(self, ask: Ask, texts: Sequence[str]) -> Iterator[Measurement | Note]:
        batch = texts[: self.batch_size]
        peaks = [peak_memory(lambda: ask(batch)) for _ in range(self.repeats)]
        yield _quantile("peak_memory", [float(peak.bytes) for peak in peaks], 0.5, "bytes", "repeats")
        since = "during prediction" if all(peak.since_reset for peak in peaks) else "since the process started"
        yield Note(
            text=f"Peak memory is the whole process's resident memory {since}, batches of {len(batch)}: interpreter, "
            f"libraries, weights and the audit's own data included; memory on an accelerator is not."
        )


def without_engine(model: Classifier) -> Classifier:
    """Return the model behind an inference engine, which would answer from its memory; any other model as it is."""
    inner = getattr(model, "model", None)
    return inner if isinstance(inner, Classifier) else model


def _timed(ask: Ask, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    ask(texts)
    return time.perf_counter() - start


def _quantile(
    name: str, values: Sequence[float], q: float, unit: str, what: str, *, better: Better = "lower"
) -> Measurement | Note:
    interval = quantile_interval(values, q)
    if interval is None:
        return Note(text=f"{name} is not given: {len(values)} {what} are too few for a 95% interval.")
    low, high = interval.low, interval.high
    value = min(max(float(np.quantile(values, q)), low), high)
    return _measurement(name, value, unit, len(values), interval, better=better)


def _measurement(
    name: str, value: float, unit: str, n: int, interval: Interval | None, *, better: Better = "lower"
) -> Measurement:
    return Measurement(name=f"cost.{name}", value=float(value), unit=unit, better=better, n=n, interval=interval)
