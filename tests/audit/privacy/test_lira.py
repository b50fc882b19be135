from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from workbench.audit.privacy.lira import offline, online, spread_for
from workbench.errors import BadInput


def trained(n, references, gain, *, difficulty=3.0, seed=0):
    """Confidences: a record's own difficulty, plus `gain` for a model trained on it, plus N(0, 1) for each training."""
    rng = np.random.default_rng(seed)
    own = rng.normal(scale=difficulty, size=n)
    included = rng.random((references, n)) < 0.5
    member = rng.random(n) < 0.5
    target = own + gain * member + rng.normal(size=n)
    return target, own + gain * included + rng.normal(size=(references, n)), included, member


def pooled(groups):
    """The deviation around each group's own mean, pooled over groups."""
    return np.sqrt(sum(((g - g.mean()) ** 2).sum() for g in groups) / sum(len(g) - 1 for g in groups))


@pytest.mark.parametrize("spread", ["per record", "global"])
def test_scores_are_those_of_one_record_at_a_time(spread):
    target, references, included, _ = trained(25, 12, 1.0)
    inside = [references[included[:, i], i] for i in range(25)]
    outside = [references[~included[:, i], i] for i in range(25)]
    assert min(len(g) for g in inside + outside) >= 2
    ratio, above = [], []
    for t, a, b in zip(target, inside, outside, strict=True):
        spread_in = a.std(ddof=1) if spread == "per record" else pooled(inside)
        spread_out = b.std(ddof=1) if spread == "per record" else pooled(outside)
        ratio.append(stats.norm(a.mean(), spread_in).logpdf(t) - stats.norm(b.mean(), spread_out).logpdf(t))
        above.append(stats.norm(b.mean(), spread_out).cdf(t))
    found = online(target, references, included, spread=spread)
    np.testing.assert_allclose(found.scores, ratio, rtol=1e-9)
    assert found.scored.all()
    assert found.why_not is None
    # Offline, the paper's score is P(Z <= target), which ours orders alike.
    np.testing.assert_allclose(stats.norm.cdf(offline(target, references, included, spread=spread).scores), above)


@pytest.mark.parametrize("gain", [0.0, 1.0, 2.0])
def test_the_auc_is_the_closed_form_of_two_gaussians(gain):
    target, references, included, member = trained(8000, 256, gain, seed=1)
    optimum = stats.norm.cdf(gain / np.sqrt(2))
    own = np.random.default_rng(1).normal(scale=3.0, size=8000)  # as in `trained`
    oracle = roc_auc_score(member, target - own)  # what these very records would give, were their difficulty known
    for attack in (online, offline):
        for spread in ("per record", "global"):
            found = attack(target, references, included, spread=spread)
            assert roc_auc_score(member, found.scores) == pytest.approx(optimum, abs=0.02)
            assert gain == 0 or roc_auc_score(member, found.scores) == pytest.approx(oracle, abs=0.005)
    # One threshold for all records sees the gain through their difficulties, whose variance adds to both sides.
    plain = stats.norm.cdf(gain / np.sqrt(2 * (1 + 9)))
    assert roc_auc_score(member, target) == pytest.approx(plain, abs=0.02)


def test_inclusion_the_wrong_way_round_is_worse_than_chance():
    target, references, included, member = trained(2000, 64, 2.0, seed=2)
    assert roc_auc_score(member, online(target, references, ~included).scores) < 0.2


def test_few_references_share_one_deviation_because_one_each_is_worse():
    assert [spread_for(k) for k in (2, 63, 64, 256)] == ["global", "global", "per record", "per record"]
    target, references, included, member = trained(4000, 8, 1.5, seed=3)
    enough = ((included.sum(axis=0) >= 2) & (included.sum(axis=0) <= 6)).nonzero()[0]
    few = target[enough], references[:, enough], included[:, enough]
    chosen, shared, own = (online(*few, spread=spread).scores for spread in (None, "global", "per record"))
    np.testing.assert_array_equal(chosen, shared)
    assert roc_auc_score(member[enough], shared) > roc_auc_score(member[enough], own) + 0.05


def test_a_confidence_far_beyond_all_references_does_not_tie_at_one():
    _, references, included, _ = trained(2, 80, 0.0, seed=4)
    target = references.mean(axis=0) + np.array([20.0, 30.0])
    found = offline(target, references, included).scores
    assert found[0] < found[1]
    assert stats.norm.cdf(found[0]) == stats.norm.cdf(found[1]) == 1  # the paper's score: the two cannot be told apart


def test_records_without_a_reference_are_left_out_and_counted():
    target, references, included, _ = trained(6, 10, 1.0, seed=5)
    included[:, 0], included[:, 1] = True, False
    found = online(target, references, included)
    np.testing.assert_array_equal(found.scored, [False, False, True, True, True, True])
    assert found.scores.shape == (4,)
    assert found.why_not.startswith("2 of 6 rows have no score: a mean needs a reference")
    np.testing.assert_array_equal(offline(target, references, included).scored, [False] + [True] * 5)
    own = online(target, references, included, spread="per record")
    rest = online(target[2:], references[:, 2:], included[:, 2:], spread="per record")
    np.testing.assert_array_equal(own.scores, rest.scores)


def test_a_deviation_per_record_needs_two_references_that_differ():
    references = np.array([[1.0, 1.0, 1.1], [2.0, 1.0, 1.1], [3.0, 5.0, 1.1], [4.0, 6.0, 1.1], [9.0, 7.0, 1.1]])
    included = np.array([[True, True, True], [True, True, True], [False] * 3, [False] * 3, [False] * 3])
    found = online([0.0, 0.0, 0.0], references, included, spread="per record")
    np.testing.assert_array_equal(found.scored, [True, False, False])
    assert "two different references both with and without the record" in found.why_not
    np.testing.assert_array_equal(offline([0.0] * 3, references, included, spread="per record").scored, [1, 1, 0])
    one_in = included.copy()
    one_in[1] = False
    assert not online([0.0] * 3, references, one_in, spread="per record").scored.any()
    assert offline([0.0], [[2.0], [2.0]], np.ones((2, 1)) == [[False], [False]], spread="global").why_not is not None


def test_what_does_not_fit_is_refused():
    target, references, included, _ = trained(3, 4, 1.0)
    for attack in (online, offline):
        with pytest.raises(BadInput, match=r"references \(K, n\)"):
            attack(target[:2], references, included)
        with pytest.raises(BadInput, match="of int64"):
            attack(target, references, included.astype(np.int64))
        with pytest.raises(BadInput, match="finite confidences"):
            attack(target, np.where(included, np.inf, references), included)
