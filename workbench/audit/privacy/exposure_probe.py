"""What the model memorised of made-up texts: the exposure of the canaries that its training planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.attacks import log_probabilities
from workbench.audit.privacy.exposure import MeanExposure, mean_exposure
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import REPLICATES
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier
from workbench.text.canaries import canary

NO_CANARIES = NotApplicable(
    reason="no made-up texts were planted in training (no text_canaries.json beside the weights); to have some, train "
    "with canaries in the recipe (workbench train --canaries 200)"
)


@probes.register("privacy.exposure@1")
@dataclass(frozen=True)
class Exposure:
    """Ranks each canary's probability of its label among that of texts that might have been planted in its place."""

    candidates: int = 1_000
    """Texts that each canary is ranked among, itself included; its exposure is at most their binary logarithm."""
    replicates: int = REPLICATES

    name: ClassVar[str] = "privacy.exposure@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, candidates=2, replicates=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the mean exposure in bits, and that of the canaries that were left out. Not applicable without."""
        held = setting.text_canaries
        if held is None:
            return NO_CANARIES
        rng = setting.streams.stream("privacy", self.name, "candidates")
        others = [canary(rng) for _ in range(self.candidates - 1)]
        names = corpus.labels
        columns = np.array([names.index(label) for label in held.labels])
        own = log_probabilities(model.predict_proba(held.texts))[np.arange(len(columns)), columns]
        ranked = log_probabilities(model.predict_proba(others))[:, columns].T
        included = np.array(held.included, dtype=np.bool_)
        found = self._mean(own[included], ranked[included], setting, "planted")
        if isinstance(found, Unknown):
            return NotApplicable(reason=f"{found.score}: {found.why}; plant more")
        control = self._mean(own[~included], ranked[~included], setting, "left out")
        return Measured(
            measurements=(
                Measurement(
                    name="privacy.canary_exposure",
                    value=found.mean.value,
                    unit="bits",
                    better="lower",
                    n=found.mean.n,
                    interval=found.mean.interval,
                ),
            ),
            exhibits=(Note(text=_said(found, control, self.candidates)),),
        )

    def _mean(self, own: Any, ranked: Any, setting: Setting, side: str) -> MeanExposure | Unknown:
        if not len(own):
            return Unknown("canary exposure", f"no canary was {side}")
        rng = setting.streams.stream("privacy", self.name, side)
        return mean_exposure(own, ranked, rng=rng, replicates=self.replicates)


def _said(found: MeanExposure, control: MeanExposure | Unknown, candidates: int) -> str:
    low, high = found.mean.interval.low, found.mean.interval.high
    memorised = (
        "the model has memorised texts that it saw"
        if low > found.expected
        else "nothing shows that the model memorised them"
    )
    left = (
        ""
        if isinstance(control, Unknown)
        else f" Those left out, which it never saw: {control.mean.value:.2f} ({control.mean.interval.low:.2f} to "
        f"{control.mean.interval.high:.2f}, n = {control.mean.n})."
    )
    return (
        f"Canary exposure (Carlini et al. 2019): {found.mean.n} made-up texts with labels dealt at random were among "
        f"the training examples. Ranked among {candidates:,} that might have been, their mean exposure is "
        f"{found.mean.value:.2f} bits ({low:.2f} to {high:.2f}), where a text that was never seen has "
        f"{found.expected:.2f} and the most that can be shown is {found.ceiling:.2f}: {memorised}.{left}"
    )
