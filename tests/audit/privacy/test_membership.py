from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.membership import Scored, auc, tpr_at
from workbench.errors import BadInput
from workbench.evidence.bootstrap import People
from workbench.evidence.intervals import clopper_pearson


def scored(members, others, people=None):
    """Rows of members, then of others; a person each unless `people` says whose they are."""
    scores = np.concatenate([members, others]).astype(np.float64)
    codes = np.arange(len(scores)) if people is None else people
    return Scored(scores, np.arange(len(scores)) < len(members), People(codes))


def normal(rng, n, m, shift):
    """Scores N(shift, 1) of n members and N(0, 1) of m others."""
    return scored(rng.normal(shift, 1, n), rng.normal(size=m))


def least(n, level=0.95):
    """How many of n intervals at `level` must hold the truth, but for one chance in a thousand."""
    return stats.binom.ppf(0.001, n, level)


@pytest.mark.parametrize("decimals", [8, 0])
def test_the_auc_is_scikit_learns_with_and_without_ties(decimals):
    rng = np.random.default_rng(0)
    seen = scored(np.round(rng.normal(1, 1, 70), decimals), np.round(rng.normal(size=90), decimals))
    found = auc(seen, rng=rng, replicates=50)
    assert found.value == pytest.approx(roc_auc_score(seen.member, seen.scores), abs=1e-12)
    assert found.n == 160
    assert found.interval.low < found.value < found.interval.high


def test_the_aucs_interval_covers_the_closed_form():
    rng, truth = np.random.default_rng(1), stats.norm.cdf(0.5 / np.sqrt(2))
    found = [auc(normal(rng, 60, 80, 0.5), rng=rng, replicates=200).interval for _ in range(400)]
    covered = sum(interval.low <= truth <= interval.high for interval in found)
    assert covered >= least(400, 0.93)  # a percentile bootstrap of 140 people: 94% in theory, 93% granted


def test_copies_of_a_persons_rows_add_no_certainty():
    rng = np.random.default_rng(2)
    members, others = rng.normal(1, 1, 300), rng.normal(size=400)
    once = scored(members, others)
    thrice = scored(np.repeat(members, 3), np.repeat(others, 3), np.repeat(np.arange(700), 3))
    a, b = (auc(seen, rng=np.random.default_rng(3), replicates=300) for seen in (once, thrice))
    assert a.value == pytest.approx(b.value)
    assert a.interval.low == pytest.approx(b.interval.low, abs=1e-12)
    a, b = (tpr_at(seen, 0.05) for seen in (once, thrice))
    assert (a.n, b.n) == (300, 300)
    assert a.value == b.value
    assert b.interval.low == pytest.approx(a.interval.low, abs=0.02)
    assert b.interval.high == pytest.approx(a.interval.high, abs=0.02)
    assert "design effect" in b.interval.method


@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize("fpr", [0.013, 0.1, 0.5])
def test_the_tpr_is_the_best_among_thresholds_with_so_few_false_positives(decimals, fpr):
    rng = np.random.default_rng(4)
    seen = scored(np.round(rng.normal(1, 1, 300), decimals), np.round(rng.normal(size=900), decimals))
    false, true, _ = roc_curve(seen.member, seen.scores, drop_intermediate=False)
    assert tpr_at(seen, fpr).value == pytest.approx(true[false <= fpr].max(), abs=1e-12)


@pytest.mark.parametrize(
    ("fpr", "shift", "n", "m"), [(0.05, 0.0, 100, 200), (0.05, 2.0, 500, 200), (0.01, 1, 80, 1000)]
)
def test_the_interval_covers_the_closed_form_with_the_threshold_estimated(fpr, shift, n, m):
    rng, truth = np.random.default_rng(5), stats.norm.sf(stats.norm.isf(fpr) - shift)
    found = [tpr_at(normal(rng, n, m, shift), fpr).interval for _ in range(1000)]
    assert sum(interval.low <= truth <= interval.high for interval in found) >= least(1000)


def test_an_interval_that_took_the_threshold_for_known_would_not_cover():
    rng, truth, covered, widths = np.random.default_rng(6), stats.norm.sf(stats.norm.isf(0.05) - 2), 0, []
    for _ in range(300):
        found = tpr_at(normal(rng, 500, 200, 2.0), 0.05)
        naive = clopper_pearson(round(found.value * 500), 500)
        covered += naive.low <= truth <= naive.high
        widths.append((found.interval.high - found.interval.low) / (naive.high - naive.low))
    assert covered / 300 < 0.75
    assert np.median(widths) < 6


@pytest.mark.parametrize("fpr", [0.05, 0.1])
def test_the_interval_covers_with_scores_that_tie(fpr):
    # Binomial scores: the best threshold with a false positive rate of at most `fpr` has one well below it.
    rng, others, members = np.random.default_rng(7), stats.binom(8, 0.3), stats.binom(8, 0.5)
    threshold = next(t for t in range(9) if others.sf(t) <= fpr)
    found = [tpr_at(scored(rng.binomial(8, 0.5, 150), rng.binomial(8, 0.3, 250)), fpr).interval for _ in range(1000)]
    assert sum(i.low <= members.sf(threshold) <= i.high for i in found) >= least(1000)


def test_the_interval_covers_with_several_rows_a_person():
    rng, truth, covered = np.random.default_rng(8), stats.norm.sf(stats.norm.isf(0.05) - 1), 0
    for _ in range(600):
        people = np.repeat(np.arange(100 + 300), 5)
        scores = rng.normal(size=400)[people] * np.sqrt(0.7) + rng.normal(size=2000) * np.sqrt(0.3)
        seen = Scored(scores + (people < 100), people < 100, People(people))
        found = tpr_at(seen, 0.05)
        assert found.n == 100
        covered += found.interval.low <= truth <= found.interval.high
    assert covered >= least(600)


def test_too_few_non_members_leave_a_tpr_not_established():
    rng = np.random.default_rng(9)
    found = tpr_at(normal(rng, 500, 9_999, 1), 0.001)
    assert found == Unknown("membership TPR at FPR 0.001", "it needs at least 10,000 non-members; there are 9,999")
    assert tpr_at(normal(rng, 500, 10_000, 1), 0.001).value > 0
    assert isinstance(tpr_at(normal(rng, 500, 999, 1), 0.01), Unknown)
    assert tpr_at(normal(rng, 500, 1000, 1), 0.01).n == 500


def test_non_members_are_counted_as_people_not_rows():
    people = np.concatenate([np.arange(50), 50 + np.repeat(np.arange(100), 2)])
    found = tpr_at(scored(np.ones(50), np.zeros(200), people), 0.05)
    assert found == Unknown("membership TPR at FPR 0.05", "it needs at least 200 non-members; there are 100")


def test_perfect_and_hopeless_attacks_are_not_certain():
    perfect = tpr_at(scored(np.ones(100), np.zeros(200)), 0.05)
    assert perfect.value == 1
    assert 0.9 < perfect.interval.low < 1 == perfect.interval.high
    hopeless = tpr_at(scored(np.zeros(100), np.ones(200)), 0.05)
    assert hopeless.value == 0 == hopeless.interval.low
    constant = tpr_at(scored(np.ones(100), np.ones(200)), 0.05)
    assert constant.value == 0 == constant.interval.low


def test_one_side_alone_says_nothing():
    rng = np.random.default_rng(10)
    assert auc(scored(np.ones(5), []), rng=rng) == Unknown("membership AUC", "there are no non-members")
    assert auc(scored([], []), rng=rng).why == "there are no members and no non-members"
    assert tpr_at(scored([], np.ones(500)), 0.1).why == "there are no members"


def test_a_group_is_measured_as_if_it_were_alone():
    seen = normal(np.random.default_rng(11), 400, 800, 1.0)
    group = np.arange(1200) % 3 == 0
    alone = Scored(seen.scores[group], seen.member[group], People(np.arange(group.sum())))
    assert tpr_at(seen.among(group), 0.05) == tpr_at(alone, 0.05)
    a, b = (auc(each, rng=np.random.default_rng(0), replicates=50) for each in (seen.among(group), alone))
    assert a == b


def test_what_is_no_score_is_refused():
    people = People(np.arange(2))
    with pytest.raises(BadInput, match="1 of 2 membership scores are not numbers"):
        Scored(np.array([0.0, np.nan]), np.array([True, False]), people)
    with pytest.raises(BadInput, match="one True or False"):
        Scored(np.array([0.0, 1.0]), np.array([1, 0]), people)
    with pytest.raises(BadInput, match=r"shapes \(3,\)"):
        Scored(np.zeros(3), np.array([True, False]), people)
    for fpr in (0.0, 1.0):
        with pytest.raises(BadInput, match="between 0 and 1"):
            tpr_at(Scored(np.zeros(2), np.array([True, False]), people), fpr)
