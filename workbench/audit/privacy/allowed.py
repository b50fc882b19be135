"""What differential privacy allows an attack on membership, and whether an attack did better.

Under (epsilon, delta)-differential privacy for adding or removing one person, every test of whether that person was
trained on obeys (Kairouz, Oh and Viswanath 2015, theorem 2.1, after Wasserman and Zhou 2010)

    TPR <= e^epsilon FPR + delta        and        1 - TPR >= e^-epsilon (1 - FPR - delta).

It speaks of people who were members by chance. Where members and non-members differ for another reason (an earlier
date, another source), an attack may exceed the bound of a perfectly private training: see `blind`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.estimate import Estimate
from workbench.audit.privacy.membership import Scored, tpr_at
from workbench.errors import BadInput
from workbench.evidence.intervals import LEVEL


class Excess(NamedTuple):
    """A true positive rate beside what epsilon allows it."""

    fpr: float
    tpr: Estimate
    """Its interval holds together with those at the other rates that were compared."""
    allowed: float
    exceeded: bool
    """Whether the whole interval lies above `allowed`: the claim is then refuted, or the split leaks."""


def allowed_tpr(fpr: float, epsilon: float, delta: float) -> float:
    """Return the largest TPR at `fpr` under (`epsilon`, `delta`)-differential privacy, in [fpr, 1].

    Raises `BadInput` for an fpr or delta outside [0, 1] or an epsilon below 0.
    """
    if not (0 <= fpr <= 1 and 0 <= delta <= 1 and epsilon >= 0):
        raise BadInput(f"FPR and delta lie in [0, 1], epsilon is at least 0; got {fpr}, {delta} and {epsilon}")
    with np.errstate(over="ignore"):
        rise = np.exp(np.float64(epsilon)) * fpr + delta if fpr else delta
    return float(max(fpr, min(1.0, rise, 1 - np.exp(-epsilon) * (1 - fpr - delta))))


def exceeds(
    seen: Scored,
    fprs: Sequence[float],
    epsilon: float,
    delta: float,
    *,
    comparisons: int | None = None,
    level: float = LEVEL,
) -> tuple[Excess | Unknown, ...]:
    """Return for each of `fprs` whether the TPR's interval lies above what (`epsilon`, `delta`) allows.

    The intervals hold together at `level`, by Bonferroni over `comparisons`: as many as there are `fprs`, or more where
    several groups or attacks are judged at once. So a true claim is exceeded anywhere with probability
    (1 - level) / 2 at most.

    Raises `BadInput` without `fprs`, or for fewer comparisons than these.
    """
    several = len(fprs) if comparisons is None else comparisons
    if not fprs or several < len(fprs):
        raise BadInput(f"{len(fprs)} false positive rates cannot be judged as {several} comparisons")
    return tuple(_excess(seen, fpr, epsilon, delta, 1 - (1 - level) / several) for fpr in fprs)


def _excess(seen: Scored, fpr: float, epsilon: float, delta: float, level: float) -> Excess | Unknown:
    found, allowed = tpr_at(seen, fpr, level=level), allowed_tpr(fpr, epsilon, delta)
    return found if isinstance(found, Unknown) else Excess(fpr, found, allowed, found.interval.low > allowed)
