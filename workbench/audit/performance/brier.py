"""The Brier score's terms: squared distances between probabilities and what is true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.models.protocols import FloatArray


def squared_errors(probabilities: FloatArray, labels: NDArray[np.int64], positive: int) -> tuple[FloatArray, float]:
    """Return each row's squared error, (n,), and the largest that one can have.

    Of two labels the positive one's column counts (Brier 1950 would add the other, which misses by the same); of more,
    the sum over all columns.

    Args:
        probabilities: (n, n_labels).
        labels: true column of each row, (n,).
        positive: column of the positive label.
    """
    squares: FloatArray
    if probabilities.shape[1] == 2:
        squares = np.square(probabilities[:, positive] - (labels == positive))
        return squares, 1.0
    squares = np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1)
    return squares, 2.0  # all probability on one wrong label
