"""Calibration within groups against hand masks, a planted overconfident group, and simulations of known truth."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.audit.fairness.calibration import GroupCalibration
from workbench.audit.performance.binning import equal_mass
from workbench.data.corpus import MISSING


def figures(result):
    return {
        (one.name.removeprefix("fairness."), one.where["attribute"], one.where.get("group")): one
        for one in result.measurements
    }


def notes(result):
    return [one.text for one in result.exhibits]


def error_by_hand(confidence, right, person, bins):
    """Return the L2 calibration error: noise of each bin from the squared sums of its people's deviations."""
    which, total = equal_mass(confidence, bins), 0.0
    for b in set(which.tolist()):
        mask = which == b
        mean, who = right[mask].mean(), person[mask]
        members = sorted(set(who.tolist()))
        squares = sum((right[mask][who == one] - mean).sum() ** 2 for one in members)
        gap, m = confidence[mask].mean() - mean, len(members)
        noise = m / (m - 1) * squares / mask.sum() ** 2 if m > 1 else gap**2
        total += mask.mean() * (gap**2 - noise)
    return np.sqrt(max(0.0, total))


@pytest.mark.parametrize(("k", "repeat"), [(2, 1), (2, 3), (3, 1)])
def test_every_figure_is_that_of_a_hand_mask(bench, k, repeat):
    """Ties, rows of no group, a group with one label only, and a group too small to compare."""
    build, _, setting = bench
    rng, n = np.random.default_rng(k + repeat), 600
    labels = rng.integers(0, k, n)
    p = np.round((rng.random((n, k)) + 0.8 * np.eye(k)[labels]) * 6) + 0.5
    group = rng.choice(["a", "b", "only", "few", None], n, p=[0.4, 0.25, 0.2, 0.02, 0.13])
    labels[group == "only"] = 1
    people = np.arange(n) // repeat
    p = p / p.sum(axis=1, keepdims=True)
    names = [f"l{i}" for i in range(k)]
    model, corpus = build(p, labels.tolist(), names=names, people=people, groups={"g": group.tolist()})
    got = figures(GroupCalibration(replicates=100, bins=7, minimum=25).measure(model, corpus, setting()))

    p, y = model.predict_proba(corpus.inputs), corpus.label_ids
    g, person = np.array(corpus.group_of("g")), corpus.people
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    squares = ((p - np.eye(k)[y]) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    brier, errors, compared = {}, [], []
    for one in ("a", "b", "only", "few", MISSING):
        mask = g == one
        brier[one], size = squares[mask].mean(), len(set(person[mask].tolist()))
        assert got["brier", "g", one].value == pytest.approx(brier[one], abs=1e-12)
        expected = confidence[mask].mean() - right[mask].mean()
        assert got["overconfidence", "g", one].value == pytest.approx(expected, abs=1e-12)
        assert got["brier", "g", one].n == got["overconfidence", "g", one].n == size
        assert (("ece", "g", one) in got) == (("ece_if_calibrated", "g", one) in got) == (size >= 25)
        if size >= 25:
            compared.append(one)
            errors.append(error_by_hand(confidence[mask], right[mask], person[mask], 7))
            assert got["ece", "g", one].value == pytest.approx(errors[-1], abs=1e-12)
    assert {"a", "b", "only"} <= set(compared)
    assert "few" not in compared
    gap = got["brier_difference", "g", None]
    values = [brier[one] for one in compared]
    assert gap.value == pytest.approx(max(values) - min(values), abs=1e-12)
    assert got["ece_difference", "g", None].value == pytest.approx(max(errors) - min(errors), abs=1e-12)
    assert gap.n == got["ece_difference", "g", None].n == len(set(person[np.isin(g, compared)].tolist()))
    for one in got.values():
        assert one.interval.low <= one.value <= one.interval.high


def overconfident(n, groups, shift, rng):
    """Return probabilities, labels and groups; the last group's confidence is above its accuracy by `shift`."""
    group = np.arange(n) % groups
    confidence, first = 0.5 + 0.5 * rng.beta(4, 1.5, n), rng.integers(0, 2, n)
    right = rng.random(n) < np.clip(confidence - shift * (group == groups - 1), 0, 1)
    p = np.where(first[:, None] == [0, 1], confidence[:, None], 1 - confidence[:, None])
    return p, np.where(right, first, 1 - first), np.array(list("abcdef"))[group]


def test_an_overconfident_group_is_found(bench):
    build, _, setting = bench
    p, labels, group = overconfident(1800, 3, 0.2, np.random.default_rng(1))
    model, corpus = build(p, labels.tolist(), names=["l0", "l1"], groups={"g": group.tolist()})
    got = figures(GroupCalibration(replicates=300).measure(model, corpus, setting()))
    assert got["overconfidence", "g", "c"].interval.low > 0.1
    assert got["ece", "g", "c"].interval.low > got["ece_if_calibrated", "g", "c"].interval.high
    for one in "ab":
        assert got["overconfidence", "g", one].interval.low < 0 < got["overconfidence", "g", one].interval.high
        assert got["ece", "g", one].interval.low == 0
        assert got["ece", "g", one].interval.high < got["ece", "g", "c"].interval.low
    assert got["brier_difference", "g", None].interval.low > 0.02
    assert got["ece_difference", "g", None].interval.low > 0.02


def test_a_group_of_twelve_is_shown_named_and_not_compared(bench):
    build, _, setting = bench
    p, labels, _ = overconfident(212, 2, 0.0, np.random.default_rng(2))
    group = ["a"] * 100 + ["b"] * 100 + ["few"] * 12
    model, corpus = build(p, labels.tolist(), names=["l0", "l1"], groups={"g": group})
    result = GroupCalibration(replicates=100).measure(model, corpus, setting())
    got = figures(result)
    assert ("ece", "g", "few") not in got
    assert got["brier", "g", "few"].n == 12
    assert got["brier_difference", "g", None].n == 200
    (said,) = notes(result)
    assert "not established, fewer than 30 people: few (12)" in said
    model, corpus = build(p, labels.tolist(), names=["l0", "l1"], groups={"g": ["a"] * 200 + ["few"] * 12})
    alone = GroupCalibration(replicates=100).measure(model, corpus, setting())
    assert not {"brier_difference", "ece_difference"} & {name for name, *_ in figures(alone)}
    assert any("no gaps in calibration" in text for text in notes(alone))
    model, corpus = build(p, labels.tolist(), names=["l0", "l1"])
    assert GroupCalibration().measure(model, corpus, setting()).outcome == "not_applicable"


def test_groups_that_are_always_right_are_not_certain(bench):
    build, _, setting = bench
    model, corpus = build([[0.0, 1.0]] * 80, [1] * 80, names=["l0", "l1"], groups={"g": ["a"] * 40 + ["b"] * 40})
    got = figures(GroupCalibration(replicates=100).measure(model, corpus, setting()))
    assert {one.value for (name, *_), one in got.items() if name != "ece_if_calibrated"} == {0.0}
    for name, one in (("ece", "a"), ("brier", "b"), ("brier_difference", None), ("ece_difference", None)):
        assert 0.05 < got[name, "g", one].interval.high < 0.2


def test_rows_in_another_order_leave_the_same_bytes(bench):
    _, simulate, setting = bench
    model, corpus = simulate(300, repeat=2, seed=3, ties=True, groups={"g": ["a", "b"], "h": ["c", "d", "e"]})
    probe = GroupCalibration(replicates=100)
    first = probe.measure(model, corpus, setting()).model_dump_json()
    shuffled = replace(corpus, examples=corpus.examples[::-1]).canonical()
    assert probe.measure(model, shuffled, setting()).model_dump_json() == first


@pytest.mark.slow
def test_errors_not_yet_seen_are_allowed_for(bench):
    """A model that is seldom wrong and sure of itself: in a group of 40 resampling mostly sees no error, or one."""
    build, _, setting = bench
    rng, n, covered = np.random.default_rng(4), 200, []
    truth = 0.97 * 0.03**2 + 0.03 * 0.97**2
    group = ["small"] * 40 + ["large"] * 160
    for _ in range(40):
        wrong = rng.random(n) < 0.03
        model, corpus = build([[0.03, 0.97]] * n, (1 - wrong).tolist(), names=["l0", "l1"], groups={"g": group})
        got = figures(GroupCalibration(replicates=100).measure(model, corpus, setting()))
        one = got["brier", "g", "small"].interval
        covered.append((one.low <= truth <= one.high, got["brier_difference", "g", None].interval.low == 0))
    assert np.mean(covered, axis=0).min() >= 0.9


def test_overconfidence_is_covered_where_confidence_tells_nothing(bench):
    """Sure or not, right nine times of ten: the spread of confidence is in the interval, too."""
    build, _, setting = bench
    rng, runs, covered = np.random.default_rng(8), 60, 0
    for _ in range(runs):
        sure, right = rng.random(200) < 0.5, rng.random(200) < 0.9
        first = np.where(sure, 0.99, 0.55)
        model, corpus = build(
            np.column_stack([first, 1 - first]),
            np.where(right, 0, 1).tolist(),
            names=["l0", "l1"],
            groups={"g": ["a", "b"] * 100},
        )
        got = figures(GroupCalibration(replicates=300, minimum=25).measure(model, corpus, setting()))
        covered += sum(
            got["overconfidence", "g", one].interval.low <= 0.77 - 0.9 <= got["overconfidence", "g", one].interval.high
            for one in ("a", "b")
        )
    assert covered / (2 * runs) >= 0.94
