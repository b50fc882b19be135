"""What an explanation costs: seconds for one text alone, by each method."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.explanations.explain import explain, full_names, refusal
from workbench.audit.performance.cost import without_engine
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task, hashed
from workbench.errors import EmptyData, Unsupported
from workbench.evidence.exhibits import Note
from workbench.evidence.intervals import quantile_interval
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

_FEWEST = 6
"""Texts whose extremes hold the median with 95%."""


@probes.register("explanations.cost@1")
@dataclass(frozen=True)
class ExplanationCostProbe:
    """Explains a few texts, drawn by hash of id, one after another with each method, and looks at the clock."""

    methods: tuple[str, ...] = ("integrated_gradients@1", "occlusion@1", "input_x_gradient_l2@1", "saliency@1")
    examples: int = _FEWEST

    name: ClassVar[str] = "explanations.cost@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=_FEWEST)
        object.__setattr__(self, "methods", full_names(self.methods))

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the median seconds per text of each method that can explain this model."""
        texts = [one.input for one in sorted(corpus, key=lambda one: (hashed(one.id), one.id))]
        texts = list(dict.fromkeys(texts))[: self.examples]
        # Without the engine: it would fill a batch up for a single text's sake, and remember what others asked.
        bare = without_engine(model)
        found = [one for method in self.methods for one in self._of(bare, method, texts, setting)]
        measurements = tuple(one for one in found if isinstance(one, Measurement))
        notes = tuple(one for one in found if isinstance(one, Note))
        if not measurements:
            reason = notes[0].text if notes else "the corpus has no examples to explain"
            return NotApplicable(reason=reason)
        return Measured(measurements=measurements, exhibits=notes)

    def _of(
        self, model: Classifier, method: str, texts: Sequence[str], setting: Setting
    ) -> Iterator[Measurement | Note]:
        if reason := refusal(model, method):
            yield Note(text=f"seconds_median is not given for {method}: {reason}.")
            return
        seconds: list[float] = []
        seed = setting.streams.seed("explain", method)
        for position, text in enumerate([*texts[:1], *texts]):
            start = time.perf_counter()
            try:
                explain(model, text, method=method, seed=seed)
            except (EmptyData, Unsupported):
                continue
            if position:  # the first of each allocates and compiles
                seconds.append(time.perf_counter() - start)
        interval = quantile_interval(seconds, 0.5)
        if interval is None:
            few = f"{len(seconds)} texts that it explains are too few for an interval"
            yield Note(text=f"seconds_median is not given for {method}: {few}.")
            return
        yield Measurement(
            name="explanations.seconds_median",
            value=min(max(float(np.median(seconds)), interval.low), interval.high),
            unit="seconds",
            better="lower",
            n=len(seconds),
            interval=interval,
            where={"attributor": method},
        )
