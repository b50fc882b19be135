"""How good the decisions and the probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.performance.predictions import Predictions
from workbench.audit.performance.scores import Scores, Unknown
from workbench.audit.performance.sweep import threshold_sweep
from workbench.audit.probe import Setting, probes
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import REPLICATES
from workbench.evidence.exhibits import Case, Cases, Confusion, Exhibit, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier


@probes.register("performance.classification@1")
@dataclass(frozen=True)
class Classification:
    """Accuracy, F1, AUC and their kin, the confusion matrix, the most confident mistakes, a sweep of the threshold."""

    replicates: int = REPLICATES
    mistakes: int = 20
    """At most so many of the most confident mistakes are shown."""

    name: ClassVar[str] = "performance.classification@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the scores; what these data do not determine is left out and named in a note."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples; nothing can be scored")
        seen = Predictions.of(model, corpus, setting)
        scores = tuple(Scores(seen, setting.streams, self.name, self.replicates).all())
        return Measured(
            measurements=tuple(score for score in scores if isinstance(score, Measurement)),
            exhibits=(
                confusion(seen),
                *self._sweep(seen, setting),
                confident_mistakes(seen, corpus, at_most=self.mistakes),
                *_notes([score for score in scores if isinstance(score, Unknown)]),
            ),
        )

    def _sweep(self, seen: Predictions, setting: Setting) -> tuple[Exhibit, ...]:
        if not seen.binary:
            return ()
        rng = setting.streams.stream(self.name, "threshold_sweep")
        return threshold_sweep(seen, replicates=self.replicates, rng=rng)


def confusion(seen: Predictions) -> Confusion:
    """Return the counts of decided against true labels."""
    counts = np.zeros((len(seen.names), len(seen.names)), dtype=np.int64)
    np.add.at(counts, (seen.labels, seen.decisions), 1)
    assert counts.sum() == len(seen.labels)
    return Confusion(labels=seen.names, counts=tuple(tuple(row) for row in counts.tolist()))


def confident_mistakes(seen: Predictions, corpus: Corpus, *, at_most: int) -> Cases:
    """Return the wrong decisions with the highest probability of the decided label; equals in order of example id."""
    wrong = np.flatnonzero(~seen.right)
    confidence = seen.probabilities[wrong, seen.decisions[wrong]]
    shown = wrong[np.argsort(-confidence, kind="stable")][:at_most]
    return Cases(title="Most confident mistakes", total=len(wrong), cases=tuple(_case(seen, corpus, i) for i in shown))


def _case(seen: Predictions, corpus: Corpus, row: int) -> Case:
    example, decided = corpus[int(row)], int(seen.decisions[row])
    return Case(
        example=example.id,
        text=example.input,
        label=example.label,
        predicted=seen.names[decided],
        probability=float(np.clip(seen.probabilities[row, decided], 0, 1)),
        groups=dict(example.groups),
    )


def _notes(unknown: Sequence[Unknown]) -> tuple[Note, ...]:
    """Return one note per score and reason, naming every label that it concerns."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in unknown:
        reasons.setdefault((one.score, one.why), []).extend([one.of] if one.of else [])
    about = {key: f" for {', '.join(labels)}" if labels else "" for key, labels in reasons.items()}
    return tuple(Note(text=f"{score} is not given{about[score, why]}: {why}.") for score, why in reasons)
