"""Probabilities as searches need them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.models.protocols import FloatArray


def normalised(rows: ArrayLike) -> FloatArray:
    """Return `rows`, (n, n_labels), in float64, each divided by its sum.

    A softmax in float32 sums to 1 within about 1e-6 only, and TextAttack 0.3.11 takes rows that are further off than
    that for logits: it would search on the softmax of the probabilities, without a word.
    """
    found = np.asarray(rows, dtype=np.float64)
    normal: FloatArray = found / found.sum(axis=1, keepdims=True)
    return normal
