"""Occlusion: leave out one word at a time and see how much less probable the label becomes.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2; for words: Li, Monroe and
Jurafsky 2016, "Understanding Neural Networks through Representation Erasure".
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.by_word import require_words
from workbench.models.protocols import Classifier


@attributors.register("occlusion@1")
@dataclass(frozen=True)
class Occlusion:
    """Scores a word with p(text) - p(text without it), the words around it left as they are.

    Always in float32: one question for each word is soon answered.
    """

    def check(self, text: str) -> None:
        """Raise `EmptyData` for a text without words."""
        require_words(text)

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per word in probability; a word that the model does not read scores 0."""
        found = require_words(text)
        variants = [text, *(text[: word.start] + text[word.stop :] for word in found)]
        probabilities = model.predict_proba(variants)[:, target]
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=probabilities[0] - probabilities[1:],
            output="probability",
            completeness_gap=None,
            baseline="the text without the word",
            passes=len(variants),
        )
