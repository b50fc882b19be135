from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from workbench.audit.performance.classification import Classification
from workbench.audit.performance.predictions import Predictions
from workbench.audit.performance.scores import Scores, f1_by_overlap, mean_of_limits
from workbench.evidence.bootstrap import People
from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Interval
from workbench.evidence.record import NotApplicable
from workbench.seeds import Streams


def found(result):
    return {(m.name.removeprefix("performance."), m.where.get("label")): m for m in result.measurements}


def rows(model, corpus):
    p = model.predict_proba(corpus.inputs)
    return p, corpus.label_ids


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize("ties", [False, True])
def test_two_label_values_are_scikit_learns_and_lie_in_their_intervals(bench, ties, repeat):
    _, simulate, setting = bench
    model, corpus = simulate(300, ties=ties, repeat=repeat)
    got = found(Classification(replicates=300).measure(model, corpus, setting()))
    p, y = rows(model, corpus)
    d = p.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(y, d)
    expected = {
        ("accuracy", None): metrics.accuracy_score(y, d),
        ("balanced_accuracy", None): metrics.balanced_accuracy_score(y, d),
        ("macro_f1", None): metrics.f1_score(y, d, average="macro"),
        ("roc_auc", None): metrics.roc_auc_score(y, p[:, 1]),
        ("average_precision", None): metrics.average_precision_score(y, p[:, 1]),
        ("log_loss", None): metrics.log_loss(y, p),
    }
    for k in range(2):
        expected |= {("precision", f"l{k}"): precision[k], ("recall", f"l{k}"): recall[k], ("f1", f"l{k}"): f1[k]}
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        assert got[key].value == pytest.approx(value, abs=1e-12), key
        assert got[key].interval.low <= value <= got[key].interval.high, key
        assert got[key].interval.low < got[key].interval.high, key
        assert ("bootstrap" in got[key].interval.method) == (
            repeat > 1 or key[0] not in {"accuracy", "precision", "recall", "f1"}
        ), key
    assert got["accuracy", None].n == 300 // repeat


def test_three_label_values_are_scikit_learns_one_against_the_rest(bench):
    _, simulate, setting = bench
    model, corpus = simulate(200, k=3, seed=2)
    got = found(Classification(replicates=200).measure(model, corpus, setting()))
    p, y = rows(model, corpus)
    assert got["roc_auc", None].value == pytest.approx(metrics.roc_auc_score(y, p, multi_class="ovr"), abs=1e-12)
    one_hot = np.eye(3)[y]
    assert got["average_precision", None].value == pytest.approx(metrics.average_precision_score(one_hot, p), abs=1e-12)
    for k in range(3):
        assert got["roc_auc", f"l{k}"].value == pytest.approx(metrics.roc_auc_score(y == k, p[:, k]), abs=1e-12)
    assert got["log_loss", None].value == pytest.approx(metrics.log_loss(y, p), abs=1e-12)


def test_wilson_counts_the_right_people(bench):
    _, simulate, setting = bench
    model, corpus = simulate(150, seed=4)
    got = found(Classification(replicates=50).measure(model, corpus, setting()))
    p, y = rows(model, corpus)
    d = p.argmax(axis=1)
    assert got["recall", "l1"].interval == wilson(int(((y == 1) & (d == 1)).sum()), int((y == 1).sum()))
    assert got["precision", "l0"].interval == wilson(int(((y == 0) & (d == 0)).sum()), int((d == 0).sum()))
    assert got["accuracy", None].interval == wilson(int((y == d).sum()), 150)


def test_the_bootstrap_computes_what_scikit_learn_computes_at_weight_one(bench):
    _, simulate, setting = bench
    model, corpus = simulate(200, k=3, seed=5, ties=True)
    seen = Predictions.of(model, corpus, setting())
    scores = Scores(seen, setting().streams, "x", 10)
    from workbench.evidence.weighted import Margins

    once = Margins.of(np.ones((1, seen.people.size)) @ scores._cells)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(seen.labels, seen.decisions)
    np.testing.assert_allclose(once.precision[0], precision, atol=1e-12)
    np.testing.assert_allclose(once.recall[0], recall, atol=1e-12)
    np.testing.assert_allclose(once.f1[0], f1, atol=1e-12)


def test_the_decision_rule_is_the_settings(bench):
    build, _, setting = bench
    model, corpus = build([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]], [1, 0, 1], names=["l0", "l1"])
    result = Classification(replicates=20).measure(model, corpus, setting(threshold=0.3))
    assert result.exhibits[0].counts == ((0, 1), (0, 2))
    assert result.exhibits[0].labels == ("l0", "l1")


def test_confident_mistakes_come_first_and_are_capped(bench):
    build, _, setting = bench
    p = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.01, 0.99], [0.8, 0.2]]
    model, corpus = build(p, [1, 1, 1, 0, 0], names=["l0", "l1"], groups={"g": ["a", "b", "c", "d", None]})
    result = Classification(replicates=20, mistakes=2).measure(model, corpus, setting())
    (cases,) = [e for e in result.exhibits if e.kind == "cases"]
    assert cases.total == 3
    assert [(c.example, c.label, c.predicted, c.probability, c.groups) for c in cases.cases] == [
        ("e00003", "l0", "l1", 0.99, {"g": "d"}),
        ("e00000", "l1", "l0", 0.9, {"g": "a"}),
    ]


@pytest.mark.parametrize("repeat", [1, 2])
def test_the_sweep_is_what_each_threshold_would_give(bench, repeat):
    _, simulate, setting = bench
    model, corpus = simulate(120, seed=6, repeat=repeat)
    result = Classification(replicates=100).measure(model, corpus, setting())
    curves = {e.where["metric"]: e for e in result.exhibits if e.kind == "curve"}
    p, y = rows(model, corpus)
    assert set(curves) == {"accuracy", "true_positive_rate", "false_positive_rate"}
    for i, t in enumerate(np.arange(1, 20) * 0.05):
        d = p[:, 1] >= round(t, 2)
        values = (np.mean(d == y), d[y == 1].mean(), d[y == 0].mean())
        for curve, value in zip(curves.values(), values, strict=True):
            point = curve.points[i]
            assert point.x == pytest.approx(t)
            assert point.y == pytest.approx(value, abs=1e-12)
            assert point.low <= point.y <= point.high
    assert curves["true_positive_rate"].points[0].n == len(set(corpus.people[y == 1].tolist()))
    assert not [
        e for e in Classification(replicates=20).measure(*simulate(30, k=3), setting()).exhibits if e.kind == "curve"
    ]


def test_one_label_only_leaves_out_what_it_does_not_determine_and_says_so(bench):
    build, _, setting = bench
    model, corpus = build([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]], [1, 1, 1], names=["l0", "l1"])
    result = Classification(replicates=50).measure(model, corpus, setting())
    got = found(result)
    assert ("roc_auc", None) not in got
    assert ("average_precision", None) not in got
    assert ("recall", "l0") not in got
    assert got["recall", "l1"].value == pytest.approx(2 / 3)
    assert got["balanced_accuracy", None].value == pytest.approx(2 / 3)
    notes = " ".join(e.text for e in result.exhibits if e.kind == "note")
    assert "roc_auc is not given for l1: no example lacks this label" in notes
    assert "average_precision is not given for l1: no example lacks this label" in notes
    assert "recall is not given for l0: no example has this label" in notes


def test_a_perfect_model_is_not_certain(bench):
    build, _, setting = bench
    y = [0, 1] * 20
    model, corpus = build([[0.9, 0.1] if k == 0 else [0.1, 0.9] for k in y], y, names=["l0", "l1"])
    got = found(Classification(replicates=100).measure(model, corpus, setting()))
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "average_precision"):
        assert got[name, None].value == 1
        assert 0.8 < got[name, None].interval.low < 0.95, name
        assert got[name, None].interval.high == 1


def test_f1_is_wilson_on_the_overlap():
    inner = wilson(4, 7)  # 4 hits, 3 false: overlap 4 / 7
    found_ = f1_by_overlap(2 * 4 / (2 * 4 + 3), inner)
    assert (found_.low, found_.high) == pytest.approx(
        (2 * inner.low / (1 + inner.low), 2 * inner.high / (1 + inner.high))
    )


def test_no_examples_is_not_applicable(bench):
    _, simulate, setting = bench
    model, corpus = simulate(3)
    assert isinstance(Classification().measure(model, corpus[:0], setting()), NotApplicable)


def test_rows_in_another_order_and_the_same_seed_leave_the_same_bytes(bench):
    from dataclasses import replace

    _, simulate, setting = bench
    model, corpus = simulate(80, repeat=2, seed=9)
    probe = Classification(replicates=100)
    first = probe.measure(model, corpus, setting()).model_dump_json()
    order = np.random.default_rng(0).permutation(80)
    shuffled = replace(corpus, examples=tuple(corpus.examples[i] for i in order)).canonical()
    assert probe.measure(model, shuffled, setting()).model_dump_json() == first
    assert probe.measure(model, corpus, setting(seed=1)).model_dump_json() != first


@pytest.mark.parametrize(("positives", "scores"), [(9, 6), (18, 13), (25, 14)])
@pytest.mark.parametrize("k", [2, 3])
def test_a_perfect_ranking_is_one_whatever_the_rounding(bench, positives, scores, k):
    # scikit-learn's average precision of a perfectly ranked label is 1 + 2e-16 for so many distinct scores of these
    build, _, setting = bench
    y = np.arange(positives * k) % k
    ranked = np.where(y == 1, 0.6 + 0.01 * (np.arange(len(y)) // k % scores), 0.1)
    p = np.where(np.arange(k) == 1, ranked[:, None], ((1 - ranked) / (k - 1))[:, None])
    if k == 3:
        p[y == 0], p[y == 2] = [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]
    assert metrics.average_precision_score(y == 1, p[:, 1]) > 1
    model, corpus = build(p, y.tolist(), names=[f"l{i}" for i in range(k)])
    got = found(Classification(replicates=50).measure(model, corpus, setting()))
    one = got["average_precision", None if k == 2 else "l1"]
    assert one.value == 1
    assert (one.interval.low, one.interval.high) == (wilson(positives, positives).low, 1)
    assert got["average_precision", None].value == 1


def test_a_log_loss_that_all_rows_share_is_not_certain(bench):
    build, _, setting = bench
    model, corpus = build([[0.01, 0.99]] * 12, [1] * 12, names=["l0", "l1"])
    loss = found(Classification(replicates=50).measure(model, corpus, setting()))["log_loss", None]
    most = 1 - 0.025 ** (1 / 12)  # Clopper-Pearson's upper limit of mistakes, at what each would cost
    assert loss.value == pytest.approx(-np.log(0.99))
    assert loss.interval.high == pytest.approx(most * -np.log(0.01) + (1 - most) * -np.log(0.99))
    assert 0 < loss.interval.low < loss.value


def seen_in(positives, negatives, missed, false):
    """Return predictions that miss so many of the positives and so many of the negatives."""
    labels = np.repeat([1, 0], [positives, negatives])
    decisions = labels.copy()
    decisions[:missed], decisions[positives : positives + false] = 0, 1
    p = np.where(decisions == 1, 0.9, 0.1)
    people = People(np.arange(len(labels)))
    return Predictions(("l0", "l1"), 1, np.stack([1 - p, p], axis=1), labels, decisions, people)


def balanced(predictions, seed=0):
    scores = Scores(predictions, Streams(seed), "x", 50)._by_label()
    return next(one for one in scores if one.name == "performance.balanced_accuracy").interval


def test_a_label_that_was_always_right_keeps_its_uncertainty_in_the_mean():
    found_ = balanced(seen_in(12, 1000, 0, 50))
    assert found_.low == pytest.approx(0.975 - np.hypot(1 - wilson(12, 12).low, 0.95 - wilson(950, 1000).low) / 2)


def test_balanced_accuracy_covers_where_one_label_is_rare():
    rng = np.random.default_rng(1)
    spans = [balanced(seen_in(20, 500, *rng.binomial([20, 500], 0.05)), seed) for seed in range(200)]
    assert sum(one.low <= 0.95 <= one.high for one in spans) >= 184  # 95% of 200, less 2 standard errors


def test_a_mean_over_labels_adds_their_limits_as_far_as_they_vary_together():
    values, both = (
        np.array([0.8, 0.6]),
        [Interval(low=v - 0.1, high=v + 0.1, level=0.95, method="") for v in (0.8, 0.6)],
    )
    one = np.random.default_rng(0).normal(size=(4000, 2))
    apart = mean_of_limits(values, both, one, per_row=1)
    together = mean_of_limits(values, both, one[:, [0, 0]], per_row=1)
    assert (apart.low, apart.high) == pytest.approx((0.7 - 0.1 / np.sqrt(2), 0.7 + 0.1 / np.sqrt(2)), abs=0.003)
    assert (together.low, together.high) == pytest.approx((0.6, 0.8))
    still = np.ones((10, 2))
    assert mean_of_limits(values, both, still, per_row=2).low == pytest.approx(0.6)  # two labels of the same rows
    assert mean_of_limits(values, both, still, per_row=1).low == pytest.approx(0.7 - 0.1 / np.sqrt(2))


@pytest.mark.slow
def test_auc_interval_covers(bench):
    from scipy import stats

    build, _, setting = bench
    rng, covered = np.random.default_rng(12), []
    truth = float(stats.norm.cdf(1.5 / np.sqrt(2)))
    for _ in range(300):
        y = (rng.random(150) < 0.3).astype(int)
        s = 1 / (1 + np.exp(-(rng.normal(size=150) + 1.5 * y)))
        model, corpus = build(np.stack([1 - s, s], axis=1), y.tolist(), names=["l0", "l1"])
        seen = Predictions.of(model, corpus, setting())
        (auc,) = Scores(seen, setting().streams, "x", 400)._ranking("roc_auc")
        covered.append(auc.interval.low <= truth <= auc.interval.high)
    assert np.mean(covered) >= 0.92
