from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.bench.coverage import simulated
from workbench.evidence.intervals import normal_quantile, wilson, wilson_bounds
from workbench.evidence.simultaneous import (
    Difference,
    GroupRates,
    differences,
    from_limits,
    max_gap,
    max_gap_to_overall,
    max_t,
    min_ratio,
    min_ratio_to_overall,
    minimum,
)


def group_rates(hits, totals, rng, *, replicates=2000):
    """Return rates of groups of people with one row each, and their bootstrap (multinomial over all people)."""
    hits, totals = np.asarray(hits, dtype=float), np.asarray(totals, dtype=float)
    drawn = rng.multinomial(int(totals.sum()), totals / totals.sum(), size=replicates)
    return GroupRates(
        values=hits / totals,
        replicates=rng.binomial(drawn, hits / totals) / drawn,
        n=totals,
        one_each=True,
        disjoint=True,
    )


def newcombe(x1, n1, x2, n2):
    """Return method 10 of Newcombe 1998, from its formula."""
    a, b = wilson(x1, n1), wilson(x2, n2)
    p1, p2 = x1 / n1, x2 / n2
    return (
        p1 - p2 - np.hypot(p1 - a.low, b.high - p2),
        p1 - p2 + np.hypot(a.high - p1, p2 - b.low),
    )


def test_two_groups_are_newcombes_interval():
    rates = group_rates([56, 48], [70, 80], np.random.default_rng(0), replicates=50_000)
    (pair,) = differences([rates])
    # Newcombe 1998, table II, 56/70 - 48/80, method 10: 0.0524 to 0.3339
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (pair.low, pair.high) == pytest.approx((0.0524, 0.3339), abs=0.004)
    assert pair.value == pytest.approx(56 / 70 - 48 / 80)


def test_differences_from_limits_are_newcombes_and_widest_where_the_correlation_is_not_known():
    values, limits = np.array([56 / 70, 48 / 80]), wilson_bounds(np.array([56 / 70, 48 / 80]), [70, 80], critical=1.96)
    (pair,) = from_limits(values, limits, correlation=0.0)
    assert (pair.low, pair.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    (pair,) = from_limits(values, limits, correlation=-1.0)
    assert (pair.low, pair.high) == pytest.approx((limits.low[0] - limits.high[1], limits.high[0] - limits.low[1]))


def test_differences_of_means_cover():
    """Squared errors of probabilities, most near 0, in three groups of unlike size."""
    rng, together, gaps, sizes = np.random.default_rng(6), [], [], (40, 100, 160)
    for _ in range(300):
        drawn = [rng.beta(0.5, 3, size) for size in sizes]
        rates = GroupRates(
            values=np.array([one.mean() for one in drawn]),
            replicates=np.stack([rng.choice(one, (400, len(one))).mean(axis=1) for one in drawn], axis=1),
            n=np.array(sizes, dtype=float),
            one_each=False,
            disjoint=True,
        )
        pairs = differences([rates])
        together.append(all(pair.low <= 0 <= pair.high for pair in pairs))
        gaps.append(max_gap(pairs).low == 0)
    assert min(np.mean(together), np.mean(gaps)) >= 0.92


def test_the_critical_value_of_independent_columns_is_sidaks():
    deviations = np.random.default_rng(1).normal(size=(200_000, 6)) * np.arange(1, 7)
    assert max_t(deviations, deviations.std(axis=0, ddof=1)) == pytest.approx(normal_quantile(0.95, 6), abs=0.02)


def test_columns_without_spread_are_not_ignored():
    deviations = np.zeros((1000, 3))
    assert max_t(deviations, np.zeros(3)) == pytest.approx(normal_quantile(0.95, 3))
    deviations[:, 0] = np.random.default_rng(2).normal(size=1000)
    assert max_t(deviations, np.array([1.0, 0, 0])) >= normal_quantile(0.95, 3)


def test_two_perfect_groups_are_not_certainly_equal():
    rates = group_rates([20, 30], [20, 30], np.random.default_rng(0))
    span = max_gap(differences([rates]))
    assert span.low == 0
    assert span.high == pytest.approx(1 - wilson(20, 20).low, abs=1e-9)


def test_the_gap_runs_from_the_largest_lower_to_the_largest_upper_bound():
    pairs = (
        Difference(0, 0, 1, -0.3, -0.5, -0.1),
        Difference(0, 0, 2, 0.1, -0.05, 0.25),
        Difference(0, 1, 2, 0, -0.2, 0.2),
    )
    assert max_gap(pairs) == (0.1, 0.5)
    assert max_gap(pairs[1:]) == (0.0, 0.25)


def test_people_in_both_groups_shorten_the_difference():
    rng = np.random.default_rng(3)
    common = rng.normal(0.6, 0.04, 4000)
    replicates = np.stack([common, common + 0.1 + rng.normal(0, 0.005, 4000)], axis=1)
    kwargs = {"values": np.array([0.6, 0.7]), "replicates": replicates, "n": np.array([150.0, 150.0]), "one_each": True}
    (apart,) = differences([GroupRates(**kwargs, disjoint=True)])
    (shared,) = differences([GroupRates(**kwargs, disjoint=False)])
    assert shared.high - shared.low < 0.35 * (apart.high - apart.low)


def test_ratio_of_two_groups_is_close_to_the_log_interval_and_holds_when_nobody_is_selected():
    rng = np.random.default_rng(4)
    span = min_ratio([group_rates([120, 200], [400, 400], rng, replicates=20_000)])
    error = np.sqrt(1 / 120 - 1 / 400 + 1 / 200 - 1 / 400)  # Katz et al. 1978
    assert span.low == pytest.approx(0.6 * np.exp(-1.96 * error), abs=0.01)
    assert span.high == pytest.approx(0.6 * np.exp(1.96 * error), abs=0.01)
    none = min_ratio([group_rates([0, 200], [400, 400], rng)])
    assert none.low == 0
    assert 0 < none.high < 0.03
    assert min_ratio([group_rates([0, 0, 5], [40, 40, 40], rng)]).low == 0
    equal = min_ratio([group_rates([200, 200], [400, 400], rng)])
    assert equal.high == 1
    assert 0.8 < equal.low < 1


def test_the_worst_group_is_at_least_as_uncertain_as_alone():
    rates = group_rates([80, 90, 95], [100, 100, 100], np.random.default_rng(5))
    span = minimum(rates)
    alone = wilson(80, 100)
    assert span.low < alone.low
    assert alone.high < span.high < 0.95


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.0, 0.1])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_signed_differences_and_gaps_cover(k, gap):
    rng = np.random.default_rng([k, int(gap * 10)])
    truth = np.linspace(0.8 - gap / 2, 0.8 + gap / 2, k)
    together, gaps, ratios, worst = [], [], [], []
    for _ in range(500):
        totals = rng.multinomial(500, np.full(k, 1 / k))
        rates = group_rates(rng.binomial(totals, truth), totals, rng, replicates=800)
        pairs = differences([rates])
        together.append(all(p.low <= truth[p.first] - truth[p.second] <= p.high for p in pairs))
        gaps.append(max_gap(pairs).low <= truth[-1] - truth[0] <= max_gap(pairs).high)
        ratios.append(min_ratio([rates]).low <= truth[0] / truth[-1] <= min_ratio([rates]).high)
        worst.append(minimum(rates).low <= truth[0] <= minimum(rates).high)
    noise = 2.6 * np.sqrt(0.95 * 0.05 / 500)  # one in a hundred would miss by more
    assert 0.95 - noise <= np.mean(together) <= 0.95 + noise + 0.01
    assert min(np.mean(gaps), np.mean(ratios), np.mean(worst)) >= 0.95 - noise


def beside_rest(hits, totals, rng, *, replicates):
    """Return each group beside the rest, with its bootstrap over people."""
    return simulated(hits, totals, replicates, rng)[1]


def test_a_group_that_is_nearly_everybody_is_close_to_all_together():
    one = beside_rest(np.array([700, 10]), np.array([900, 100]), np.random.default_rng(1), replicates=4000)
    assert one[0].all_together == pytest.approx(0.71, abs=1e-12)
    alone = max_gap_to_overall(one[:1])
    value = 700 / 900 - 0.71
    assert alone.low < value < alone.high
    # (1 - w) times Newcombe's interval of two rates of different people
    wide = differences([one[0].rates])[0]
    assert (alone.low, alone.high) == (
        pytest.approx(0.1 * wide.low, rel=0.05),
        pytest.approx(0.1 * wide.high, rel=0.05),
    )
    ratio = min_ratio_to_overall(one)
    assert ratio.low < 0.1 / 0.71 < ratio.high < 0.5
    none = min_ratio_to_overall(
        beside_rest(np.array([0, 0]), np.array([40, 40]), np.random.default_rng(1), replicates=99)
    )
    assert (none.low, none.high) == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.12, 0.08)])
@pytest.mark.parametrize(("base", "gap"), [(0.8, 0.0), (0.8, 0.1), (0.95, 0.04)])
def test_gaps_to_overall_cover(shares, base, gap):
    rng = np.random.default_rng([len(shares), int(1000 * base), int(gap * 100)])
    truth = np.linspace(base - gap / 2, base + gap / 2, len(shares))
    overall = truth @ shares
    gaps, ratios = [], []
    for _ in range(300):
        totals = rng.multinomial(500, shares)
        each = beside_rest(rng.binomial(totals, truth), totals, rng, replicates=600)
        span, least = max_gap_to_overall(each), min_ratio_to_overall(each)
        gaps.append(span.low <= np.abs(truth - overall).max() + 1e-12 <= span.high + 2e-12)
        ratios.append(least.low <= np.minimum(truth / overall, overall / truth).min() <= least.high + 1e-12)
    noise = 2.6 * np.sqrt(0.95 * 0.05 / 300)
    assert min(np.mean(gaps), np.mean(ratios)) >= 0.95 - noise


@pytest.mark.slow
def test_a_percentile_bootstrap_of_the_maximum_would_cover_nothing():
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(100):
        totals = np.full(4, 125)
        rates = group_rates(rng.binomial(totals, 0.8), totals, rng, replicates=400)
        low = np.quantile(np.ptp(rates.replicates, axis=1), 0.025)
        covered.append(low <= 0)
    assert np.mean(covered) == 0
    assert stats.binom.sf(0, 100, 0.95) > 0.99  # and chance would not do that to an honest interval
