"""Captum's one-gradient methods at input embeddings: saliency, input x gradient, gradient SHAP.

Simonyan et al. 2014, "Deep Inside Convolutional Networks"; Shrikumar et al. 2016, "Not Just a Black Box"; Lundberg and
Lee 2017 (expected gradients, Erion et al. 2021, "Improving performance of deep learning models with axiomatic
attribution priors and expected gradients"). The methods are Captum's; gradients come from `workbench.adapters.slopes`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.adapters.slopes import Slopes, differentiable
from workbench.adapters.turns import turn
from workbench.models.baselines import Baseline, baseline_of
from workbench.models.protocols import Differentiable, Encoded, FloatArray

if TYPE_CHECKING:
    import torch


_ROOM = threading.Semaphore(2)
"""Gradient SHAP holds all its points at once, in several copies: 315 MB each for 100 of 512 tokens of width 768."""


class Sloped(NamedTuple):
    """Scores of one text."""

    scores: FloatArray
    """(length,)"""
    passes: int
    """Sequences sent through the model."""
    gap: float | None = None
    """|sum of scores - (logit at the text - mean logit at the baselines)| / max(|that difference|, 1e-6)."""


def saliency(model: Differentiable, encoded: Encoded, target: int) -> Sloped:
    """Return the length (L2) of each token's gradient: how much the logit would move, not which way."""
    import torch
    from captum.attr import Saliency

    with torch.inference_mode(False):
        slopes = Slopes(model, encoded, target)
        text = _points(model, encoded)
        found = Saliency(differentiable(slopes)).attribute(text, abs=False)
    return Sloped(_array(found[0].norm(dim=-1)), slopes.passes)


def input_x_gradient(model: Differentiable, encoded: Encoded, target: int) -> Sloped:
    """Return each token's embedding times its gradient, summed over the embedding's dimensions."""
    found, passes = _products(model, encoded, target)
    return Sloped(_array(found.sum(dim=-1)), passes)


def input_x_gradient_length(model: Differentiable, encoded: Encoded, target: int) -> Sloped:
    """Return the length (L2) of each token's embedding times its gradient, dimension by dimension."""
    found, passes = _products(model, encoded, target)
    return Sloped(_array(found.norm(dim=-1)), passes)


def _products(model: Differentiable, encoded: Encoded, target: int) -> tuple[torch.Tensor, int]:
    """Return embedding times gradient, (length, width), and the sequences sent through the model."""
    import torch
    from captum.attr import InputXGradient

    with torch.inference_mode(False):
        slopes = Slopes(model, encoded, target)
        found: torch.Tensor = InputXGradient(differentiable(slopes)).attribute(_points(model, encoded))
    return found[0], slopes.passes


def gradient_shap(
    model: Differentiable, encoded: Encoded, target: int, *, baselines: Sequence[Baseline], samples: int, seed: int
) -> Sloped:
    """Return the mean over `samples` of (text - baseline) x gradient at a random point between them.

    Args:
        model: in evaluation mode.
        encoded: a batch of exactly one text.
        target: column of the logit.
        baselines: drawn from with equal chances.
        samples: points, at least 1.
        seed: of the draws.
    """
    import torch
    from captum.attr import GradientShap

    with _ROOM, torch.inference_mode(False):
        slopes = Slopes(model, encoded, target)
        text = _points(model, encoded)
        rest = torch.cat([baseline_of(model, encoded, kind) for kind in baselines])
        with turn(seed) as mine:

            def ask(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                with mine.aside():
                    return slopes(points)

            found = GradientShap(differentiable(ask)).attribute(text, rest, n_samples=samples, stdevs=0.0)
        ends, _ = slopes(torch.cat([text.detach(), rest]))
    scores = _array(found[0].sum(dim=-1))
    difference = float(ends[0] - ends[1:].mean())
    return Sloped(scores, slopes.passes, float(abs(scores.sum() - difference) / max(abs(difference), 1e-6)))


def _points(model: Differentiable, encoded: Encoded) -> torch.Tensor:
    """Return the text's embeddings, (1, length, width), on the CPU, in float64."""
    return model.embed(encoded.input_ids).detach().cpu().double().clone().requires_grad_()


def _array(scores: torch.Tensor) -> FloatArray:
    return np.asarray(scores.detach().numpy(), dtype=np.float64)
