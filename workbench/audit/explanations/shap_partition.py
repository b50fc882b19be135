"""SHAP's partition explainer (Lundberg and Lee 2017): Owen values of tokens in nested groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.adapters.shap import partition
from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.checked import Counted
from workbench.models.protocols import Classifier

IN_FLOAT32 = (
    "SHAP's values are always computed in float32: no check that is cheaper than that was found to tell on which texts "
    "bfloat16 changes them"
)


@attributors.register("shap_partition@1")
@dataclass(frozen=True)
class ShapPartition:
    """Shares out p(text) - p(text with every token masked), as `shap.Explainer` does for a transformers pipeline.

    Always in float32, also where the model has a faster twin, because no cheap check finds the texts on which the twin
    misleads. Measured with a fine-tuned six-layer BERT and its bfloat16 copy on 12 reviews of 31 to 136 tokens: 2 of 12
    attributions differ in their five largest scores (near ties; correlations are 0.994 and more). A check by runs of
    40, 60, 80, 100 or 150 evaluations on both passes 8 to 10 of the 12, among them at each setting 1 or 2 that differ.
    With a lead of the fifth score over the sixth of at least the root mean square difference of answers none does, but
    only 5 or 6 pass, and that costs 1.2 times float32 alone: the copy takes 0.58 of its time on one CPU thread.
    """

    seeded: ClassVar[bool] = True

    max_evals: int = 500
    """Masked texts, SHAP's default."""

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per token that the model reads, in probability.

        Tokens are those of the model's own tokenizer where it shows one, else words. The gap is not narrowed to
        `gap_bound`: it is rounding, or text that SHAP leaves out.
        """
        tokenizer = getattr(model, "tokenizer", None)
        ask = Counted(model.predict_proba)
        found = partition(
            ask,
            text,
            target,
            tokenizer=tokenizer,
            max_length=model.card.max_length,
            max_evals=self.max_evals,
            seed=seed,
        )
        return Attribution(
            tokens=found.tokens,
            spans=found.spans,
            scores=found.scores,
            output="probability",
            completeness_gap=found.gap,
            baseline=f"{found.mask!r} in place of every token",
            passes=ask.asked,
        )
