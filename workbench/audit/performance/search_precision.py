"""How often the twin that searches run on decides otherwise than the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, searcher


@probes.register("performance.search_precision@1")
@dataclass(frozen=True)
class SearchPrecision:
    """Asks the model and its twin about the same texts, drawn by hash of id."""

    examples: int = 500

    name: ClassVar[str] = "performance.search_precision@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the share of texts decided otherwise. Not applicable where the model is searched as it is."""
        twin = searcher(model)
        if twin is model:
            return NotApplicable(reason="searches ran on the model itself, so nothing can disagree")
        drawn = corpus.sample(self.examples).canonical()
        positive = setting.positive(model.labels)
        exact, fast = (setting.decision.decide(one.predict_proba(drawn.inputs), positive) for one in (model, twin))
        people = People(drawn.people)
        interval = proportion_interval(exact != fast, people, rng=setting.streams.stream("interval", self.name))
        if interval is None:
            return NotApplicable(reason="the corpus has no examples to compare decisions on")
        differ = int((exact != fast).sum())
        return Measured(
            measurements=(
                Measurement(
                    name="performance.search_disagreement",
                    value=float((exact != fast).mean()),
                    unit="proportion",
                    better="lower",
                    n=people.size,
                    interval=interval,
                ),
            ),
            exhibits=(
                Note(
                    text=f"Attacks and explainers searched in bfloat16, which decides {differ} of {len(drawn)} texts "
                    "otherwise than float32. Predictions, scores and successes in this report are float32."
                ),
            ),
        )
