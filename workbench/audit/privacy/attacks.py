"""Attacks on membership by what a model says about a person's own record: arrays in, one score per row out.

Higher is always more likely a member. Where an attack cannot score a row, the row is left out and counted, with the
reason; no score stands for "could not".

- Loss threshold (Yeom et al. 2018): minus the loss of the true label.
- By class: the same, standardised within the true label by records known not to be members. One threshold on it is one
  threshold per label, which is how Song and Mittal 2021 ("Systematic Evaluation of Privacy Risks of Machine Learning
  Models") improve on a single one.

The likelihood ratio attack has a module of its own, `lira`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.errors import BadInput

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNNORMALISED = 1e-3
"""How far the logarithm of a row's summed probabilities may lie from 0: bfloat16 softmax stays within."""


class AttackScores(NamedTuple):
    """The scores of an attack, of the rows that it can score."""

    scores: Floats
    """(k,), higher is more likely a member."""
    scored: Bools
    """Which of the n rows these are, in order, (n,)."""
    why_not: str | None
    """How many rows have no score and why; None where all have one."""


def log_probabilities(probabilities: ArrayLike) -> Floats:
    """Return the logarithms of `probabilities`, (n, n_labels). One of 0 counts as the smallest number there is."""
    return np.asarray(np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), np.finfo(np.float64).tiny)))


def loss_threshold(log_probabilities: ArrayLike, labels: ArrayLike) -> AttackScores:
    """Return minus the loss of the true label: its log-probability, in nats, at most 0.

    Args:
        log_probabilities: (n, n_labels), normalised.
        labels: column of the true label, (n,).

    Raises `BadInput` for shapes that do not fit, numbers that are none, or rows that are not normalised.
    """
    rows, own = _rows(log_probabilities, labels)
    sums = special.logsumexp(rows, axis=1)
    if len(sums) and not np.abs(sums).max() <= UNNORMALISED:
        raise BadInput(
            f"log-probabilities of a row sum to exp({sums[np.abs(sums).argmax()]:.3g}) and not to 1; "
            "pass the log-softmax of logits"
        )
    return AttackScores(rows[np.arange(len(own)), own], np.ones(len(own), dtype=np.bool_), None)


def logit_confidence(log_probabilities: ArrayLike, labels: ArrayLike) -> Floats:
    """Return log(p / (1 - p)) of the true label's probability p, (n,): near to Gaussian over trainings.

    Carlini et al. 2022. 1 - p is summed from the other labels' log-probabilities, so that it keeps its
    digits where p rounds to 1. Logits do as well as log-probabilities: what is added to a whole row cancels.

    Raises `BadInput` for shapes that do not fit, fewer than two labels, or a result that is infinite, as from
    logarithms of probabilities that had been rounded to 0 or 1.
    """
    rows, own = _rows(log_probabilities, labels)
    if rows.shape[1] < 2:
        raise BadInput(f"a confidence needs at least two labels; got {rows.shape[1]}")
    others = rows.copy()
    others[np.arange(len(own)), own] = -np.inf
    found = rows[np.arange(len(own)), own] - special.logsumexp(others, axis=1)
    if not np.isfinite(found).all():
        raise BadInput(
            f"{int((~np.isfinite(found)).sum())} of {len(found)} confidences are infinite: a probability was rounded "
            "to 0 or 1 before its logarithm was taken; pass the log-softmax of logits"
        )
    return np.asarray(found, dtype=np.float64)


def by_class(
    scores: ArrayLike, labels: ArrayLike, *, reference_scores: ArrayLike, reference_labels: ArrayLike
) -> AttackScores:
    """Return `scores` less the mean of the references with the same label, in their standard deviations.

    References are non-members that are not among the attacked rows: were they, non-members alone would be measured by
    themselves. A label with fewer than two references, or whose references all score alike, leaves its rows without
    score.

    Args:
        scores: (n,), e.g. of `loss_threshold` or `logit_confidence`.
        labels: true label of each row, (n,), whole numbers.
        reference_scores: the same score of records known not to be members, (m,).
        reference_labels: their true labels, (m,).

    Raises `BadInput` for shapes that do not fit or scores that are not finite.
    """
    values, own = _finite("scores", scores), np.asarray(labels)
    known, theirs = _finite("reference scores", reference_scores), np.asarray(reference_labels)
    if values.shape != own.shape or known.shape != theirs.shape:
        raise BadInput(
            f"scores need one label each; got {values.shape} scores and {own.shape} labels, "
            f"{known.shape} reference scores and {theirs.shape} labels"
        )
    standardised, scored = np.empty(len(values)), np.zeros(len(values), dtype=np.bool_)
    for label in np.unique(own):
        mine, references = own == label, known[theirs == label]
        if len(references) >= 2 and np.ptp(references) > 0:
            standardised[mine] = (values[mine] - references.mean()) / references.std(ddof=1)
            scored |= mine
    return AttackScores(
        standardised[scored], scored, unscored(scored, "fewer than two different reference scores for their label")
    )


def unscored(scored: Bools, reason: str) -> str | None:
    """Return the sentence on the rows without score, None where every row has one."""
    missing = int((~scored).sum())
    return f"{missing} of {len(scored)} rows have no score: {reason}" if missing else None


def _rows(log_probabilities: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    rows, own = np.asarray(log_probabilities, dtype=np.float64), np.asarray(labels)
    if rows.ndim != 2 or own.shape != rows.shape[:1] or not np.issubdtype(own.dtype, np.integer):
        raise BadInput(
            f"an attack needs log-probabilities (n, n_labels) and n columns of true labels; "
            f"got {rows.shape} and {own.shape} of {own.dtype}"
        )
    if len(own) and not (own.min() >= 0 and own.max() < rows.shape[1]):
        raise BadInput(f"true labels must be columns 0 to {rows.shape[1] - 1}; got {own.min()} to {own.max()}")
    if np.isnan(rows).any() or np.isposinf(rows).any():
        raise BadInput("a log-probability is NaN or infinite; pass the log-softmax of finite logits")
    return rows, own.astype(np.int64)


def _finite(what: str, values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        raise BadInput(f"{int((~np.isfinite(found)).sum())} of {found.size} {what} are not finite numbers")
    return found
