"""The interval of a product covers as often as it says: counted exactly, over every outcome that there can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Interval
from workbench.evidence.products import product_interval


def limits(n, most):
    """Return (successes, judged, kept) and the limits of share x share kept, for every outcome of sampling twice."""
    outcomes, bounds = [], []
    for fell in range(n + 1):
        judged = min(fell, most)
        for kept in range(judged + 1):
            first = wilson(fell, n)
            held = first
            if judged:
                held = product_interval(fell / n, first, kept / judged, wilson(kept, judged))
            outcomes.append((fell, judged, kept))
            bounds.append((held.low, held.high))
    return np.array(outcomes), np.array(bounds)


def coverage(outcomes, bounds, n, p, q, least=5):
    """Return the chance that the limits hold p x q, where at least `least` (or all) of the fallen were judged."""
    fell, judged, kept = outcomes.T
    weight = stats.binom.pmf(fell, n, p) * stats.binom.pmf(kept, judged, q)
    weight = np.where(judged >= np.minimum(least, fell), weight, 0)
    return (weight * ((bounds[:, 0] <= p * q) & (p * q <= bounds[:, 1]))).sum() / weight.sum()


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("most", [5, 15, 60], ids="at most {} judged".format)
def test_coverage_is_about_what_is_claimed(n, most):
    outcomes, bounds = limits(n, most)
    found = np.array(
        [
            coverage(outcomes, bounds, n, p, q)
            for p in (0.1, 0.3, 0.5, 0.8, 0.95)
            for q in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
        ]
    )
    # As Wilson's own: near 95% on average, with dips where counts are few.
    assert 0.94 <= found.mean() <= 0.985
    assert found.min() > 0.9


def test_ignoring_that_only_some_were_judged_would_cover_too_little():
    """What the method is for: the interval of the success rate, scaled, forgets the doubt about the share kept."""
    n, most, p, q = 60, 10, 0.8, 0.5
    outcomes, bounds = limits(n, most)
    scaled = np.array(
        [
            (wilson(fell, n).low * share, wilson(fell, n).high * share)
            for fell, judged, kept in outcomes
            for share in [kept / judged if judged else 1.0]
        ]
    )
    assert coverage(outcomes, scaled, n, p, q) < 0.6
    assert coverage(outcomes, bounds, n, p, q) > 0.94


@pytest.mark.parametrize(("fell", "kept"), [(30, 15), (50, 45), (20, 2)])
def test_where_all_were_judged_it_is_about_the_interval_of_the_plain_share(fell, kept):
    n = 100
    held = product_interval(fell / n, wilson(fell, n), kept / fell, wilson(kept, fell))
    plain = wilson(kept, n)
    assert held.low == pytest.approx(plain.low, abs=0.03)
    assert held.high == pytest.approx(plain.high, abs=0.03)
    assert held.low < kept / n < held.high


def test_many_judged_leave_the_first_interval_and_many_examples_the_second():
    sure = Interval(low=0.5, high=0.5, method="known")
    other = wilson(30, 60)
    held = product_interval(0.5, other, 0.5, sure)
    assert (held.low, held.high) == pytest.approx((other.low / 2, other.high / 2))
    held = product_interval(0.5, sure, 0.5, other)
    assert (held.low, held.high) == pytest.approx((other.low / 2, other.high / 2))


@pytest.mark.parametrize(("kept", "value"), [(0, 0.0), (10, 0.5)])
def test_nobody_or_everybody_says_yes_and_there_is_still_doubt(kept, value):
    held = product_interval(0.5, wilson(20, 40), kept / 10, wilson(kept, 10))
    assert held.low <= value <= held.high
    assert held.high - held.low > 0.1


def test_ten_of_ten_widen_the_interval_though_a_bootstrap_of_them_would_see_no_spread():
    rate = wilson(20, 40)
    held = product_interval(0.5, rate, 1.0, wilson(10, 10))
    assert held.low < rate.low - 0.02
    assert held.high == rate.high


def test_levels_must_agree():
    with pytest.raises(ValueError, match="different levels"):
        product_interval(0.5, wilson(5, 10), 0.5, wilson(5, 10, level=0.9))
