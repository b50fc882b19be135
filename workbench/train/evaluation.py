"""How good the network is on held-out examples, during training and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.data.corpus import Corpus
from workbench.models.protocols import FloatArray


@dataclass(frozen=True)
class Score:
    """What one evaluation found."""

    loss: float
    """Mean negative log likelihood of the true label, in nats."""
    accuracy: float
    roc_auc: float | None
    """Two labels: of the last one; more: each against the rest, unweighted mean. None where a label has no example."""


def score(probabilities: FloatArray, label_ids: np.ndarray[Any, np.dtype[np.int64]]) -> Score:
    """Return the score of `probabilities`, (n, n_labels), against `label_ids`, (n,); n >= 1."""
    n, width = probabilities.shape
    assert label_ids.shape == (n,)
    true = np.clip(probabilities[np.arange(n), label_ids], 1e-300, None)
    return Score(
        loss=float(-np.log(true).mean()),
        accuracy=float((probabilities.argmax(axis=1) == label_ids).mean()),
        roc_auc=_roc_auc(probabilities, label_ids, width),
    )


def _roc_auc(probabilities: FloatArray, label_ids: np.ndarray[Any, np.dtype[np.int64]], width: int) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(np.unique(label_ids)) < width:
        return None
    columns = [width - 1] if width == 2 else range(width)
    return float(np.mean([roc_auc_score(label_ids == k, probabilities[:, k]) for k in columns]))


def report_text(probabilities: FloatArray, part: Corpus, *, of: int) -> str:
    """Return scikit-learn's classification report on `part`, headed by which examples these are (`of` how many)."""
    from sklearn.metrics import classification_report

    if not len(part):
        return f"{part.split}: no examples"
    sampled = "" if len(part) == of else f" of {of:,}, sampled by hash of their id"
    found = score(probabilities, part.label_ids)
    area = "" if found.roc_auc is None else f", ROC-AUC {found.roc_auc:.4f}"
    table = classification_report(
        part.label_ids,
        probabilities.argmax(axis=1),
        labels=range(len(part.labels)),
        target_names=list(part.labels),
        digits=4,
        zero_division=0.0,
    )
    return f"{part.split}: {len(part):,} examples{sampled}; log loss {found.loss:.4f}{area}\n\n{table}"


@contextmanager
def evaluating(network: Any) -> Iterator[None]:
    """Put `network` into evaluation mode inside the block, and back into what it was afterwards."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)
