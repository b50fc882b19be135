"""How much each label weighs in the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Corpus
from workbench.errors import EmptyData, Misconfigured


def balanced_weights(corpus: Corpus) -> NDArray[np.float64]:
    """Return n / (labels * count of label) per label, shape (n_labels,): every label has the same total weight.

    King & Zeng 2001, as in scikit-learn's `compute_class_weight("balanced")`. Raises `EmptyData` for a label without
    training examples: its weight would be infinite.
    """
    counts = np.bincount(corpus.label_ids, minlength=len(corpus.labels))
    if empty := [label for label, count in zip(corpus.labels, counts, strict=True) if count == 0]:
        raise EmptyData(
            f"balanced class weights need training examples of every label; there are none of {', '.join(empty)}; "
            "add some, or set class_weights to none"
        )
    weights: NDArray[np.float64] = len(corpus) / (len(corpus.labels) * counts.astype(np.float64))
    return weights


def given_weights(weights: Mapping[str, float], labels: Sequence[str]) -> list[float]:
    """Return `weights` in the order of `labels`. Raises `Misconfigured` unless it names each label once."""
    if set(weights) != set(labels):
        raise Misconfigured(
            f"class_weights names {', '.join(sorted(weights))}; the labels are {', '.join(labels)}: name each of them"
        )
    return [weights[label] for label in labels]
