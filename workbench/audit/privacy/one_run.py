"""The lower bound of epsilon that one training run with canaries shows.

Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run" (arXiv 2305.08846). Each of m canaries
was trained on or left out by a fair coin of its own. The auditor guesses r of the coins from what training gave away,
abstains on the others, and is right v times. Were training (epsilon, delta)-differentially private for adding or
removing one record, then with q = e^epsilon / (1 + e^epsilon), W ~ binomial(r, q) and f(k) = P(W >= k)

    P(v or more are right) <= f(v) + 2 m delta * max over i = 1 .. v of (f(v - i) - f(v)) / i

(theorem 5.2, and corollary 5.4 for guesses with abstentions). Nothing is assumed of the model or of how the coins'
effects mix. What is assumed: fair and independent coins, on which neither the other training data nor the auditor's
choices depend, and numbers of guesses that were fixed before anybody saw a score.

A bound of 0 is a result (nothing was shown). A bound never certifies privacy: beside it belongs `largest_bound`, what
perfect guesses would have shown.
"""

from __future__ import annotations

from math import log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from workbench.errors import BadInput, EmptyData, Misconfigured
from workbench.evidence.intervals import LEVEL

Floats = NDArray[np.float64]

PRECISION = 1e-9
"""How far below the largest refuted epsilon a bound may lie."""


class Tally(NamedTuple):
    """How the guesses went."""

    canaries: int
    """m: canaries whose coin was tossed."""
    guesses: int
    """r: canaries that were guessed."""
    right: int
    """v: guesses that were right."""


def guess(
    scores: ArrayLike, positive_guesses: int, negative_guesses: int, *, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Return a guess per canary, (m,): 1 ("trained on") for the highest scores, -1 for the lowest, 0 abstains.

    Equal scores are ordered by `rng`, never by place: canaries may lie in an order that tells who was trained on. The
    two numbers are fixed before scores are seen; whoever tries several and keeps the best has no valid bound.

    Args:
        scores: (m,), higher is more likely trained on; no NaN.
        positive_guesses: how many to guess in.
        negative_guesses: how many to guess out.
        rng: breaks ties; must know nothing of the coins.

    Raises `BadInput` for scores that are not numbers, `Misconfigured` for more guesses than canaries.
    """
    values = np.asarray(scores, dtype=np.float64)
    m = len(values)
    if np.isnan(values).any():
        raise BadInput(f"{int(np.isnan(values).sum())} of {m} canaries have a score that is not a number; score all")
    if positive_guesses < 0 or negative_guesses < 0 or positive_guesses + negative_guesses > m:
        raise Misconfigured(
            f"{positive_guesses} guesses in and {negative_guesses} out do not fit {m} canaries; guess on fewer"
        )
    order = np.lexsort((rng.permutation(m), values))
    guesses = np.zeros(m, dtype=np.int8)
    guesses[order[m - positive_guesses :]] = 1
    guesses[order[:negative_guesses]] = -1
    return guesses


def tally(guesses: ArrayLike, included: ArrayLike) -> Tally:
    """Return how many `guesses` (m,) of -1, 0, 1 agree with the coins `included` (m,), True where trained on.

    Raises `BadInput` where the two do not fit each other, `EmptyData` without canaries.
    """
    guessed, coins = np.asarray(guesses), np.asarray(included)
    if coins.dtype != np.bool_ or guessed.shape != coins.shape or not np.isin(guessed, (-1, 0, 1)).all():
        raise BadInput(
            f"a tally needs one guess of -1, 0 or 1 and one coin (True or False) per canary; "
            f"got {guessed.shape} guesses and {coins.shape} coins of {coins.dtype}"
        )
    if not len(coins):
        raise EmptyData("there are no canaries to tally; plant some before training")
    right = np.where(coins, guessed == 1, guessed == -1)
    return Tally(len(coins), int((guessed != 0).sum()), int(right.sum()))


def p_value(m: int, r: int, v: int, epsilon: ArrayLike, delta: float) -> Floats:
    """Return the largest probability of `v` or more right guesses under (epsilon, delta), shaped as `epsilon`.

    Below 1e-308 it is 0 by underflow; `log_p_value` is exact there.

    Args:
        m: canaries, each trained on by a fair coin.
        r: guesses, at most m.
        v: right guesses, at most r.
        epsilon: at least 0, any shape.
        delta: in [0, 1].

    Raises `BadInput` for numbers outside these ranges.
    """
    return np.asarray(np.exp(log_p_value(m, r, v, epsilon, delta)), dtype=np.float64)


def log_p_value(m: int, r: int, v: int, epsilon: ArrayLike, delta: float) -> Floats:
    """Return the natural logarithm of `p_value`, at most 0; arguments and errors as there."""
    check_counts(m, r, v)
    _check_delta(delta)
    epsilons = np.asarray(epsilon, dtype=np.float64)
    if not (epsilons >= 0).all():
        raise BadInput(f"epsilon must be at least 0; got {epsilons[~(epsilons >= 0)].ravel()[0]}")
    found = [_log_p_value(m, r, v, float(each), delta) for each in epsilons.ravel()]
    return np.asarray(found, dtype=np.float64).reshape(epsilons.shape)


def epsilon_lower_bound(m: int, r: int, v: int, delta: float, confidence: float = LEVEL) -> float:
    """Return the largest epsilon that `v` right of `r` guesses about `m` canaries refute, 0.0 where they refute none.

    With probability `confidence` or more it is no larger than the true epsilon at `delta`. Found by bisection, and at
    most `PRECISION` below the largest. Raises `BadInput` for impossible counts or a confidence outside (0.5, 1).
    """
    check_counts(m, r, v, confidence)
    _check_delta(delta)
    # The refuted epsilons are all those below one number, because p rises with q wherever p < 1/2. With c = 2 m delta /
    # i a term of the maximum is (1 - c) f(v) + c f(v - i). For c <= 1 it rises, as both tails do. For c > 1 it exceeds
    # f(v - i), which is then below 1/2: v - i lies above the binomial's median, its density falls from there on, and
    # f(v - i) rises faster than f(v).
    threshold = log1p(-confidence)

    def refuted(epsilon: float) -> bool:
        return _log_p_value(m, r, v, epsilon, delta) <= threshold

    if not refuted(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while refuted(high):
        low, high = high, 2 * high
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def largest_bound(m: int, r: int, delta: float, confidence: float = LEVEL) -> float:
    """Return the bound that `r` guesses, all of them right, would show: the most that this design can."""
    return epsilon_lower_bound(m, r, r, delta, confidence)


def check_counts(m: int, r: int, v: int, confidence: float = LEVEL) -> None:
    """Raise `BadInput` unless `v` of `r` guesses about `m` canaries can be right and `confidence` lies in (0.5, 1)."""
    if not 0 <= v <= r <= m or m < 1:
        raise BadInput(f"a one-run audit needs 0 <= right <= guesses <= canaries; got {v} of {r} guesses, {m} canaries")
    if not 0.5 < confidence < 1:
        raise BadInput(f"the confidence of a bound must lie between 0.5 and 1; got {confidence}")


def _log_p_value(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
    if v == 0:
        return 0.0
    # Wrong guesses are counted, because 1 - q keeps its digits where q rounds to 1; and in logarithms, because the
    # probabilities of thousands of coins underflow.
    wrong = stats.binom.logpmf(np.arange(r + 1), r, special.expit(-epsilon))
    at_least_v = float(np.logaddexp.reduce(wrong[: r - v + 1]))  # log f(v) = log P(wrong <= r - v)
    if delta == 0:
        return min(at_least_v, 0.0)
    between = np.logaddexp.accumulate(wrong[r - v + 1 :])  # log (f(v - i) - f(v)), i = 1 .. v
    worst = float((between - np.log(np.arange(1, v + 1))).max())
    return min(float(np.logaddexp(at_least_v, worst + np.log(2 * m * delta))), 0.0)


def _check_delta(delta: float) -> None:
    if not 0 <= delta <= 1:
        raise BadInput(f"delta must lie between 0 and 1; got {delta}")
