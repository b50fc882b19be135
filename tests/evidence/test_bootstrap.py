from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.evidence.bootstrap import (
    CELLS,
    People,
    auc_interval,
    bounded,
    draws,
    mean_interval,
    median_interval,
    percentile,
    proportion_interval,
    rare_interval,
    replicate,
    score_interval,
)
from workbench.evidence.intervals import clopper_pearson, quantile_interval, wilson, wilson_bounds
from workbench.evidence.weighted import roc_auc


def rng(seed=0):
    return np.random.default_rng(seed)


def test_people_are_counted_and_summed():
    people = People(np.array([7, 3, 7, 9]))
    assert people.size == 3
    assert not people.one_each
    np.testing.assert_array_equal(people.rows, [1, 0, 1, 2])
    np.testing.assert_array_equal(people.totals(np.array([[1.0], [2.0], [4.0], [8.0]])), [[2], [5], [8]])
    assert people.among(np.array([True, True, False, True])).one_each
    np.testing.assert_array_equal(People(np.array([2, 0, 1])).totals(np.array([[5.0], [6.0], [7.0]])), [[6], [7], [5]])


def test_every_replicate_draws_as_many_people_as_there_are_within_each_stratum():
    people = People(np.arange(50))
    strata = np.array([0] * 20 + [1] * 30)
    counts = np.concatenate(list(draws(people, replicates=300, rng=rng(), strata=strata)))
    assert counts.shape == (300, 50)
    assert (counts[:, :20].sum(axis=1) == 20).all()
    assert (counts[:, 20:].sum(axis=1) == 30).all()
    free = np.concatenate(list(draws(people, replicates=300, rng=rng())))
    assert (free.sum(axis=1) == 50).all()
    assert len(set(free[:, :20].sum(axis=1))) > 5
    assert free.mean() == 1
    assert free.var() == pytest.approx(1 - 1 / 50, abs=0.02)  # binomial(50, 1/50)


def test_strata_keep_people_with_several_labels_apart():
    people = People(np.array([0, 0, 1, 2, 2]))
    np.testing.assert_array_equal(people.strata(np.array([1, 1, 0, 0, 1])), [1, 0, -1])


def test_chunks_do_not_change_what_is_drawn_for_the_same_seed():
    people = People(np.arange(40))
    first = replicate(people, lambda c: c[:, 0], replicates=100, rng=rng(5))
    np.testing.assert_array_equal(first, replicate(people, lambda c: c[:, 0], replicates=100, rng=rng(5)))


@pytest.mark.parametrize("n", [12, 40, 400])
def test_the_bootstrap_of_a_mean_is_students_interval(n):
    values = rng(1).normal(3, 2, n)
    found = mean_interval(values, People(np.arange(n)), rng=rng(2), replicates=20_000)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    assert found is not None
    assert found.high - found.low == pytest.approx(2 * half, rel=0.04)
    assert found.low == pytest.approx(values.mean() - half, abs=0.2 * half)  # the bootstrap sees the sample's skewness


def test_few_people_get_students_interval_exactly():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    found = mean_interval(values, People(np.arange(4)), rng=rng())
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert mean_interval([1.0], People(np.array([0])), rng=rng()) is None


def test_copies_of_a_persons_rows_add_no_certainty():
    hits = rng(4).random(200) < 0.7
    once = score_interval(hits.astype(float), People(np.arange(200)), rng=rng(), replicates=5000)
    tripled = proportion_interval(np.repeat(hits, 3), People(np.repeat(np.arange(200), 3)), rng=rng(), replicates=5000)
    assert once is not None
    assert tripled is not None
    assert (tripled.low, tripled.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert "bootstrap over people" in tripled.method


def test_one_row_a_person_is_wilson():
    found = proportion_interval([True] * 7 + [False] * 3, People(np.arange(10)), rng=rng())
    assert found == wilson(7, 10)
    assert proportion_interval([], People(np.array([], dtype=np.int64)), rng=rng()) is None


def test_a_perfect_score_is_not_certain():
    found = proportion_interval([True] * 60, People(np.arange(60) // 2), rng=rng())
    assert found is not None
    assert found.low == pytest.approx(wilson(30, 30).low)
    assert found.high == 1
    assert "30 people that the rows are worth" in found.method


def test_undefined_replicates_are_counted_and_too_many_give_nothing():
    values = rng().random(1000)
    values[:40] = np.nan
    found = percentile(values, 50)
    assert found is not None
    assert "1000 replicates; 40 of them undefined and left out" in found.method
    values[:200] = np.nan
    assert percentile(values, 50) is None
    assert bounded(0.5, values, 50) is None


def test_a_value_past_one_by_rounding_is_one_and_further_past_an_error():
    for people in (9, 18):
        found = bounded(1 + 2.3e-16, np.ones(20), people)
        assert found is not None
        assert (found.low, found.high) == (wilson(people, people).low, 1)
    with pytest.raises(ValueError, match="successes"):
        bounded(1.001, np.ones(20), 18)


@pytest.mark.parametrize("rows", [1, 10])
def test_no_chunk_holds_more_cells_than_rows_times_replicates_allow(rows):
    people = People(np.arange(50_000) // rows)
    sizes = [len(counts) for counts in draws(people, replicates=90, rng=rng())]
    assert sizes == [CELLS // 50_000, CELLS // 50_000, 10]


def test_chunks_of_few_rows_draw_what_one_chunk_draws():
    alone, repeated = People(np.arange(2000)), People(np.arange(2_000_000) // 1000)
    first = np.concatenate(list(draws(alone, replicates=8, rng=rng(5))))
    np.testing.assert_array_equal(first, np.concatenate(list(draws(repeated, replicates=8, rng=rng(5)))))


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize(("value", "top"), [(0.0, 1.0), (0.1, 1.0), (2.0, 2.0)])
def test_a_bounded_score_that_all_rows_share_has_wilsons_width(n, value, top):
    found = score_interval([value] * n, People(np.arange(n)), top=top, rng=rng(), replicates=50)
    assert found is not None
    limits = wilson(value / top * n, n)
    assert (found.low, found.high) == pytest.approx((limits.low * top, limits.high * top), abs=1e-12)
    assert found.low < found.high


def test_a_bounded_score_with_spread_has_the_standard_error_of_its_mean():
    values, people = 2 * rng(3).random(60), People(np.arange(60))
    found = score_interval(values, people, top=2, rng=rng(4), replicates=5000)
    half = stats.t.ppf(0.975, 59) * values.std(ddof=1) / np.sqrt(60)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05 * half)
    assert score_interval([], People(np.array([], dtype=np.int64)), rng=rng()) is None


def test_a_share_of_people_with_several_rows_covers_near_one():
    draw, people, spans = rng(5), People(np.repeat(np.arange(50), 3)), []
    for _ in range(200):
        alike = draw.beta(0.97, 0.03, 50)  # correlation 0.5 within people
        hits = draw.random(150) < alike[people.rows]
        spans.append(proportion_interval(hits, people, rng=draw, replicates=200))
    assert sum(one.low > 0.97 for one in spans) <= 9  # 2.5% of 200, and 2 standard errors
    assert sum(one.low <= 0.97 <= one.high for one in spans) >= 184


@pytest.mark.parametrize(
    ("rows", "worth", "truth"),
    [([5] * 30, 30, 0.95), ([1] * 90 + [10] * 10, 33.12, 0.9), ([1] * 90 + [10] * 10, 33.12, 0.95)],
)
def test_a_share_covers_where_people_with_many_rows_make_most_of_it(rows, worth, truth):
    draw, people, covered = rng(3), People(np.repeat(np.arange(len(rows)), rows)), 0
    assert people.worth == pytest.approx(worth, abs=0.01)
    for _ in range(200):
        found = proportion_interval((draw.random(len(rows)) < truth)[people.rows], people, rng=draw, replicates=200)
        covered += found.low <= truth <= found.high
    assert covered >= 184  # of a true 95%, within 3.1 points; replicates alone covered 75% of the second


def test_resampling_shows_a_share_that_ten_people_hit_and_ten_miss():
    people, hits = People(np.repeat(np.arange(30), 2)), np.arange(60) < 20
    assert people.shows(hits)
    assert people.shows(~hits)
    assert not people.shows(np.arange(60) < 18)
    assert not People(np.repeat([0, 1, 2], [50, 5, 5])).shows(np.arange(60) < 30)
    assert not people.shows(np.zeros(60, dtype=np.bool_))


@pytest.mark.parametrize(
    ("positives", "negatives", "truth", "spread"), [(30, 30, 0.98, 1), (15, 200, 0.95, 1), (50, 200, 0.98, 2)]
)
def test_the_lower_limit_of_a_high_auc_is_not_too_high(positives, negatives, truth, spread):
    draw, spans = rng(6), []
    positive = np.repeat([True, False], [positives, negatives])
    people = People(np.arange(len(positive)))
    apart = np.sqrt(1 + spread**2) * stats.norm.ppf(truth)
    for _ in range(200):
        scores = draw.normal(size=len(positive)) * np.where(positive, spread, 1) + apart * positive
        scorer = roc_auc(scores, positive)
        drawn = replicate(people, scorer, replicates=200, rng=draw, strata=people.strata(positive.astype(np.int64)))
        value = float(scorer(np.ones((1, len(positive))))[0])
        spans.append(auc_interval(value, drawn, (positives, negatives)))
    assert sum(one.low > truth for one in spans) <= 9
    assert sum(one.low <= truth <= one.high for one in spans) >= 184


def test_an_auc_is_worth_no_more_trials_than_exponential_scores_allow():
    drawn = 0.95 + 0.001 * rng().normal(size=400)
    found = auc_interval(0.95, drawn, (100, 100))
    trials = 100 * 100 / (1 + 99 * (0.05 / 1.05 + 0.95 / 1.95))
    limits = wilson_bounds(0.95, trials, critical=stats.t.ppf(0.975, 99))
    assert (found.low, found.high) == pytest.approx((float(limits.low), float(limits.high)))
    wide = auc_interval(0.95, 0.95 + 0.04 * rng().normal(size=400), (100, 100))
    assert wide.high - wide.low > found.high - found.low


@pytest.mark.parametrize(("n", "right"), [(50, 0.98), (200, 0.99), (200, 0.95)])
def test_mistakes_hardly_ever_seen_are_within_the_limits_of_what_they_cost(n, right):
    """The Brier score of a model that is sure of itself; where it made no mistake, most audits missed the truth."""
    draw, people, spans = rng(7), People(np.arange(n)), []
    sure = np.linspace(0.97, 0.999, 10_001)
    truth = right * np.square(1 - sure).mean() + (1 - right) * np.square(sure).mean()
    for _ in range(200):
        confidence = draw.uniform(0.97, 0.999, n)
        squares = np.square(confidence - (draw.random(n) < right))
        spans.append(rare_interval(squares, people, top=1, rng=draw, replicates=200))
    assert sum(one.low <= truth <= one.high for one in spans) >= 184


@pytest.mark.parametrize("hits", [0, 3, 20])
def test_limits_with_one_person_more_are_nearly_clopper_pearsons_for_a_proportion(hits):
    values = np.repeat([1.0, 0.0], [hits, 100 - hits])
    found = rare_interval(values, People(np.arange(100)), top=1, rng=rng(), replicates=5000)
    exact = clopper_pearson(hits, 100)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.01)
    assert "one person more" in found.method
    assert rare_interval([], People(np.array([], dtype=np.int64)), top=1, rng=rng()) is None


def test_a_mean_above_what_a_mistake_was_taken_to_cost_stays_within_its_limits():
    values = np.repeat([5.0, 0.0], [30, 10])
    found = rare_interval(values, People(np.arange(40)), top=1, rng=rng(), replicates=500)
    assert found.low < values.mean() - 0.3
    assert found.high > values.mean() + 0.3


@pytest.mark.slow
def test_bootstrap_over_people_covers_with_correlated_rows():
    # Ten rows a person, answers of one person alike: treating rows as independent would cover about half as often.
    random, covered = rng(11), []
    for _ in range(400):
        tendency = random.beta(2, 1, 60)
        hits = random.random((60, 10)) < tendency[:, None]
        people = People(np.repeat(np.arange(60), 10))
        found = proportion_interval(hits.ravel(), people, rng=random, replicates=600)
        assert found is not None
        covered.append(found.low <= 2 / 3 <= found.high)
    assert np.mean(covered) >= 0.92


def test_a_median_of_one_row_each_has_order_statistics():
    values = rng(3).normal(size=41)
    assert median_interval(values, People(np.arange(41)), rng=rng()) == quantile_interval(values.tolist(), 0.5)
    assert median_interval([1.0] * 5, People(np.arange(5)), rng=rng()) is None


def test_a_median_over_people_covers_with_correlated_rows():
    hits, draw = 0, rng(1)
    people = People(np.repeat(np.arange(30), 4))
    for _ in range(200):
        values = np.repeat(draw.normal(size=30), 4) + draw.normal(scale=0.3, size=120)
        interval = median_interval(values, people, rng=draw, replicates=300)
        hits += interval.low <= 0 <= interval.high
    assert 0.90 <= hits / 200 <= 0.99


def test_a_median_of_few_people_with_several_rows_has_no_interval():
    assert median_interval(np.arange(18.0), People(np.repeat(np.arange(9), 2)), rng=rng()) is None


def test_a_median_that_most_rows_share_is_known():
    values = np.array([500.0] * 36 + [3.0, 4.0, 5.0, 6.0])
    interval = median_interval(values, People(np.repeat(np.arange(20), 2)), rng=rng())
    assert interval.low == interval.high == 500
