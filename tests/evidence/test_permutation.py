"""Permutation tests of group differences: exact where they can be counted, at their level where they are simulated."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from workbench.evidence.bootstrap import People
from workbench.evidence.permutation import auc_gap, deals, dealt_within, largest_of, p_value, rate_gap


def shared(groups, hits, totals, k=2):
    return rate_gap(np.asarray(hits, float), np.asarray(totals, float), k), np.asarray(groups)


def test_the_share_of_deals_is_that_of_fishers_exact_test():
    rng = np.random.default_rng(0)
    hits = np.array([1] * 9 + [0] * 3 + [1] * 3 + [0] * 9, dtype=float)
    gap, groups = shared([0] * 12 + [1] * 12, hits, np.ones(24))
    exact = stats.fisher_exact([[9, 3], [3, 9]]).pvalue
    p = p_value(gap, groups, np.zeros(24, dtype=np.int64), permutations=20_000, width=24, rng=rng)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


def test_gaps_are_those_of_a_hand_mask_for_rates_and_auc():
    rng = np.random.default_rng(1)
    n, k = 90, 3
    codes = np.repeat(np.arange(45), 2)  # two rows a person
    people, person_group = People(codes), rng.integers(0, k, 45)
    group, y = person_group[codes], rng.random(n) < 0.5
    s, hit = np.round(rng.random(n) * 5), rng.random(n) < 0.4
    sums = people.totals(np.stack([hit & y, y], axis=1).astype(float))
    rates = [(hit & y & (group == g)).sum() / (y & (group == g)).sum() for g in range(k)]
    found = rate_gap(sums[:, 0], sums[:, 1], k)
    assert found(person_group[None])[0] == pytest.approx(np.ptp(rates), abs=1e-12)

    def by_hand(g):
        pairs = s[(group == g) & y][:, None] - s[(group == g) & ~y][None, :]
        return ((pairs > 0) + 0.5 * (pairs == 0)).mean()

    ranked = auc_gap(s, y, people, k)
    assert ranked(person_group[None])[0] == pytest.approx(np.ptp([by_hand(g) for g in range(k)]), abs=1e-12)
    both = largest_of([found, ranked])(person_group[None])[0]
    assert both == max(found(person_group[None])[0], ranked(person_group[None])[0])


def test_groups_are_dealt_within_strata_and_every_deal_is_as_likely():
    groups, strata = np.array([0, 1, 2, 0, 1]), np.array([0, 0, 0, 1, 1])
    dealt = np.concatenate(list(deals(groups, strata, permutations=12_000, width=10**9, rng=np.random.default_rng(2))))
    assert dealt.shape == (12_000, 5)
    seen, counts = np.unique(dealt, axis=0, return_counts=True)
    assert {tuple(row) for row in seen} == {(*a, *b) for a in permutations([0, 1, 2]) for b in permutations([0, 1])}
    assert stats.chisquare(counts).pvalue > 1e-4


def test_within_labels_unequal_base_rates_are_no_finding_and_over_all_they_are():
    """The null of equalized odds holds while selection rates differ, because true labels do."""
    rng = np.random.default_rng(3)
    n, runs, p_odds, p_parity = 240, 120, [], []
    for _ in range(runs):
        group = (np.arange(n) % 3 == 0).astype(np.int64)
        y = rng.random(n) < np.where(group == 1, 0.75, 0.35)
        d = rng.random(n) < np.where(y, 0.8, 0.2)
        odds = largest_of([rate_gap((d & y).astype(float), y.astype(float), 2), rate_gap((d & ~y).astype(float), (~y).astype(float), 2)])  # fmt: skip  # noqa: E501
        parity = rate_gap(d.astype(float), np.ones(n), 2)
        settings = {"permutations": 199, "width": n, "rng": rng}
        p_odds.append(p_value(odds, group, y.astype(np.int64), **settings))
        p_parity.append(p_value(parity, group, np.zeros(n, dtype=np.int64), **settings))
    rejected = int((np.array(p_odds) <= 0.05).sum())
    assert rejected <= stats.binom.ppf(0.999, runs, 0.05), "the level is kept under the null"
    assert (np.array(p_parity) <= 0.05).mean() > 0.8, "and where the null is false, it is found"


def test_people_with_many_rows_are_dealt_whole():
    """Ten rows a person, all alike: dealing rows would find differences in nothing but the people drawn."""
    rng = np.random.default_rng(4)
    runs, rejected, by_rows = 100, 0, 0
    for _ in range(runs):
        mood = rng.random(40) < 0.5
        group = np.arange(40) % 2
        gap = rate_gap(mood * 10.0, np.full(40, 10.0), 2)
        settings = {"permutations": 199, "rng": rng}
        rejected += p_value(gap, group, np.zeros(40, dtype=np.int64), width=40, **settings) <= 0.05
        rows = rate_gap(np.repeat(mood, 10).astype(float), np.ones(400), 2)
        by_rows += p_value(rows, np.repeat(group, 10), np.zeros(400, dtype=np.int64), width=400, **settings) <= 0.05
    assert rejected <= stats.binom.ppf(0.999, runs, 0.05) < by_rows


def test_groups_with_more_rows_a_person_are_no_finding():
    """Five people with twenty rows each are all of one group: dealt among everybody, they would tell it apart."""
    rng = np.random.default_rng(6)
    rows = np.array([20] * 5 + [1] * 2995)
    groups = np.array([0] * 100 + [1] * 2900)
    people = People(np.repeat(np.arange(len(rows)), rows))
    strata, one = dealt_within(people, np.zeros(len(people.codes), dtype=np.int64)), np.zeros(len(rows), dtype=np.int64)
    runs, rejected, before = 100, 0, 0
    for _ in range(runs):
        decided = rng.random(len(rows)) < 0.5
        gap = rate_gap(rows * decided.astype(float), rows.astype(float), 2)
        settings = {"permutations": 99, "width": len(rows), "rng": rng}
        rejected += p_value(gap, groups, strata, **settings) <= 0.05
        before += p_value(gap, groups, one, **settings) <= 0.05
    assert rejected <= stats.binom.ppf(0.999, runs, 0.05) < before


def test_people_are_dealt_among_those_of_their_label_with_about_as_many_rows():
    people = People(np.repeat(np.arange(7), [1, 2, 3, 4, 7, 2, 1]))
    labels = np.array([0] * 17 + [0, 1] + [1])
    found = dealt_within(people, labels)
    assert found[1] == found[2]
    assert found[3] == found[4]
    assert len(set(found.tolist())) == 5, "one row; two or three; four to seven; of two labels; of the other label"
    alone = People(np.arange(4))
    assert dealt_within(alone, np.array([0, 1, 1, 0])).tolist() == [0, 1, 1, 0]


def test_further_deals_are_made_only_where_the_first_ones_leave_p_small():
    apart, groups = shared([0] * 20 + [1] * 20, [1] * 20 + [0] * 20, np.ones(40))
    alike, _ = shared(groups, [1, 0] * 20, np.ones(40))
    settings = {"permutations": 199, "further": 800, "width": 40}
    strata = np.zeros(40, dtype=np.int64)
    assert p_value(apart, groups, strata, rng=np.random.default_rng(0), **settings) == 1 / 1000
    settled = p_value(alike, groups, strata, rng=np.random.default_rng(0), **settings)
    assert settled == p_value(alike, groups, strata, permutations=199, width=40, rng=np.random.default_rng(0))


def test_an_undefined_gap_is_no_finding():
    gap, groups = shared([0, 1], [1, 0], [1, 0])
    with pytest.raises(ValueError, match="undefined"):
        p_value(gap, groups, np.zeros(2, dtype=np.int64), permutations=10, width=2, rng=np.random.default_rng(0))
