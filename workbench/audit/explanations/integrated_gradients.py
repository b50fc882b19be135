"""Integrated gradients over input embeddings (Sundararajan et al. 2017), computed by Captum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.adapters.captum import integrate
from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.gradients import readable
from workbench.models.baselines import DESCRIBED, Baseline
from workbench.models.protocols import Classifier


@attributors.register("integrated_gradients@1")
@dataclass(frozen=True)
class IntegratedGradients:
    """Shares out logit(text) - logit(baseline), where the baseline has padding in place of every ordinary token."""

    embedded: ClassVar[bool] = True

    baseline: Baseline = "padding"
    """Special tokens are kept in each. 'mask' and 'zero' are methods of their own, below."""
    steps: int = 13
    """Points on the path to begin with, both ends among them."""
    max_steps: int = 193
    """Points to give up at (13, 25, 49, 97, 193): the gap that then remains is reported. If it equals `steps`, Captum's
    own rule, Gauss-Legendre, takes exactly that many."""
    batch: int = 16
    """Points per pass where the model does not batch by itself: bounds memory at 16 sequences of its length."""

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per token in logits; special tokens, being the same in the baseline, score 0."""
        white, encoded = readable(model, text)
        found = integrate(
            white,
            encoded,
            target,
            gap_bound=gap_bound,
            steps=self.steps,
            max_steps=self.max_steps,
            batch=self.batch,
            baseline=self.baseline,
        )
        return Attribution(
            tokens=encoded.tokens[0],
            spans=encoded.spans[0],
            scores=found.scores,
            output="logit",
            completeness_gap=found.gap,
            baseline=DESCRIBED[self.baseline],
            passes=found.passes,
        )


@attributors.register("integrated_gradients_mask@1")
@dataclass(frozen=True)
class IntegratedGradientsFromMask(IntegratedGradients):
    """The same, from a text of mask tokens: what the model expects where it knows no word."""

    baseline: Baseline = "mask"


@attributors.register("integrated_gradients_zero@1")
@dataclass(frozen=True)
class IntegratedGradientsFromZero(IntegratedGradients):
    """The same, from embeddings of zeros, which the model never saw."""

    baseline: Baseline = "zero"
