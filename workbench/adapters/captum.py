"""Captum: integrated gradients over input embeddings, with the error that it made.

Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", eq. 1 and Proposition 1 (completeness).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.models.protocols import Differentiable, Encoded, FloatArray

if TYPE_CHECKING:
    import torch


class Integral(NamedTuple):
    """Integrated gradients of one text."""

    scores: FloatArray
    """(length,): each token's share of `difference`, in logits, summed over the embedding's dimensions."""
    difference: float
    """Logit at the text minus logit at the baseline: what the scores should add up to."""
    gap: float
    """|sum of scores - difference| / max(|difference|, 1e-6)."""
    steps: int
    """Points on the path from baseline to text in the final quadrature."""
    passes: int
    """Sequences sent through the model in all."""


def integrate(
    model: Differentiable, encoded: Encoded, target: int, *, gap_bound: float, steps: int, max_steps: int, batch: int
) -> Integral:
    """Return the integrated gradients of the logit `target` along the straight path from the baseline to one text.

    The path runs in embedding space from `model.baseline_ids` to the text's own ids, under the text's attention mask.
    The integral is computed by Gauss-Legendre quadrature (Captum's default) with `steps` points, doubled until the gap
    is at most `gap_bound` or `max_steps` is reached; the last result is returned with the gap that remained. Nothing of
    the model changes: gradients are taken with respect to the embeddings only and accumulate nowhere.

    Args:
        model: in evaluation mode.
        encoded: a batch of exactly one text.
        target: column of the logit.
        gap_bound: relative completeness gap to reach, > 0.
        steps: points to begin with.
        max_steps: points to end with at most.
        batch: points per forward and backward pass.
    """
    import torch
    from captum.attr import IntegratedGradients

    assert encoded.input_ids.shape[0] == 1
    passes = 0

    def logits(embedded: torch.Tensor) -> torch.Tensor:
        nonlocal passes
        passes += embedded.shape[0]
        return model.logits_from(embedded, encoded.attention_mask.expand(embedded.shape[0], -1))

    with torch.inference_mode(False), torch.no_grad():
        text = model.embed(encoded.input_ids).detach()
        baseline = model.embed(model.baseline_ids(encoded)).detach()
        ends = logits(torch.cat([text, baseline]))[:, target].double()
        difference = float(ends[0] - ends[1])
        engine = IntegratedGradients(logits)
        while True:
            attributed = engine.attribute(text, baseline, target=target, n_steps=steps, internal_batch_size=batch)
            scores: FloatArray = attributed.detach()[0].double().sum(dim=-1).cpu().numpy()
            gap = float(abs(scores.sum() - difference) / max(abs(difference), 1e-6))
            if gap <= gap_bound or steps >= max_steps:
                break
            steps = min(2 * steps, max_steps)
    assert scores.shape == (encoded.input_ids.shape[1],)
    return Integral(np.asarray(scores, dtype=np.float64), difference, gap, steps, passes)
