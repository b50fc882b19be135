"""LiRA, the likelihood ratio attack: is this confidence what trainings with the record give, or those without?

Carlini et al. 2022, "Membership Inference Attacks From First Principles". Reference models are trained on random
halves of the data, so each record is in about half of them. Per record, a Gaussian is fitted to the logit-scaled
confidences (`attacks.logit_confidence`) of the models with it, and one to those of the models without it:

- online:   log N(target; mean_in, deviation_in) - log N(target; mean_out, deviation_out);
- offline:  (target - mean_out) / deviation_out, which orders records as the paper's P(Z <= target) does, without
  rounding the most confident to a tie at 1. It needs no reference that saw the record.

Under `GLOBAL_BELOW` references a deviation per record is too rough and one is pooled over all records, as the paper
advises. Pooled here is the variance around each record's own mean. The released code differs: it takes the deviation of
the whole matrix, in which records that differ look like noise, and the one of "in" for both; and it centres at medians.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from workbench.audit.privacy.attacks import AttackScores, unscored
from workbench.errors import BadInput

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Spread = Literal["per record", "global"]

GLOBAL_BELOW = 64
"""Reference models from which on each record gets a deviation of its own (Carlini et al. 2022)."""


def spread_for(references: int) -> Spread:
    """Return which deviation so many reference models bear."""
    return "per record" if references >= GLOBAL_BELOW else "global"


def online(
    target: ArrayLike, references: ArrayLike, included: ArrayLike, *, spread: Spread | None = None
) -> AttackScores:
    """Return the log likelihood ratio, in nats, of "trained on" over "left out".

    A record needs a reference with it and one without it; with a deviation per record, two of each that differ.

    Args:
        target: logit-scaled confidence of the attacked model in each record's true label, (n,).
        references: the same of K reference models, (K, n).
        included: whether each of them was trained on each record, (K, n).
        spread: None chooses by `spread_for`.

    Raises `BadInput` for shapes that do not fit or confidences that are not finite.
    """
    seen = _Seen.of(target, references, included)
    how = spread or spread_for(len(seen.references))
    inside, outside = _fit(seen.references, seen.included, how), _fit(seen.references, ~seen.included, how)
    scored = inside.fitted & outside.fitted
    confidence = seen.target[scored]
    ratio = stats.norm.logpdf(confidence, inside.mean[scored], inside.deviation[scored])
    ratio -= stats.norm.logpdf(confidence, outside.mean[scored], outside.deviation[scored])
    return AttackScores(ratio, scored, unscored(scored, f"{_LACKING[how]} both with and without the record"))


def offline(
    target: ArrayLike, references: ArrayLike, included: ArrayLike, *, spread: Spread | None = None
) -> AttackScores:
    """Return how many deviations the target lies above the models without the record; arguments as in `online`."""
    seen = _Seen.of(target, references, included)
    how = spread or spread_for(len(seen.references))
    outside = _fit(seen.references, ~seen.included, how)
    scored = outside.fitted
    scores = (seen.target[scored] - outside.mean[scored]) / outside.deviation[scored]
    return AttackScores(scores, scored, unscored(scored, f"{_LACKING[how]} without the record"))


_LACKING: dict[Spread, str] = {
    "per record": "a deviation per record needs two different references",
    "global": "a mean needs a reference, and a deviation references that differ,",
}


class _Seen(NamedTuple):
    target: Floats
    references: Floats
    included: Bools

    @classmethod
    def of(cls, target: ArrayLike, references: ArrayLike, included: ArrayLike) -> _Seen:
        found = cls(
            np.asarray(target, dtype=np.float64), np.asarray(references, dtype=np.float64), np.asarray(included)
        )
        fits = found.target.ndim == 1 and found.references.shape[1:] == found.target.shape
        if not fits or found.included.shape != found.references.shape or found.included.dtype != np.bool_:
            raise BadInput(
                "LiRA needs targets (n,), references (K, n) and whether each was included (K, n), True or False; "
                f"got {found.target.shape}, {found.references.shape}, {found.included.shape} of {found.included.dtype}"
            )
        if not (np.isfinite(found.target).all() and np.isfinite(found.references).all()):
            raise BadInput("LiRA needs finite confidences; compute them with `logit_confidence`")
        return found


class _Fit(NamedTuple):
    """A Gaussian per record; mean and deviation mean nothing where it was not fitted."""

    mean: Floats
    deviation: Floats
    fitted: Bools


def _fit(references: Floats, chosen: Bools, spread: Spread) -> _Fit:
    """Fit a Gaussian to the `chosen` references (K, n) of each record."""
    count = chosen.sum(axis=0)
    mean = np.where(chosen, references, 0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(chosen, np.square(references - mean), 0).sum(axis=0)
    if spread == "per record":
        least = np.where(chosen, references, np.inf).min(axis=0)
        differ = np.where(chosen, references, -np.inf).max(axis=0) > least
        return _Fit(mean, np.sqrt(squares / np.maximum(count - 1, 1)), (count >= 2) & differ)
    freedom = int(np.maximum(count - 1, 0).sum())
    pooled = float(np.sqrt(squares.sum() / freedom)) if freedom else 0.0
    return _Fit(mean, np.full(len(mean), pooled), (count >= 1) & (pooled > 0))
