"""Is there anything to attack? Whether the list of members gives them away by itself, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.blind import from_texts
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import REPLICATES, People
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier


@probes.register("privacy.blind@1")
@dataclass(frozen=True)
class BlindBaseline:
    """Tells members by words, lengths and labels: cross-validated logistic regression that never asks the model."""

    examples: int = 20_000
    """At most so many of the list, sampled by hash of their id."""
    replicates: int = REPLICATES

    name: ClassVar[str] = "privacy.blind@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, replicates=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the baseline's AUC. Not applicable without a list, or with too few people on a side."""
        if isinstance(setting.members, NotApplicable):
            return setting.members
        held = setting.members.sample(self.examples)
        pool = held.pool
        found = from_texts(
            pool.inputs,
            pool.label_ids,
            held.member,
            People(pool.people),
            streams=setting.streams,
            replicates=self.replicates,
        )
        if isinstance(found, Unknown):
            return NotApplicable(reason=f"{found.score}: {found.why}; list more people")
        measured = Measurement(
            name="privacy.blind_auc",
            value=found.auc.value,
            unit="score",
            better="lower",
            n=found.auc.n,
            interval=found.auc.interval,
        )
        return Measured(measurements=(measured,), exhibits=(Note(text=_said(leaks=found.leaks, drawn=held.drawn)),))


def _said(*, leaks: bool, drawn: bool) -> str:
    if not leaks:
        return (
            "Blind baseline: texts and labels alone do not tell who was learned from, as far as a linear model sees. "
            "What attacks on the model find comes from the model."
        )
    if drawn:
        return (
            "Blind baseline: texts and labels alone tell who was learned from, though fair coins decided it. That "
            "happens by chance in one list of forty; of attacks on the model believe only what goes beyond it."
        )
    return (
        "Blind baseline: texts and labels alone tell who was learned from. The list itself leaks: the two sides differ "
        "by date, source or kind, and attacks on the model measure that difference, not what the model gives away. "
        "Draw both sides from the same data at random."
    )
