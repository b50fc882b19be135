"""Captum: integrated gradients over input embeddings, with the error that it made.

Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", eq. 1 and Proposition 1 (completeness).

Captum makes the path and the sum; where along the path the gradients are taken is chosen here. Clenshaw-Curtis points
are nested: a finer rule keeps all gradients of the coarser one. They are denser where logits change: a network makes up
its mind in the first half of the path and is saturated after it (Miglani et al. 2020, "Investigating Saturation Effects
in Integrated Gradients").

Measured on runs/demo, relative completeness gap, median and largest of 24 reviews of 37 to 137 tokens: 13 points 3e-3
and 2e-1, 25 points 2e-4 and 4e-3, 49 points 1e-6 and 1e-4; Gauss-Legendre with 24 points 1e-3 and 4e-2, with 50 points
8e-6 and 7e-4. A gap of 0.02 took 15 points on average and one of 0.001 took 26 (20 other reviews: 17 and 24), where
Gauss-Legendre, doubled from 8, takes 35 and 59. The gap that 50 Gauss-Legendre points have on the very same text, or
1e-5, takes 50 here too: gradients have 30 to 40 shapes along the path above 1e-5, and no rule that was tried
(composite, bisected, trapezoidal, with fitted poles, with points fitted to the text) got there with half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workbench.adapters.slopes import Slopes
from workbench.models.baselines import Baseline, baseline_of
from workbench.models.protocols import Differentiable, Encoded, FloatArray

if TYPE_CHECKING:
    import torch

_CENTRE, _WIDTH = 0.3, 0.25
"""Where on the path points are densest, and how widely. From the 24 reviews; anything within 0.05 is as good."""


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
    model: Differentiable,
    encoded: Encoded,
    target: int,
    *,
    gap_bound: float,
    steps: int,
    max_steps: int,
    batch: int,
    baseline: Baseline = "padding",
) -> Integral:
    """Return the integrated gradients of the logit `target` along the straight path from the baseline to one text.

    The path runs in embedding space from the baseline to the text's own embeddings, under the text's attention mask.
    It begins with `steps` points, both ends among them, and gets one more between every two until the gap is at most
    `gap_bound` or `max_steps` would be exceeded; the last result is returned with the gap that remained. With
    `max_steps` = `steps` the rule is Captum's default, Gauss-Legendre, and the ends come on top. Sums are in float64.
    Nothing of the model changes: gradients are taken with respect to the embeddings only and accumulate nowhere.

    Args:
        model: in evaluation mode. One that offers `Gradients` gets all points of a round at once.
        encoded: a batch of exactly one text.
        target: column of the logit.
        gap_bound: relative completeness gap to reach, > 0.
        steps: points to begin with, at least 2.
        max_steps: points to end with at most.
        batch: points per forward and backward pass, where the model does not see to that itself.
        baseline: what stands in place of every ordinary token; see `baseline_of`.

    Raises `Unsupported` for a baseline that the model lacks.
    """
    import torch
    from captum.attr import IntegratedGradients

    assert encoded.input_ids.shape[0] == 1
    assert steps >= 2
    with torch.inference_mode(False), torch.no_grad():
        path = _Path(model, encoded, target, batch, baseline)
        captum = IntegratedGradients(model.logits_from)
        captum.gradient_func = path.gradients
        if steps == max_steps:
            ends = path.ends
            found = path.integral(captum.attribute(path.text, path.baseline, target=target, n_steps=steps), ends, steps)
        else:
            while True:
                fractions, weights = quadrature(steps)
                # What `attribute` calls in the end; only here can points and weights be given.
                (attributed,) = captum._attribute(
                    (path.text,), (path.baseline,), target, n_steps=steps, step_sizes_and_alphas=(weights, fractions)
                )
                found = path.integral(attributed, path.ends, steps)
                if found.gap <= gap_bound or 2 * steps - 1 > max_steps:
                    break
                steps = 2 * steps - 1
    assert found.scores.shape == (encoded.input_ids.shape[1],)
    return found


def quadrature(points: int) -> tuple[list[float], list[float]]:
    """Return fractions of the path from 0 to 1, both included, and their weights, which add up to 1.

    Clenshaw-Curtis (Waldvogel 2006, "Fast Construction of the Fejér and Clenshaw-Curtis Quadrature Rules", eq. 2.4) in
    t, where the fraction is centre + width * tan(a + b t). Every second of 2n - 1 fractions is one of n.
    """
    n = points - 1
    angles = np.pi * np.arange(points) / n
    j = np.arange(1, n // 2 + 1)
    terms = np.where(2 * j == n, 1, 2) / (4 * j**2 - 1) * np.cos(2 * j * angles[:, None])
    weights = np.where(np.isin(np.arange(points), (0, n)), 0.5, 1) / n * (1 - terms.sum(axis=1))
    a = np.arctan(-_CENTRE / _WIDTH)
    b = np.arctan((1 - _CENTRE) / _WIDTH) - a
    tangents = np.tan(a + b * (1 - np.cos(angles)) / 2)
    fractions = np.clip(_CENTRE + _WIDTH * tangents, 0, 1)
    weights = weights * (1 + tangents**2)  # the fraction's derivative in t, but for a factor that the sum takes out
    return fractions.tolist(), (weights / weights.sum()).tolist()


class _Path:
    """The straight path from the baseline to one text, and what is known of the logit along it."""

    def __init__(self, model: Differentiable, encoded: Encoded, target: int, batch: int, baseline: Baseline) -> None:
        self._slopes = Slopes(model, encoded, target, batch=batch)
        # On the CPU in float64, whatever the model's: points are placed, and their gradients summed, without rounding.
        self.text = model.embed(encoded.input_ids).detach().cpu().double()
        self.baseline = baseline_of(model, encoded, baseline)
        self._known: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def ends(self) -> torch.Tensor:
        """The logits at baseline and text, (2,)."""
        import torch

        logits = self._slopes(torch.cat([self.baseline, self.text]))[0] if self._known is None else self._known[0]
        return logits[[0, -1]]

    def gradients(self, inputs: tuple[torch.Tensor, ...], **_: Any) -> tuple[torch.Tensor]:
        """Stand in for Captum's `gradient_func`: the gradient at each point, those of the last rule from memory."""
        (points,) = inputs
        if self._known is None:
            self._known = self._slopes(points)
        else:
            (logits, slopes), (new_logits, new_slopes) = self._known, self._slopes(points[1::2])
            self._known = _interleaved(logits, new_logits), _interleaved(slopes, new_slopes)
        return (self._known[1],)

    def integral(self, attributed: torch.Tensor, ends: torch.Tensor, steps: int) -> Integral:
        """Judge `attributed`, (1, length, width), by the logits at baseline and text."""
        scores: FloatArray = attributed.detach()[0].sum(dim=-1).numpy()
        difference = float(ends[1] - ends[0])
        gap = float(abs(scores.sum() - difference) / max(abs(difference), 1e-6))
        return Integral(np.asarray(scores, dtype=np.float64), difference, gap, steps, self._slopes.passes)


def _interleaved(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Return the rows of `old` with one of `new` between every two."""
    both = old.new_empty((len(old) + len(new), *old.shape[1:]))
    both[::2], both[1::2] = old, new
    return both
