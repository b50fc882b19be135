"""Kernel SHAP (Lundberg and Lee 2017): Shapley values of the words of a short text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.adapters.shap import kernel
from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.by_word import require_words
from workbench.audit.explanations.checked import Counted
from workbench.errors import Unsupported
from workbench.models.protocols import Classifier
from workbench.text.words import Word


@attributors.register("shap_kernel@1")
@dataclass(frozen=True)
class ShapKernel:
    """Shares out p(text) - p(text with every word masked) by Shapley's value, with SHAP's kernel explainer.

    Exact up to 11 words, where it asks about every subset of them.
    """

    seeded: ClassVar[bool] = True

    samples: int = 2048
    """Subsets asked about at most."""
    most_words: int = 30
    """Longer texts are refused: so few subsets of so many words say little. SHAP's partition explainer takes them."""

    def check(self, text: str) -> None:
        """Raise `EmptyData` for a text without words, `Unsupported` for one of more than `most_words`."""
        self._words(text)

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per word in probability. Raises `Unsupported` for a text of more than `most_words` words."""
        found = self._words(text)
        mask = getattr(getattr(model, "tokenizer", None), "mask_token", None) or "..."
        ask = Counted(model.predict_proba)
        spans = tuple((word.start, word.stop) for word in found)
        values = kernel(ask, text, target, spans=spans, mask=mask, samples=self.samples, seed=seed)
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=spans,
            scores=values.scores,
            output="probability",
            completeness_gap=values.gap,
            baseline=f"{mask!r} in place of every word",
            passes=ask.asked,
        )

    def _words(self, text: str) -> tuple[Word, ...]:
        found = require_words(text)
        if len(found) > self.most_words:
            raise Unsupported(
                f"kernel SHAP is for texts of at most {self.most_words} words, and this one has {len(found)}; "
                "use shap_partition"
            )
        return found
