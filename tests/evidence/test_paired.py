"""Paired differences: published limits, the level under no difference, and a width whatever was seen."""

import numpy as np
import pytest
from scipy import stats

from workbench.evidence.bootstrap import People
from workbench.evidence.paired import paired_interval, paired_score_interval, replicates_for, score_difference
from workbench.evidence.weighted import macro_roc_auc, roc_auc


def test_limits_are_the_published_ones():
    """Airway reactivity of 21 children (Bentur et al. 2009): limits of Fagerland, Lydersen and Laake 2014."""
    found = score_difference(7, 1, 21)
    assert (found.low, found.high) == (pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4))


@pytest.mark.parametrize(("falls", "rises", "n"), [(4, 0, 400), (7, 3, 50), (0, 5, 9), (30, 12, 2000)])
@pytest.mark.parametrize("level", [0.95, 0.995])
def test_a_limit_is_where_the_score_test_turns(falls, rises, n, level):
    """The likelihood given the limit is searched by brute force; the statistic is that at its top."""
    found = score_difference(falls, rises, n, level=level)
    for end in (found.low, found.high):
        fall = np.linspace(max(0, -end), (1 - end) / 2, 2_000_001)[1:-1]
        rise, neither = fall + end, 1 - 2 * fall - end
        usable = (rise > 0) & (neither > 0)
        fall, rise, neither = fall[usable], rise[usable], neither[usable]
        top = fall[np.argmax(falls * np.log(fall) + rises * np.log(rise) + (n - falls - rises) * np.log(neither))]
        statistic = (rises - falls - n * end) / np.sqrt(n * (2 * top + end * (1 - end)))
        assert abs(statistic) == pytest.approx(stats.norm.ppf((1 + level) / 2), abs=2e-3)


def test_turned_round_it_is_mirrored_and_it_always_has_a_width():
    for n in (1, 2, 5, 40):
        for falls in range(n + 1):
            for rises in range(n + 1 - falls):
                one, other = score_difference(falls, rises, n), score_difference(rises, falls, n)
                assert -1 <= one.low < one.high <= 1
                assert one.low <= (rises - falls) / n <= one.high
                assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))
    with pytest.raises(ValueError, match="cannot be among 3"):
        score_difference(2, 2, 3)


def test_zero_is_excluded_exactly_where_mcnemars_test_rejects():
    critical = stats.norm.ppf(0.975)
    for falls in range(15):
        for rises in range(15 - falls):
            found = score_difference(falls, rises, 300)
            rejected = abs(rises - falls) > critical * np.sqrt(falls + rises)
            assert (not found.low <= 0 <= found.high) == rejected


@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 10])
@pytest.mark.parametrize("expected", [2, 6, 12, 30])
def test_models_that_err_alike_are_told_apart_no_more_often_than_stated(level, expected):
    """Summed over how many pairs fall and rise; a percentile bootstrap comes to 0.9% where 0.5% is stated."""
    most = 80
    chance = stats.poisson.pmf(np.arange(most), expected / 2)
    false = sum(
        chance[falls] * chance[rises]
        for falls in range(most)
        for rises in range(most)
        if chance[falls] * chance[rises] > 1e-9
        and not score_difference(falls, rises, 5000, level=level).low
        <= 0
        <= score_difference(falls, rises, 5000, level=level).high
    )
    assert false < 1.1 * (1 - level)


def test_people_with_several_rows_are_drawn_whole():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(60), 5)
    per_person = rng.random(60) < 0.2
    before, after = np.ones(300), 1.0 - np.repeat(per_person, 5)
    clustered = paired_interval(before, after, People(codes), rng=rng)
    apart = paired_interval(before, after, People(np.arange(300)), rng=rng)
    truth = stats.binomtest(int(per_person.sum()), 60).proportion_ci(method="wilson")
    # One person more at either end of [-1, 1] makes it somewhat wider, never much narrower.
    assert 0.85 < (clustered.high - clustered.low) / (truth.high - truth.low) < 1.35
    assert apart.high - apart.low < 0.6 * (clustered.high - clustered.low)


def test_no_pair_differs_and_too_few_people():
    rng = np.random.default_rng(0)
    ones = np.ones(40)
    for people in (People(np.arange(40)), People(np.arange(40) // 2)):
        found = paired_interval(ones, ones, people, rng=rng)
        assert found.low < 0 < found.high
    assert paired_interval(ones, ones, People(np.zeros(40, dtype=np.int64)), rng=rng) is None


@pytest.mark.parametrize("persons", [3, 50])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_pairs_that_all_move_alike_leave_a_doubt_and_no_limit_is_beyond_one(persons, rows, sign):
    people, nothing = People(np.repeat(np.arange(persons), rows)), np.zeros(persons * rows)
    for some in (np.ones(persons * rows), (people.codes == 0).astype(float)):
        before, after = (nothing, some) if sign > 0 else (some, nothing)
        found = paired_interval(before, after, people, rng=np.random.default_rng(0))
        assert -1 <= found.low <= float((after - before).mean()) <= found.high <= 1
        assert found.high - found.low > 0.05


def test_replicates_grow_with_the_level():
    assert replicates_for(0.95) == 2000
    assert replicates_for(1 - 0.05 / 60) == 48_000


@pytest.mark.parametrize("positives", [2, 3, 10])
def test_equal_models_are_not_told_apart_by_few_positives(positives):
    """A percentile bootstrap misses no difference in 32% of such samples with 2 positives, in 11% with 3."""
    rng = np.random.default_rng(positives)
    labels = (np.arange(100) < positives).astype(np.int64)
    missed = 0
    for _ in range(60):
        scores = rng.normal(size=(2, 100)) + 1.5 * labels
        one, other = (roc_auc(score, labels == 1) for score in scores)
        found = paired_score_interval(one, other, labels, People(np.arange(100)), rng=rng, replicates=200)
        missed += not found.low <= 0 <= found.high
    assert stats.binom.sf(missed - 1, 60, 0.05) > 0.01


def test_two_perfect_rankings_leave_a_doubt_as_wide_as_the_rarest_label_is_rare():
    """Wilson's half width for a half, by hand, twice: the difference has twice the scale of a score."""
    labels = np.repeat([0, 1, 2], [60, 28, 12])
    perfect = macro_roc_auc(np.stack([labels == k for k in range(3)]).astype(float), np.arange(3)[:, None] == labels)
    rng = np.random.default_rng(0)
    found = paired_score_interval(perfect, perfect, labels, People(np.arange(100)), rng=rng, replicates=50)
    z = stats.norm.ppf(0.975)
    half = 2 * z * np.sqrt(0.25 / 12 + z * z / (4 * 12 * 12)) / (1 + z * z / 12)
    assert (found.low, found.high) == (pytest.approx(-half), pytest.approx(half))


def test_a_seldom_fall_of_people_with_several_rows_is_covered():
    rng, people, runs, covered = np.random.default_rng(4), People(np.repeat(np.arange(500), 2)), 150, 0
    before = np.ones(1000)
    for _ in range(runs):
        after = np.repeat(rng.random(500) >= 0.006, 2).astype(float)
        found = paired_interval(before, after, people, rng=rng)
        covered += found.low <= -0.006 <= found.high
    assert covered / runs >= 0.95
