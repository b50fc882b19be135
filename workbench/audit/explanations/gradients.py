"""One-gradient methods at the input embeddings, computed by Captum: saliency, input x gradient, gradient SHAP.

Input x gradient is refused where it cannot tell words from places. BERT and its kin normalise the sum of the vectors of
word, position and type before they read it, so that sum has no product with its gradient, and a word's product is minus
that of its position and type (`workbench.models.embeddings.normalises`). On a model that a planted word decides
(`tests/end_to_end/test_shortcut.py`) it passes the sanity check, is not shown to be better than random words, and ranks
the planted word first in fewer than half of the texts that hold it; the length of the same products does in nearly all.
Bastings et al. 2022, "Will You Find These Shortcuts?", found the same for BERT: take the length, not the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from workbench.adapters.captum_gradients import (
    Sloped,
    gradient_shap,
    input_x_gradient,
    input_x_gradient_length,
    saliency,
)
from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.errors import EmptyData, Unsupported
from workbench.models.baselines import DESCRIBED, Baseline
from workbench.models.protocols import Classifier, Differentiable, Encoded

_REFUSED = (
    "input x gradient cannot speak of words here: this network normalises each token's embedding before reading it, so "
    "by arithmetic a word's score would be minus that of its position and type (0 where there are none); use "
    "input_x_gradient_l2 or integrated_gradients"
)


@attributors.register("saliency@1")
@dataclass(frozen=True)
class Saliency:
    """The length of a token's gradient (Simonyan et al. 2014): how sensitive the logit is there, without a sign."""

    embedded: ClassVar[bool] = True
    signed: ClassVar[bool] = False

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score of at least 0 per token, special ones included."""
        return _attribution(
            model, text, lambda white, encoded: saliency(white, encoded, target), "logit per unit of embedding", None
        )


@attributors.register("input_x_gradient@1")
@dataclass(frozen=True)
class InputXGradient:
    """A token's embedding times its gradient (Shrikumar et al. 2016): exact where the logit is linear."""

    embedded: ClassVar[bool] = True
    careful: ClassVar[bool] = True
    """Refuse networks that normalise embeddings. False only to measure what is refused."""

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per token in logits, special ones included. Also raises `Unsupported` as this module says."""
        if self.careful and getattr(model, "normalises_embeddings", False):
            raise Unsupported(_REFUSED)
        return _attribution(
            model,
            text,
            lambda white, encoded: input_x_gradient(white, encoded, target),
            "logit",
            "an embedding of zeros in place of every token, special ones too",
        )


@attributors.register("input_x_gradient_l2@1")
@dataclass(frozen=True)
class InputXGradientLength:
    """The length of a token's embedding times its gradient (Bastings et al. 2022): how much it matters, unsigned."""

    embedded: ClassVar[bool] = True
    signed: ClassVar[bool] = False

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score of at least 0 per token in logits, special ones included."""
        return _attribution(
            model,
            text,
            lambda white, encoded: input_x_gradient_length(white, encoded, target),
            "logit",
            "an embedding of zeros in place of every token, special ones too",
        )


@attributors.register("gradient_shap@1")
@dataclass(frozen=True)
class GradientShap:
    """Expected gradients (Lundberg and Lee 2017; Erion et al. 2021): random points on the paths from the baselines.

    Captum's sampler, with no noise on the text. It is integrated gradients by chance: the gap that remains is the
    price of few samples.
    """

    embedded: ClassVar[bool] = True
    seeded: ClassVar[bool] = True

    samples: int = 100
    baselines: tuple[Baseline, ...] = ("padding", "zero")

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a score per token in logits; special tokens, being the same in all baselines, score 0."""
        return _attribution(
            model,
            text,
            lambda white, encoded: gradient_shap(
                white, encoded, target, baselines=self.baselines, samples=self.samples, seed=seed
            ),
            "logit",
            "; or ".join(DESCRIBED[kind] for kind in self.baselines),
        )


def _attribution(
    model: Classifier,
    text: str,
    compute: Callable[[Differentiable, Encoded], Sloped],
    output: str,
    baseline: str | None,
) -> Attribution:
    white, encoded = readable(model, text)
    found = compute(white, encoded)
    return Attribution(
        tokens=encoded.tokens[0],
        spans=encoded.spans[0],
        scores=found.scores,
        output=output,
        completeness_gap=found.gap,
        baseline=baseline,
        passes=found.passes,
    )


def readable(model: Classifier, text: str) -> tuple[Differentiable, Encoded]:
    """Return a white-box `model` and `text` as it reads it.

    Raises `Unsupported` for a model without gradients, `EmptyData` for a text of which it reads no token.
    """
    if not isinstance(model, Differentiable):
        raise Unsupported("this method needs the model's gradients, which this model does not offer")
    encoded = model.encode([text])
    if bool(encoded.special.all()):
        raise EmptyData(f"nothing to explain: the model reads no token in {text[:40]!r}")
    return model, encoded
