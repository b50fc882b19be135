"""What privacy cost in utility: the private model beside a twin that was trained without it, on the same examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.errors import BadInput
from workbench.evidence.bootstrap import REPLICATES
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.paired import paired_interval, paired_score_interval
from workbench.evidence.record import Measured, NotApplicable
from workbench.evidence.weighted import roc_auc
from workbench.models.checkpoint import digest_of
from workbench.models.protocols import Classifier


@probes.register("privacy.utility_cost@1")
@dataclass(frozen=True)
class UtilityCost:
    """Accuracy and ROC-AUC of a twin without privacy, less the model's own, paired over the same examples."""

    twin: str = ""
    """Folder of the twin."""
    replicates: int = REPLICATES

    name: ClassVar[str] = "privacy.utility_cost@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, replicates=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the differences. Not applicable to a model without a claim, or without a twin.

        Raises `BadInput` for a twin with other labels, or one that was trained privately itself.
        """
        if setting.training is None or setting.training.privacy is None:
            return NotApplicable(reason="the model claims no privacy, so there is no cost of it")
        if not self.twin:
            return NotApplicable(
                reason="no twin trained without privacy was named; train one from the same recipe without its table "
                "[privacy], and name its folder with --twin"
            )
        other = _twin(self.twin, model)
        private, plain = (Predictions.of(one, corpus, setting) for one in (model, other))
        note = Note(
            text=f"The cost of privacy is the difference to {other.card.name}, trained without privacy "
            f"(sha256 {other.card.digest[:12]}…), on the same {len(corpus):,} examples. The twin itself protects "
            "nobody: publishing it, too, undoes the guarantee for whoever both learned from."
        )
        return Measured(measurements=tuple(self._costs(private, plain, setting)), exhibits=(note,))

    def uses(self) -> Mapping[str, str]:
        """Return the twin's digest: other weights in its folder, another result."""
        digest = digest_of(self.twin) if self.twin else None
        return {} if digest is None else {"twin": digest}

    def _costs(self, private: Predictions, plain: Predictions, setting: Setting) -> Iterator[Measurement]:
        before, after = (one.right.astype(np.float64) for one in (private, plain))
        people = private.people
        rng = setting.streams.stream("privacy", self.name, "accuracy")
        interval = paired_interval(before, after, people, rng=rng)
        if interval is not None:
            yield self._stated("accuracy_cost", float((after - before).mean()), people.size, interval)
        if not private.binary or len(set(private.labels.tolist())) < 2:
            return
        truth = private.labels == private.positive
        first, second = (roc_auc(one.probabilities[:, one.positive], truth) for one in (private, plain))
        interval = paired_score_interval(
            first,
            second,
            truth.astype(np.int64),
            people,
            rng=setting.streams.stream("privacy", self.name, "roc_auc"),
            replicates=self.replicates,
        )
        once = np.ones((1, len(truth)))
        if interval is not None:
            yield self._stated("auc_cost", float(second(once)[0] - first(once)[0]), people.size, interval)

    @staticmethod
    def _stated(metric: str, value: float, n: int, interval: Interval) -> Measurement:
        return Measurement(name=f"privacy.{metric}", value=value, unit="score", better="lower", n=n, interval=interval)


def _twin(folder: str, model: Classifier) -> Classifier:
    from workbench.models.hugging_face import load_checkpoint
    from workbench.models.training_card import read_training_card

    found = load_checkpoint(folder, device=getattr(model, "device", "cpu"))
    card = read_training_card(found.folder)
    if card is not None and card.privacy is not None:
        raise BadInput(f"--twin: {found.card.name} was trained with privacy itself; name one that was not")
    if found.labels != model.labels:
        raise BadInput(f"--twin: {found.card.name} has the labels {list(found.labels)}, not {list(model.labels)}")
    return found
