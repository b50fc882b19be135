"""Random scores: the floor. A method that does not beat it explains nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.by_word import require_words
from workbench.models.protocols import Classifier


@attributors.register("random@1")
@dataclass(frozen=True)
class Chance:
    """Draws the score of each word from the standard normal distribution; asks the model nothing."""

    seeded: ClassVar[bool] = True

    labelled: ClassVar[bool] = False

    def check(self, text: str) -> None:
        """Raise `EmptyData` for a text without words."""
        require_words(text)

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = require_words(text)
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=np.random.default_rng(seed).standard_normal(len(found)),
            output="nothing: scores are random",
            completeness_gap=None,
            baseline=None,
            passes=0,
        )
