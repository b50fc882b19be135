"""Captum's sensitivity of an explanation: how far it moves when the input moves a little.

Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations", definition 3.1: the largest change of the
scores over small perturbations, here as a share of their own length (Captum divides by it). A text is perturbed where
it is continuous: at its embeddings, special tokens kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from workbench.models.protocols import FloatArray

if TYPE_CHECKING:
    import torch


def sensitivity_max(
    scores: Callable[[torch.Tensor], FloatArray],
    embedded: torch.Tensor,
    fixed: torch.Tensor,
    *,
    share: float,
    samples: int,
    rng: np.random.Generator,
) -> float:
    """Return max ||scores(x') - scores(x)|| / ||scores(x)|| (Euclidean) over `samples` perturbed texts x'; 0 is steady.

    Args:
        scores: from embeddings, (1, length, width), to scores, (n,).
        embedded: the text's embeddings x, (1, length, width).
        fixed: positions that are not perturbed, (1, length) of bool.
        share: each number of x moves by at most this share of the root mean square of all that may move.
        samples: perturbed texts, each drawn uniformly from that box.
        rng: of the draws.
    """
    import torch
    from captum.metrics import sensitivity_max as captum

    text = embedded.detach().cpu().double()
    free = ~fixed.cpu()[..., None]
    radius = share * float(text[free.expand_as(text)].square().mean().sqrt())

    def explained(points: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        (every,) = points if isinstance(points, tuple) else (points,)
        return (torch.from_numpy(np.stack([scores(one[None]) for one in every])),)

    def perturbed(points: torch.Tensor) -> torch.Tensor:
        return points + torch.from_numpy(rng.uniform(-radius, radius, size=points.shape)) * free

    with torch.inference_mode(False):
        return float(captum(explained, text, perturb_func=perturbed, n_perturb_samples=samples)[0])
