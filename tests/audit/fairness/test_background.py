"""BPSN and BNSP AUC and power means against a hand mask, a published definition and a planted shift."""

import numpy as np
import pytest

from workbench.audit.fairness.background import Background, power_mean


def figures(result):
    return {
        (one.name.removeprefix("fairness."), one.where["attribute"], one.where.get("group")): one
        for one in result.measurements
    }


def by_hand(s, up, down):
    pairs = s[up][:, None] - s[down][None, :]
    return ((pairs > 0) + 0.5 * (pairs == 0)).mean()


@pytest.mark.parametrize(("repeat", "k"), [(1, 2), (3, 3)])
def test_every_auc_is_that_of_a_hand_mask(bench, repeat, k):
    _, simulate, setting = bench
    model, corpus = simulate(360, seed=5, k=k, ties=True, repeat=repeat, groups={"g": ["a", "b", "c"]})
    got = figures(Background(replicates=100).measure(model, corpus, setting()))
    s, y, g = model.predict_proba(corpus.inputs)[:, 1], corpus.label_ids == 1, np.array(corpus.group_of("g"))
    within, found = [], {"bpsn_auc": [], "bnsp_auc": []}
    for group in sorted(set(g.tolist())):
        inside = g == group
        within.append(by_hand(s, inside & y, inside & ~y))
        found["bpsn_auc"].append(by_hand(s, ~inside & y, inside & ~y))
        found["bnsp_auc"].append(by_hand(s, inside & y, ~inside & ~y))
        for name, values in found.items():
            one = got[name, "g", group]
            assert one.value == pytest.approx(values[-1], abs=1e-12)
            assert one.interval.low <= one.value <= one.interval.high
    for name, values in {"subgroup_auc": within, **found}.items():
        one = got[f"{name}_power_mean", "g", None]
        assert one.value == pytest.approx((np.mean(np.array(values) ** -5.0)) ** (-1 / 5), abs=1e-12)
        assert one.interval.low <= one.value <= one.interval.high


def test_a_shifted_group_is_seen_by_these_and_not_by_the_auc_within(bench):
    build, _, setting = bench
    rng = np.random.default_rng(1)
    n = 1200
    labels, group = rng.integers(0, 2, n), np.array(["a", "b"])[np.arange(n) % 2]
    p = np.clip(0.3 + 0.3 * labels + rng.normal(0, 0.1, n) + 0.2 * (group == "b"), 0.01, 0.99)
    model, corpus = build(np.stack([1 - p, p], 1), labels.tolist(), names=["l0", "l1"], groups={"g": group.tolist()})
    result = Background(replicates=200).measure(model, corpus, setting())
    got = figures(result)
    assert got["bpsn_auc", "g", "b"].interval.high < got["bpsn_auc", "g", "a"].interval.low
    assert got["bnsp_auc", "g", "a"].interval.high < got["bnsp_auc", "g", "b"].interval.low
    assert got["bpsn_auc_power_mean", "g", None].value < got["subgroup_auc_power_mean", "g", None].interval.low
    assert any("Where being wrongly decided so is the harm" in one.text for one in result.exhibits)


def test_a_power_mean_lies_near_the_worst():
    assert power_mean(np.array([0.9, 0.9, 0.9])) == pytest.approx(0.9)
    assert 0.5 < power_mean(np.array([0.5, 0.95, 0.95])) < 0.65
    assert power_mean(np.array([0.0, 1.0])) == 0.0


def test_small_groups_are_named_and_left_out(bench):
    build, _, setting = bench
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 212)
    p = np.clip(0.25 + 0.5 * labels + rng.normal(0, 0.2, 212), 0.01, 0.99)
    g = ["a"] * 100 + ["b"] * 100 + ["few"] * 12
    model, corpus = build(np.stack([1 - p, p], 1), labels.tolist(), names=["l0", "l1"], groups={"g": g})
    result = Background(replicates=100).measure(model, corpus, setting())
    assert {group for _, _, group in figures(result)} == {"a", "b", None}
    assert any("not ranked against the others: few" in one.text for one in result.exhibits)
    model, corpus = build(np.stack([1 - p, p], 1), labels.tolist(), names=["l0", "l1"], groups={"g": ["a"] * 212})
    assert Background().measure(model, corpus, setting()).outcome == "not_applicable"


def test_the_mean_of_equal_groups_is_covered(bench):
    """Eight groups alike, each with the AUC of two normals a distance of 1 apart: the power mean is that AUC."""
    from scipy import stats

    build, _, setting = bench
    truth, covered, runs = float(stats.norm.cdf(1 / np.sqrt(2))), 0, 25
    rng = np.random.default_rng(3)
    for _ in range(runs):
        labels, g = rng.integers(0, 2, 640), np.array(list("abcdefgh"))[np.arange(640) % 8]
        p = stats.norm.cdf(rng.normal(0, 1, 640) + labels)
        model, corpus = build(np.stack([1 - p, p], 1), labels.tolist(), names=["l0", "l1"], groups={"g": g.tolist()})
        got = figures(Background(replicates=200).measure(model, corpus, setting()))
        interval = got["subgroup_auc_power_mean", "g", None].interval
        covered += interval.low <= truth <= interval.high
    assert covered >= 22
