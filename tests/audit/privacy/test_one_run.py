from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from workbench.audit.privacy.one_run import (
    Tally,
    epsilon_lower_bound,
    guess,
    largest_bound,
    log_p_value,
    p_value,
    tally,
)
from workbench.errors import BadInput, EmptyData, Misconfigured

PUBLISHED = {
    # Steinke, Nasr and Jagielski 2023 (arXiv 2305.08846v1): the first three in appendix D, the last in section 7.
    (100, 100, 75, 0.0): 0.702,
    (100, 100, 75, 1e-4): 0.699,
    (1000, 100, 75, 1e-4): 0.673,
    (100_000, 1510, 1439, 1e-5): 2.675,
}
TOLERATED = stats.binom.ppf(0.999, 2000, 0.05)  # of 2,000 bounds at 95%, so many may lie too high by chance


def naive(m, r, v, q, delta):
    """Theorem 5.2 term by term, in whole numbers: nothing is rounded."""

    terms = [math.comb(r, j) * q**j * (1 - q) ** (r - j) for j in range(r + 1)]
    f = {k: sum(terms[max(k, 0) :]) for k in range(v - m, v + 1)}
    worst = max((f[v - i] - f[v]) / i for i in range(1, m + 1))
    return float(min(f[v] + 2 * m * Fraction(delta) * worst, Fraction(1)))


def bounds(right, m, delta):
    """The bound for each of `right` (k,) out of m guesses of m."""
    known = {v: epsilon_lower_bound(m, m, int(v), delta) for v in np.unique(right)}
    return np.array([known[v] for v in right])


@pytest.mark.parametrize(("counts", "printed"), PUBLISHED.items())
def test_the_figures_printed_in_the_paper_come_out(counts, printed):
    assert epsilon_lower_bound(*counts) == pytest.approx(printed, abs=1e-3)  # it rounds some and truncates others


@pytest.mark.parametrize(("m", "r"), [(1, 1), (12, 12), (40, 7), (30, 29)])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 0.01, 0.2])
def test_the_p_value_is_the_theorem_in_exact_fractions(m, r, delta):
    for odds in (Fraction(1), Fraction(3, 2), Fraction(50)):
        for v in range(1, r + 1, 2):
            exact = naive(m, r, v, odds / (1 + odds), delta)
            assert p_value(m, r, v, math.log(odds), delta) == pytest.approx(exact, rel=1e-11)


def test_steps_beyond_the_right_guesses_never_decide_the_maximum():
    # The theorem's maximum runs over 1 .. m, ours over 1 .. v: `naive` takes all of them.
    assert p_value(200, 5, 2, math.log(1.5), 1e-3) == pytest.approx(naive(200, 5, 2, Fraction(3, 5), 1e-3), rel=1e-12)


def test_an_array_of_epsilons_gives_an_array_of_p_values():
    epsilons = np.array([[0.0, 0.5, 1.0], [2.0, 8.0, 900.0]])
    found = p_value(300, 80, 70, epsilons, 1e-5)
    assert found.shape == (2, 3)
    assert (np.diff(found.ravel()) >= 0).all()
    assert found[1, 2] == 1
    assert found[0, 1] == p_value(300, 80, 70, 0.5, 1e-5)


def test_tiny_p_values_keep_their_logarithm():
    assert log_p_value(10_000, 10_000, 10_000, 0.0, 0.0) == pytest.approx(10_000 * math.log(0.5), rel=1e-12)
    q = 1 / (1 + math.exp(-2))
    all_but_one = 9_999 * math.log(q) + math.log(q + 10_000 * (1 - q))  # log of q^10000 + 10000 q^9999 (1 - q)
    assert log_p_value(10_000, 10_000, 9_999, 2.0, 0.0) == pytest.approx(all_but_one, rel=1e-12)


@pytest.mark.parametrize(("m", "r", "v", "delta"), [(300, 100, 75, 1e-4), (300, 100, 99, 0.02), (50, 50, 50, 0.1)])
def test_the_refuted_epsilons_are_all_those_up_to_the_bound(m, r, v, delta):
    # In the last two, 2 m delta is above 1, where the theorem's bound is not monotone by itself.
    bound = epsilon_lower_bound(m, r, v, delta)
    grid = np.linspace(0, 8, 1601)
    np.testing.assert_array_equal(p_value(m, r, v, grid, delta) <= 0.05, (grid <= bound) & (bound > 0))


def test_perfect_guesses_show_what_the_closed_form_says():
    q = 0.05 ** (1 / 2000)  # q^r = 1 - confidence
    assert largest_bound(2000, 2000, 0.0) == pytest.approx(math.log(q / (1 - q)), abs=2e-9)
    assert largest_bound(2000, 2000, 0.0) == pytest.approx(6.503, abs=5e-4)
    assert largest_bound(2000, 2000, 1e-5) == pytest.approx(6.449, abs=5e-4)


def test_fifty_guesses_cannot_refute_three_and_sixty_two_can():
    assert largest_bound(50, 50, 0.0) == pytest.approx(2.785, abs=5e-4)
    assert largest_bound(50, 50, 1e-5) < 3
    assert largest_bound(61, 61, 0.0) < 3 < largest_bound(62, 62, 0.0)


def test_guesses_that_show_nothing_give_exactly_zero():
    assert epsilon_lower_bound(100, 100, 50, 1e-5) == 0.0
    assert epsilon_lower_bound(100, 100, 58, 0.0) == 0.0  # P(58 or more of 100) = 0.067
    assert epsilon_lower_bound(100, 100, 59, 0.0) > 0  # 0.044
    assert epsilon_lower_bound(100, 0, 0, 1e-5) == 0.0


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 4.0])
def test_the_bound_holds_and_is_of_use_for_randomised_response(epsilon):
    # The extreme case of the theorem: each coin is published, and turned over with probability 1 / (1 + e^epsilon).
    rng, m = np.random.default_rng(7), 1000
    right = rng.binomial(m, 1 / (1 + math.exp(-epsilon)), size=2000)
    found = bounds(right, m, 1e-5)
    assert (found > epsilon).sum() <= TOLERATED
    assert np.median(found) >= 0.8 * epsilon


def test_the_delta_term_is_needed_and_is_enough_where_some_coins_are_published():
    # Each coin is published with probability delta: (0, delta)-differential privacy. The auditor guesses 20 coins,
    # the published ones rightly and the rest blindly.
    rng, m, r, delta = np.random.default_rng(8), 1000, 20, 0.01
    published = np.minimum(rng.binomial(m, delta, size=2000), r)
    right = published + rng.binomial(r - published, 0.5)
    with_term = np.array([epsilon_lower_bound(m, r, int(v), delta) for v in range(r + 1)])[right]
    without = np.array([epsilon_lower_bound(m, r, int(v), 0.0) for v in range(r + 1)])[right]
    assert (with_term > 0).sum() <= TOLERATED
    assert (without > 0).mean() > 0.5


def test_a_mechanism_four_times_as_leaky_as_claimed_is_refuted():
    rng, m = np.random.default_rng(9), 200
    right = rng.binomial(m, 1 / (1 + math.exp(-4)), size=500)
    assert (bounds(right, m, 1e-5) > 1).mean() >= 0.95


def test_guesses_from_scores_of_a_gaussian_mechanism_respect_its_epsilon():
    from dp_accounting import get_epsilon_gaussian

    rng, m, k, found = np.random.default_rng(10), 400, 40, []
    for _ in range(300):
        coins = rng.random(m) < 0.5
        counts = tally(guess(coins + rng.normal(size=m), k, k, rng=rng), coins)
        assert (counts.canaries, counts.guesses) == (m, 2 * k)
        found.append(epsilon_lower_bound(*counts, 1e-5))
    assert max(found) < get_epsilon_gaussian(1.0, 1e-5)  # 4.38
    assert np.median(found) > 0.7


def test_the_best_of_many_numbers_of_guesses_has_no_valid_bound():
    # Why the numbers are arguments: with scores that know nothing, the best of twenty choices claims too much.
    rng, m, best, fixed = np.random.default_rng(11), 200, 0, 0
    for _ in range(200):
        coins, scores = rng.random(m) < 0.5, rng.normal(size=m)
        shown = [epsilon_lower_bound(*tally(guess(scores, k, k, rng=rng), coins), 0.0) > 0 for k in range(5, 101, 5)]
        best, fixed = best + any(shown), fixed + shown[9]
    assert fixed <= stats.binom.ppf(0.999, 200, 0.05)
    assert best > stats.binom.ppf(0.999, 200, 0.05)


def test_the_highest_are_guessed_in_and_the_lowest_out():
    scores = [0.1, np.inf, -3.0, 2.0, 0.5, -np.inf]
    np.testing.assert_array_equal(guess(scores, 2, 1, rng=np.random.default_rng(0)), [0, 1, 0, 1, 0, -1])
    np.testing.assert_array_equal(guess(scores, 0, 0, rng=np.random.default_rng(0)), [0] * 6)
    assert sorted(guess(scores, 3, 3, rng=np.random.default_rng(0))) == [-1, -1, -1, 1, 1, 1]


@pytest.mark.parametrize("scores", [np.zeros(1000), np.arange(1000) % 2])
def test_ties_are_not_broken_by_place_which_may_tell_who_was_trained_on(scores):
    coins = np.arange(1000) >= 500  # in order: a stable sort would guess all of them rightly from equal scores
    right = [tally(guess(scores, 500, 500, rng=np.random.default_rng(seed)), coins).right for seed in range(40)]
    assert abs(np.mean(right) - 500) < 15


def test_a_tally_counts_by_hand():
    coins = np.array([True, True, False, False, True])
    assert tally([1, -1, -1, 0, 0], coins) == Tally(canaries=5, guesses=3, right=2)


def test_what_cannot_be_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(BadInput, match="1 of 2 canaries have a score that is not a number"):
        guess([0.0, np.nan], 1, 0, rng=rng)
    with pytest.raises(Misconfigured, match="2 guesses in and 2 out do not fit 3 canaries"):
        guess([0.0, 1.0, 2.0], 2, 2, rng=rng)
    with pytest.raises(Misconfigured, match="do not fit"):
        guess([0.0, 1.0, 2.0], -1, 2, rng=rng)
    with pytest.raises(BadInput, match="one guess of -1, 0 or 1"):
        tally([1, 2], np.array([True, False]))
    with pytest.raises(BadInput, match="coins of int"):
        tally([1, -1], np.array([1, 0]))
    with pytest.raises(EmptyData, match="plant some"):
        tally([], np.array([], dtype=np.bool_))
    for counts in [(10, 11, 5), (10, 5, 6), (10, 5, -1), (0, 0, 0)]:
        with pytest.raises(BadInput, match="0 <= right <= guesses <= canaries"):
            epsilon_lower_bound(*counts, 1e-5)
    with pytest.raises(BadInput, match="delta must lie between"):
        p_value(10, 5, 5, 1.0, 1.5)
    with pytest.raises(BadInput, match="epsilon must be at least 0; got -1"):
        p_value(10, 5, 5, [0.0, -1.0], 0.0)
    for confidence in (0.5, 1.0, 95):
        with pytest.raises(BadInput, match="confidence of a bound"):
            epsilon_lower_bound(10, 5, 5, 0.0, confidence)
