"""Captum's infidelity of an explanation by words.

Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations", definition 2.1: the mean squared difference
between what an explanation says that a perturbation changes and what it does change. Here a perturbation takes some
words away. Scores are scaled by one factor, the best for the text (Captum's `normalize`), so that methods in different
units compare. Captum would also turn an explanation round whose every sign is wrong; here the factor is at least 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.models.protocols import FloatArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


def removals(n_words: int, samples: int, rng: np.random.Generator) -> Floats:
    """Return what is taken away, (samples, n_words) of 0 and 1: up to a fifth of the words, at least one."""
    gone = np.zeros((samples, n_words))
    for row in gone:
        row[rng.choice(n_words, size=int(rng.integers(1, max(1, n_words // 5) + 1)), replace=False)] = 1.0
    return gone


def infidelity(whole: float, answer: Callable[[Floats], FloatArray], scores: FloatArray, gone: Floats) -> float:
    """Return the infidelity of `scores`, (n_words,), in squared probability; 0 is perfect, the variance is the worst.

    Args:
        whole: probability of the text.
        answer: from what is left of the words, (n, n_words) of 0 and 1, to probabilities, (n,).
        scores: the explanation.
        gone: what is taken away, as from `removals`.
    """
    import torch
    from captum.metrics import infidelity as captum

    def forward(left: torch.Tensor) -> torch.Tensor:
        rows = left.numpy()
        full = rows.all(axis=1)
        found = np.full(len(rows), whole)
        if not full.all():
            found[~full] = answer(rows[~full])
        return torch.from_numpy(found)

    def perturb(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        taken = torch.from_numpy(gone)
        return taken, inputs - taken

    said = gone @ scores
    if float((said * (whole - answer(1 - gone))).mean()) < 0:
        scores = np.zeros_like(scores)
    text = torch.ones((1, len(scores)), dtype=torch.float64)
    given = torch.from_numpy(np.asarray(scores, dtype=np.float64))[None]
    found = captum(forward, perturb, text, given, n_perturb_samples=len(gone), normalize=True)
    return float(found[0])
