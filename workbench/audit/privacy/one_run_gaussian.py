"""The one-run bound for a mechanism whose whole trade-off curve is known: tighter than (epsilon, delta) can be.

Mahloujifar, Melis and Chaudhuri 2025, "Auditing f-Differential Privacy in One Run" (arXiv 2410.22235), with two
candidates per canary: in or out. The design is that of `one_run`; what is refuted is a trade-off function f (Dong,
Roth and Su 2022): no test that tells "trained on" from "left out" at a false positive rate of x misses fewer than f(x).

A refuted f is refuted whatever training was. The epsilon bound assumes more: that the mechanism is Gaussian, with
f(x) = Phi(Phi^-1(1 - x) - mu), and refutes values of mu. A mechanism of another shape (DP-SGD on random batches is one,
if a close one) may be (epsilon, delta)-private and yet have a larger bound here. So this bound is shown beside
`one_run.epsilon_lower_bound` with its assumption, and never in its place.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from workbench.audit.privacy.one_run import PRECISION, check_counts
from workbench.errors import BadInput
from workbench.evidence.intervals import LEVEL

TradeOff = Callable[[float], float]
"""False positive rate in [0, 1] -> smallest false negative rate; convex, falling, its own inverse."""


def gaussian_trade_off(mu: float) -> TradeOff:
    """Return the trade-off function of telling N(0, 1) from N(`mu`, 1). Raises `BadInput` for a negative mu."""
    if not mu >= 0:
        raise BadInput(f"mu must be at least 0; got {mu}")
    return lambda x: float(special.ndtr(special.ndtri(1 - x) - mu))


def refutes(m: int, r: int, v: int, trade_off: TradeOff, confidence: float = LEVEL) -> bool:
    """Return whether `v` right of `r` guesses about `m` canaries refute that training has `trade_off`.

    A true `trade_off` is refuted with probability 1 - `confidence` at most. Raises `BadInput` for impossible counts or
    a confidence outside (0.5, 1).
    """
    check_counts(m, r, v, confidence)
    # If v or more were right with probability 1 - confidence, the guesses that are right would have at least the mass
    # `right`, and the wrong ones `wrong`; the trade-off then bounds one by the other, from v - 1 right ones to none.
    right, wrong = (1 - confidence) * v / m, (1 - confidence) * (r - v) / m
    for i in range(v - 1, -1, -1):
        least = max(wrong, trade_off(1 - right))
        if least == wrong:  # neither can change any more
            break
        right, wrong = min(right + i / (r - i) * (least - wrong), 1.0), least
    return right + wrong > r / m


def mu_lower_bound(m: int, r: int, v: int, confidence: float = LEVEL) -> float:
    """Return the largest mu whose Gaussian trade-off is refuted, 0.0 where none is; arguments as in `refutes`."""
    if not refutes(m, r, v, gaussian_trade_off(0.0), confidence):
        return 0.0
    low, high = 0.0, 1.0
    while refutes(m, r, v, gaussian_trade_off(high), confidence):
        low, high = high, 2 * high
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if refutes(m, r, v, gaussian_trade_off(middle), confidence) else (low, middle)
    return low


def epsilon_of(mu: float, delta: float) -> float:
    """Return the epsilon at `delta` of a mechanism with the Gaussian trade-off of `mu`.

    Solves delta = Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu) (Dong, Roth and Su 2022,
    corollary 2.13; Balle and Wang 2018, theorem 8). Raises `BadInput` unless mu is at least 0 and delta in (0, 1).
    """
    if not (mu >= 0 and 0 < delta < 1):
        raise BadInput(f"mu must be at least 0 and delta in (0, 1); got mu {mu} and delta {delta}")

    def excess(epsilon: float) -> float:
        far = epsilon + special.log_ndtr(-mu / 2 - epsilon / mu)
        return float(special.ndtr(mu / 2 - epsilon / mu) - np.exp(far) - delta)

    if mu == 0 or excess(0.0) <= 0:
        return 0.0
    high = 1.0
    while excess(high) > 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high, xtol=PRECISION))


def epsilon_lower_bound(m: int, r: int, v: int, delta: float, confidence: float = LEVEL) -> float:
    """Return the epsilon at `delta` of the largest refuted Gaussian mechanism, 0.0 where none is refuted."""
    return epsilon_of(mu_lower_bound(m, r, v, confidence), delta)
