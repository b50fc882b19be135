from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.evidence.intervals import clopper_pearson, normal_quantile, quantile_interval, wilson

CASES = [(0, 1), (1, 1), (0, 10), (10, 10), (3, 7), (9, 10), (45, 300), (2799, 2800)]


@pytest.mark.parametrize(("successes", "n"), CASES)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_agrees_with_scipy(successes, n, level):
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    ours = wilson(successes, n, level=level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.level == level


@pytest.mark.parametrize(("successes", "n"), CASES)
def test_clopper_pearson_agrees_with_scipy(successes, n):
    theirs = stats.binomtest(successes, n).proportion_ci(0.95, method="exact")
    ours = clopper_pearson(successes, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(interval, successes, n):
    with pytest.raises(ValueError, match="0 <= successes <= n"):
        interval(successes, n)


@pytest.mark.parametrize("n", [6, 20, 59, 100, 400])
@pytest.mark.parametrize("q", [0.5, 0.95])
def test_order_statistics_hold_their_level_exactly_and_none_does_in_fewer_ranks(n, q):
    found = quantile_interval(list(range(1, n + 1)), q)
    cdf = stats.binom.cdf(np.arange(n), n, q)  # P(B <= b); the b-th value lies below the quantile when B >= b
    ranks = range(1, n + 1)
    widths = [j - i for i in ranks for j in ranks if j > i and cdf[j - 1] - cdf[i - 1] >= 0.95]
    if not widths:
        assert found is None
        return
    assert found is not None
    i, j = int(found.low), int(found.high)
    assert cdf[j - 1] - cdf[i - 1] >= 0.95
    assert j - i == min(widths)


def test_too_few_values_for_a_quantile_give_none():
    assert quantile_interval([], 0.5) is None
    assert quantile_interval([1.0] * 5, 0.5) is None
    assert quantile_interval(list(range(58)), 0.95) is None
    assert quantile_interval(list(range(59)), 0.95) is not None


def test_order_statistics_cover_the_quantile_of_a_skewed_distribution():
    rng = np.random.default_rng(3)
    truth = float(stats.expon.ppf(0.95))
    found = [quantile_interval(rng.exponential(size=100), 0.95) for _ in range(1000)]
    assert np.mean([f is not None and f.low <= truth <= f.high for f in found]) >= 0.945


def test_several_comparisons_need_a_larger_critical_value():
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(0.95, 10) == pytest.approx(stats.norm.ppf((1 + 0.95**0.1) / 2))
