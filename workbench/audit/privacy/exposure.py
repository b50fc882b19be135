"""Exposure: how far up a planted secret ranks among secrets that might have been planted.

Carlini et al. 2019, "The Secret Sharer": of the candidates R for one canary, the canary among them, exposure is
log2 |R| - log2 rank, with rank 1 for the candidate that the model finds most likely. It runs from 0 to log2 |R|: what
was drawn from so many candidates cannot show more. Candidates that tie with the canary count as ranked above it.

A canary that was not planted, drawn like the others, has each rank equally often; its expected exposure is
log2 N - log2(N!) / N for N candidates, which tends to log2 e = 1.44 bits. That, not 0, is what nothing looks like.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.estimate import Estimate
from workbench.errors import BadInput, EmptyData
from workbench.evidence.bootstrap import REPLICATES, People, score_interval
from workbench.evidence.intervals import LEVEL

Floats = NDArray[np.float64]


class MeanExposure(NamedTuple):
    """The exposure of several canaries, with what it would be had none been planted."""

    mean: Estimate
    """In bits; n counts canaries. The interval is over canaries, of this one model."""
    expected: float
    """Of a canary that was not planted, in bits."""
    ceiling: float
    """log2 N: the most that so many candidates can show."""


def exposures(canaries: ArrayLike, candidates: ArrayLike) -> Floats:
    """Return each canary's exposure in bits, (c,), in [0, log2 N].

    Args:
        canaries: scores of the planted canaries, (c,); higher is more likely to the model.
        candidates: scores of what might have been planted in each one's place and was not, (c, N - 1), N at least 2.

    Raises `BadInput` for scores that do not fit or are not numbers, `EmptyData` without canaries.
    """
    planted, others = np.asarray(canaries, dtype=np.float64), np.asarray(candidates, dtype=np.float64)
    if planted.ndim != 1 or others.ndim != 2 or len(others) != len(planted) or others.shape[1] < 1:
        raise BadInput(
            f"exposure needs one score per canary, and one row of candidates' scores per canary; "
            f"got shapes {planted.shape} and {others.shape}"
        )
    if not len(planted):
        raise EmptyData("there are no canaries to rank; plant some before training")
    if np.isnan(planted).any() or np.isnan(others).any():
        raise BadInput("a canary or candidate has a score that is not a number; score all of them")
    rank = 1 + (others >= planted[:, None]).sum(axis=1)
    return np.asarray(np.log2(others.shape[1] + 1) - np.log2(rank), dtype=np.float64)


def expected_exposure(candidates: int) -> float:
    """Return the mean exposure in bits of a canary that was not planted, among `candidates` (itself included)."""
    if candidates < 2:
        raise BadInput(f"exposure needs at least two candidates, the canary included; got {candidates}")
    return float(np.log2(candidates) - special.gammaln(candidates + 1) / np.log(2) / candidates)


def mean_exposure(
    canaries: ArrayLike,
    candidates: ArrayLike,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> MeanExposure | Unknown:
    """Return the mean exposure of the planted canaries; arguments and errors as in `exposures`."""
    found = exposures(canaries, candidates)
    n = np.asarray(candidates).shape[1] + 1
    ceiling = float(np.log2(n))
    interval = score_interval(
        found, People(np.arange(len(found))), top=ceiling, rng=rng, replicates=replicates, level=level
    )
    if interval is None:
        return Unknown("canary exposure", f"{len(found)} canaries are too few for an interval")
    return MeanExposure(Estimate(float(found.mean()), len(found), interval), expected_exposure(n), ceiling)
