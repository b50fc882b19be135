"""Permutation tests as a probe: every criterion with its null, adjusted as one family, absent with a reason."""

import numpy as np
import pytest
from scipy import stats

from workbench.audit.fairness.group_tests import CRITERIA, GroupTestsProbe


def table_of(result):
    (table,) = (one for one in result.exhibits if one.kind == "group_tests")
    return {(one.attribute, one.criterion): one for one in table.tests}


def shifted(bench, *, shift, n=600, repeat=1):
    """Return rows of two equal groups; in one of them scores are `shift` higher whatever the label."""
    build, _, _ = bench
    rng = np.random.default_rng(8)
    people = np.arange(n) // repeat
    group = np.array(["a", "b"])[people % 2]
    labels = rng.integers(0, 2, n)
    p = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.15, n) + shift * (group == "b"), 0.01, 0.99)
    h = rng.choice(["x", "y"], people.max() + 1)[people]
    return build(
        np.stack([1 - p, p], axis=1),
        labels.tolist(),
        names=["l0", "l1"],
        people=people if repeat > 1 else None,
        groups={"g": group.tolist(), "h": h.tolist()},
    )


@pytest.mark.parametrize("repeat", [1, 3])
def test_a_shifted_group_is_found_and_a_random_one_is_not(bench, repeat):
    _, _, setting = bench
    model, corpus = shifted(bench, shift=0.25, repeat=repeat)
    tests = table_of(GroupTestsProbe(permutations=499).measure(model, corpus, setting()))
    assert {criterion for _, criterion in tests} == {one.name for one in CRITERIA}
    assert tests["g", "equalized_odds"].adjusted < 0.05
    assert tests["g", "demographic_parity"].adjusted < 0.05
    assert tests["g", "equal_auc"].p > 0.01, "a shift leaves the ranking within a group alone"
    assert min(tests["h", one.name].adjusted for one in CRITERIA) > 0.05
    assert tests["g", "equalized_odds"].n == 600 // repeat
    assert all(one.null.endswith("about as many rows") == (repeat > 1) for one in tests.values())
    ordered = list(tests.values())
    adjusted = stats.false_discovery_control([one.p for one in ordered], method="by")
    assert [one.adjusted for one in ordered] == pytest.approx(adjusted, abs=1e-12)


def test_gaps_are_those_between_groups(bench):
    _, _, setting = bench
    model, corpus = shifted(bench, shift=0.1)
    tests = table_of(GroupTestsProbe(permutations=199).measure(model, corpus, setting()))
    p, y, g = model.predict_proba(corpus.inputs), corpus.label_ids == 1, np.array(corpus.group_of("g"))
    d = p.argmax(axis=1) == 1

    def gap(hits, among):
        return abs(np.diff([hits[among & (g == name)].mean() for name in "ab"])[0])

    assert tests["g", "demographic_parity"].gap == pytest.approx(gap(d, np.ones(600, bool)), abs=1e-12)
    assert tests["g", "equal_opportunity"].gap == pytest.approx(gap(d, y), abs=1e-12)
    assert tests["g", "equalized_odds"].gap == pytest.approx(max(gap(d, y), gap(d, ~y)), abs=1e-12)
    assert tests["g", "predictive_parity"].gap == pytest.approx(gap(y, d), abs=1e-12)
    assert tests["g", "predictive_parity"].n == d.sum()


def test_a_group_with_few_positives_is_tested_in_the_false_positive_rate(bench):
    build, _, setting = bench
    rng = np.random.default_rng(3)
    g, labels = np.repeat(["a", "b", "c"], 120), np.tile([0, 1], 180)
    labels[246:] = 0
    p = np.where(rng.random(360) < np.where(g == "c", 0.5, np.where(labels == 1, 0.8, 0.1)), 0.9, 0.1)
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups={"g": g.tolist()})
    tests = table_of(GroupTestsProbe(permutations=199).measure(model, corpus, setting()))
    assert [tests["g", one].groups for one in ("equal_opportunity", "equalized_odds", "equal_auc")] == [2, 3, 2]
    assert tests["g", "equalized_odds"].gap == tests["g", "false_positive_rate"].gap > 0.3
    assert tests["g", "equalized_odds"].p < 0.01


def test_of_several_labels_groups_are_dealt_within_each(bench):
    """Decisions depend on the true label alone, but groups have other labels: the null of equalized odds is true."""
    build, _, setting = bench
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], 900)
    labels = np.array([rng.choice(3, p=[0.8, 0.1, 0.1] if one == "a" else [0.1, 0.8, 0.1]) for one in group])
    decided = np.where(rng.random(900) < np.array([0.4, 0.02, 0.7])[labels], 2, np.where(labels == 1, 1, 0))
    p = np.full((900, 3), 0.1) + 0.7 * np.eye(3)[decided]
    model, corpus = build(p, labels.tolist(), names=["l0", "l1", "l2"], groups={"g": group.tolist()})
    tests = table_of(GroupTestsProbe(permutations=499).measure(model, corpus, setting("l2")))
    for criterion in ("equalized_odds", "equal_auc"):
        assert tests["g", criterion].null.startswith("within each true label")
        assert tests["g", criterion].p > 0.05
    assert tests["g", "false_positive_rate"].p < 0.05, "among those without the positive label it does differ"


def test_of_many_tests_a_large_gap_is_still_found(bench):
    build, _, setting = bench
    rng = np.random.default_rng(2)
    n = 160
    apart = np.arange(n) % 2
    labels = rng.integers(0, 2, n)
    p = np.where(labels == 1, np.where(apart == 1, 0.9, 0.1), rng.uniform(0.2, 0.8, n))
    groups = {f"g{i}": rng.choice(["a", "b"], n).tolist() for i in range(5)}
    groups["apart"] = np.array(["a", "b"])[apart].tolist()
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups=groups)
    result = GroupTestsProbe(permutations=199).measure(model, corpus, setting())
    (table,) = (one for one in result.exhibits if one.kind == "group_tests")
    assert len(table.tests) == 36
    assert table.further > 0
    assert table_of(result)["apart", "equal_opportunity"].gap == 1.0
    assert table_of(result)["apart", "equal_opportunity"].adjusted <= 0.05


def test_people_in_two_groups_and_small_groups_have_no_test_and_a_reason(bench):
    build, _, setting = bench
    p = np.tile([[0.2, 0.8], [0.7, 0.3]], (60, 1))
    labels = [1, 0] * 60
    both = {"g": ["a", "b"] * 60, "few": ["a"] * 115 + ["b"] * 5}
    model, corpus = build(p, labels, names=["l0", "l1"], people=np.arange(120) // 2, groups=both)
    result = GroupTestsProbe(permutations=199).measure(model, corpus, setting())
    assert result.outcome == "not_applicable"
    assert "rows in several groups" in result.reason
    model, corpus = build(p, labels, names=["l0", "l1"], groups={"few": both["few"]})
    result = GroupTestsProbe(permutations=199).measure(model, corpus, setting())
    assert result.outcome == "not_applicable"
    assert "fewer than two groups have 30 people" in result.reason
    model, corpus = build(p, labels, names=["l0", "l1"])
    assert GroupTestsProbe().measure(model, corpus, setting()).outcome == "not_applicable"
