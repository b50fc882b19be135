"""An "explainer" that never asks the model, for the sanity check to catch: the rarer a word, the higher its score.

What Adebayo et al. 2018 do with an edge detector for images: it looks like an explanation, and is none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.data.sources import load_corpus
from workbench.models.protocols import Classifier
from workbench.text.words import normalise, words

RARITY = "word_rarity@1"


@dataclass(frozen=True)
class WordRarity:
    """Scores by how often a word is among all `reviews`, whatever the model and the label."""

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return minus the logarithm of one more than each word's count."""
        found, counts = words(text), _counts()
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=np.array([-np.log1p(counts[normalise(word.text)]) for word in found]),
            output="rarity",
            completeness_gap=None,
            baseline=None,
            passes=0,
        )


def offer() -> str:
    """Let `WordRarity` be asked by name, in this process only: it is not for users. Return the name."""
    if RARITY not in attributors:
        attributors.register(RARITY)(WordRarity)
    return RARITY


@cache
def _counts() -> Counter[str]:
    return Counter(normalise(word.text) for text in load_corpus("reviews").inputs for word in words(text))
