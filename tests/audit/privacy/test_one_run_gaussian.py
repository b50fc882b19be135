from __future__ import annotations

import math

import numpy as np
import pytest
from dp_accounting import get_epsilon_gaussian, get_sigma_gaussian
from scipy import special, stats

from workbench.audit.privacy import one_run
from workbench.audit.privacy.one_run import guess, tally
from workbench.audit.privacy.one_run_gaussian import (
    epsilon_lower_bound,
    epsilon_of,
    gaussian_trade_off,
    mu_lower_bound,
    refutes,
)
from workbench.errors import BadInput


def vertices(right, wrong):
    """The vertices of the upper convex hull of counts that only rise."""
    kept = np.arange(len(right))
    while len(kept) > 2:
        up, along = np.diff(right[kept]), np.diff(wrong[kept])
        below = up[:-1] * along[1:] <= up[1:] * along[:-1]
        if not below.any():
            break
        kept = kept[np.concatenate([[True], ~below, [True]])]
    return kept


@pytest.mark.parametrize(("shift", "printed"), [(1, 2.164749), (2, 4.7218075), (4, 9.133752)])
def test_the_figures_of_jax_privacy_come_out(shift, printed):
    # jax_privacy (Google DeepMind), auditing_test.py, test_epsilon_one_run_close: 10,000 canaries in and as many out
    # with scores at the normal quantiles, delta 1e-6, 95% by Bonferroni over the vertices of the ROC curve.
    n = 10_000
    out = stats.norm.ppf((np.arange(n) + 0.5) / n)
    thresholds = np.append(np.union1d(out, out + shift), np.inf)[::-1]
    right, wrong = n - np.searchsorted(out + shift, thresholds), n - np.searchsorted(out, thresholds)
    kept = vertices(right, wrong)
    confidence = 1 - 0.05 / len(kept)

    def refuted_anywhere(epsilon):
        curve = gaussian_trade_off(1 / get_sigma_gaussian(epsilon, 1e-6))
        pairs = zip(right[kept].tolist(), wrong[kept].tolist(), strict=True)
        return any(r > w and refutes(2 * n, r + w, r, curve, confidence) for r, w in pairs)

    assert refuted_anywhere(printed * (1 - 1e-5))
    assert not refuted_anywhere(printed * (1 + 1e-5))


@pytest.mark.parametrize("mu", [0.1, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-5, 0.01])
def test_epsilon_is_that_of_dp_accounting(mu, delta):
    assert epsilon_of(mu, delta) == pytest.approx(get_epsilon_gaussian(1 / mu, delta), rel=1e-6, abs=1e-8)


def test_epsilon_is_zero_where_delta_alone_covers_it():
    assert epsilon_of(0.0, 1e-5) == 0
    assert epsilon_of(0.02, 0.01) == 0  # total variation 2 Phi(mu / 2) - 1 = 0.008
    assert epsilon_of(0.03, 0.01) > 0


def pure_trade_off(epsilon):
    """That of randomised response."""
    factor = math.exp(epsilon)
    return lambda x: max(0.0, 1 - factor * x, (1 - x) / factor)


@pytest.mark.parametrize("r", [1, 10, 50, 200])
def test_no_true_trade_off_is_refuted_by_what_it_yields_often_enough(r):
    # All canaries guessed, each independently and as well as its trade-off allows: right with probability q.
    for mu in (0.0, 0.5, 1.0, 3.0):
        likely = stats.binom.sf(np.arange(r + 1) - 1, r, stats.norm.cdf(mu / 2)) > 0.05
        assert not any(refutes(r, r, int(v), gaussian_trade_off(mu)) for v in np.flatnonzero(likely))
    for epsilon in (0.0, 1.0, 3.0):
        likely = stats.binom.sf(np.arange(r + 1) - 1, r, special.expit(epsilon)) > 0.05
        assert not any(refutes(r, r, int(v), pure_trade_off(epsilon)) for v in np.flatnonzero(likely))


def test_the_bound_holds_for_a_gaussian_mechanism_and_is_tighter_than_epsilon_and_delta():
    rng, m, k, mu, tight, loose = np.random.default_rng(1), 500, 40, 1.5, [], []
    known = {}
    for _ in range(2000):
        coins = rng.random(m) < 0.5
        counts = tally(guess(mu * coins + rng.normal(size=m), k, k, rng=rng), coins)
        if counts not in known:
            known[counts] = mu_lower_bound(*counts), one_run.epsilon_lower_bound(*counts, 1e-5)
        tight.append(known[counts][0])
        loose.append(known[counts][1])
    assert (np.array(tight) > mu).sum() <= stats.binom.ppf(0.999, 2000, 0.05)
    assert np.median(tight) > 0.5 * mu
    assert epsilon_of(float(np.median(tight)), 1e-5) > 1.5 * np.median(loose)


def test_a_bound_of_zero_is_exact_and_errors_tell_the_ranges():
    assert mu_lower_bound(100, 100, 50) == 0.0
    assert epsilon_lower_bound(100, 100, 50, 1e-5) == 0.0
    assert epsilon_lower_bound(2000, 2000, 1700, 1e-5) == epsilon_of(mu_lower_bound(2000, 2000, 1700), 1e-5) > 1
    with pytest.raises(BadInput, match="0 <= right <= guesses <= canaries"):
        mu_lower_bound(10, 5, 6)
    with pytest.raises(BadInput, match="confidence of a bound"):
        mu_lower_bound(10, 5, 5, 0.3)
    with pytest.raises(BadInput, match="mu must be at least 0; got -1"):
        gaussian_trade_off(-1.0)
    with pytest.raises(BadInput, match=r"delta in \(0, 1\)"):
        epsilon_of(1.0, 0.0)
