"""What steps of private training spend, by two libraries that do not know each other.

Every step is one Poisson-subsampled Gaussian mechanism: each unit takes part with the sampling rate q, and noise of
noise_multiplier times the clipping bound is added. Neighbours: one unit more or less (add or remove one). Opacus
reckons by PRV (Gopi et al. 2021), RDP (Mironov 2017; Mironov et al. 2019) and GDP (Dong et al. 2019), Google's
dp-accounting by privacy loss distributions (Koskela et al. 2020; Doroshenko et al. 2022).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from typing import Literal, NamedTuple

import numpy as np

from workbench.errors import Misconfigured
from workbench.evidence.cards import PaidSteps, Reckoned

Accountant = Literal["prv", "rdp"]

EPS_ERROR, DELTA_ERROR = 0.01, 1e-3
"""PRV's error of epsilon, and of delta as a share of it: parameters of the algorithm, not estimates."""
DISCRETISATION = 1e-4
"""Grid of the privacy losses of the second accountant."""
NUMERICAL = 50.0
"""Up to this epsilon by RDP numerical accountants are asked: beyond they need gigabytes, and little is protected."""
_NOISE_TOLERANCE = 1e-3
"""Relative tolerance of the noise that is solved for, on the safe side."""
_ORDERS = (
    *(1 + x / 100 for x in range(1, 100)),
    *(1 + x / 10 for x in range(10, 110)),
    *range(12, 64),
    *(72, 96, 128, 256, 512, 1024),
)
"""Rényi orders that are tried: Opacus's own, and more at both ends."""


class Phase(NamedTuple):
    """Steps that are alike."""

    noise_multiplier: float
    sample_rate: float
    """Chance of each unit to take part in a step."""
    steps: int


Phases = tuple[Phase, ...]
"""The steps of a run, in order."""


def phases_of(paid: Sequence[PaidSteps]) -> Phases:
    """Return the steps of a card as accountants see them."""
    return tuple(Phase(one.noise_multiplier, one.sample_rate, one.steps) for one in paid)


def epsilon_of(phases: Phases, delta: float, *, accountant: Accountant) -> float:
    """Return an upper bound of the epsilon that `phases` spend together at `delta`.

    'prv': its upper bound, at most 0.01 and 1% above the true value; for an RDP bound beyond `NUMERICAL` that bound
    itself. 'rdp': never below the true value. Up to some seconds for many thousands of steps.
    Raises `Misconfigured` for a delta outside (0, 1), or phases that no accountant can reckon.
    """
    _check(phases, delta)
    if not any(phase.steps for phase in phases):
        return 0.0
    bound = _rdp(phases, delta)
    return bound if accountant == "rdp" or bound > NUMERICAL else min(bound, _prv(phases, delta))


def pld_epsilon(phases: Phases, delta: float) -> float | None:
    """Return dp-accounting's pessimistic epsilon, losses rounded up to `DISCRETISATION`; None beyond `NUMERICAL`.

    The grid is finer where epsilon is below 1, down to a hundredth of that: rounding adds up over steps.
    """
    _check(phases, delta)
    if (bound := _rdp(phases, delta)) > NUMERICAL:
        return None
    import dp_accounting
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant(value_discretization_interval=DISCRETISATION * min(1.0, max(bound, 0.01)))
    for phase in phases:
        event = dp_accounting.GaussianDpEvent(phase.noise_multiplier)
        if phase.sample_rate < 1:
            event = dp_accounting.PoissonSampledDpEvent(phase.sample_rate, event)
        accountant.compose(event, phase.steps)
    return float(accountant.get_epsilon(delta))


def noise_for(
    epsilon: float, delta: float, *, sample_rate: float, steps: int, accountant: Accountant, before: Phases = ()
) -> float:
    """Return the least noise multiplier, to 0.1% and on the safe side, whose steps spend at most `epsilon` at `delta`.

    `before`: what was spent already; it counts. Raises `Misconfigured` where no noise up to a million does.
    """

    def spent(noise: float, by: Accountant) -> float:
        return epsilon_of((*before, Phase(noise, sample_rate, steps)), delta, accountant=by)

    gone = epsilon_of(before, delta, accountant=accountant)
    if gone >= epsilon:
        raise Misconfigured(
            f"privacy.epsilon is {epsilon:g}, and what the backbone was trained by has spent {gone:.4g} already, at "
            f"delta {delta:g}; allow more, or start from another backbone"
        )
    # RDP answers at once, so it brackets; unless what was spent before is more than allowed by its looser reckoning
    quick: Accountant = "rdp" if epsilon_of(before, delta, accountant="rdp") < epsilon else accountant
    high = 0.25
    while spent(high, quick) > epsilon:
        high *= 2
        if high > 1e6:
            raise Misconfigured(
                f"privacy.epsilon {epsilon:g} at delta {delta:g} cannot be had with {steps:,} steps at a sampling rate "
                f"of {sample_rate:.4g}: no noise is large enough; allow more epsilon, or fewer steps"
            )
    high = _bisect(lambda noise: spent(noise, quick) <= epsilon, 0.0, high)
    if accountant == quick:
        return high
    if spent(low := 0.5 * high, "prv") <= epsilon:
        return _bisect(lambda noise: spent(noise, "prv") <= epsilon, 0.0, low)
    from scipy import optimize

    found = float(optimize.brentq(lambda noise: spent(noise, "prv") - epsilon, low, high, rtol=_NOISE_TOLERANCE / 4))
    while spent(found, "prv") > epsilon:
        found *= 1 + _NOISE_TOLERANCE / 4
    return found


def shuffled_epsilon(noise_multiplier: float, epochs: int, delta: float) -> float:
    """Return what batches of a shuffled data set spend, each unit in one batch of an epoch: no gain from sampling.

    Batches are disjoint, so an epoch is one Gaussian mechanism and epochs compose: what holds for batches that are
    fixed beforehand (Chua et al. 2024, "How private are DP-SGD implementations?"; a unit is replaced by nothing, so
    sizes stay as they are). Accounting shuffled batches as Poisson samples claims less.
    """
    return epsilon_of((Phase(noise_multiplier, 1.0, epochs),), delta, accountant="prv")


def reckoned(phases: Phases, delta: float, *, claimed: Accountant) -> tuple[Reckoned, ...]:
    """Return what every accountant makes of `phases`, the claimed one first; those that cannot reckon are left out."""
    order: tuple[Accountant, ...] = ("prv", "rdp") if claimed == "prv" else ("rdp", "prv")
    rdp, opacus = _rdp(phases, delta), f"opacus {version('opacus')}"
    found = []
    for name in order:
        if name == "rdp":
            found.append(Reckoned(accountant="rdp", library=opacus, epsilon=rdp, error="an upper bound, not tight"))
        elif rdp <= NUMERICAL:
            value = epsilon_of(phases, delta, accountant="prv")
            error = f"an upper bound, within {EPS_ERROR:g} and 1% of the true value"
            found.append(Reckoned(accountant="prv", library=opacus, epsilon=value, error=error))
    if len(phases) == 1:
        gdp = _gdp(phases[0], delta)
        if gdp is not None:
            error = "a limit for many steps; it can lie a third below the true value, so it is no claim"
            found.append(Reckoned(accountant="gdp", library=opacus, epsilon=gdp, error=error))
    second = pld_epsilon(phases, delta)
    if second is not None:
        error = f"an upper bound, losses rounded up to {DISCRETISATION:g} or finer"
        found.append(
            Reckoned(accountant="pld", library=f"dp-accounting {version('dp-accounting')}", epsilon=second, error=error)
        )
    return tuple(found)


def _bisect(enough: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least number in (low, high] that is `enough`, to `_NOISE_TOLERANCE`; `high` is."""
    while high - low > _NOISE_TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check(phases: Phases, delta: float) -> None:
    if not 0 < delta < 1:
        raise Misconfigured(f"delta must lie between 0 and 1; got {delta}")
    for phase in phases:
        if not (phase.noise_multiplier > 0 and 0 < phase.sample_rate <= 1 and phase.steps >= 0):
            raise Misconfigured(
                f"no accountant can reckon {phase}: noise_multiplier must be above 0, sample_rate in (0, 1], steps at "
                "least 0"
            )


@lru_cache(maxsize=256)
def _rdp(phases: Phases, delta: float) -> float:
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [tuple(phase) for phase in phases if phase.steps]
    with _quiet():
        found = float(accountant.get_epsilon(delta, alphas=list(_ORDERS)))
    if math.isnan(found):
        raise Misconfigured(f"RDP finds no epsilon for {list(phases)} at delta {delta:g}; raise the noise")
    return max(found, 0.0)  # below zero: even (0, delta) holds


@lru_cache(maxsize=256)
def _prv(phases: Phases, delta: float) -> float:
    from opacus.accountants import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [tuple(phase) for phase in phases if phase.steps]
    with _quiet():
        found = float(accountant.get_epsilon(delta, eps_error=EPS_ERROR, delta_error=DELTA_ERROR * delta))
    return found if math.isfinite(found) else math.inf  # the caller has RDP's bound beside it


def _gdp(phase: Phase, delta: float) -> float | None:
    from opacus.accountants import GaussianAccountant

    try:
        with _quiet():
            accountant = GaussianAccountant()
            accountant.history = [tuple(phase)]
            found = float(accountant.get_epsilon(delta, poisson=True))
    except (ValueError, OverflowError, RuntimeError):
        return None  # its root finder does not reach very large epsilons
    return found if math.isfinite(found) and found > 0 else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Opacus warns where its best order is the first or last of those tried, and divides by zero at a rate of 1."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
