from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from scipy import stats

from workbench.audit.fairness.gaps import BY_LABEL, CRITERIA, GAPS
from workbench.audit.fairness.groups import Groups
from workbench.audit.fairness.tallies import Tallies, rates_of
from workbench.audit.performance.predictions import Predictions
from workbench.data.corpus import MISSING
from workbench.evidence.bootstrap import People, draws
from workbench.evidence.intervals import wilson
from workbench.evidence.simultaneous import differences, max_gap
from workbench.seeds import Streams

NAMES = ["a", "b", "c"]


def found(result):
    return {
        (m.name.removeprefix("fairness."), m.where["attribute"], m.where.get("group")): m for m in result.measurements
    }


def notes(result):
    return [e.text for e in result.exhibits if e.kind == "note"]


def rates_by_hand(y, d, right, scores, mask):
    """Return every rate of the rows that `mask` marks, from counts; those without a denominator are absent."""
    y, d, right, s = y[mask], d[mask], right[mask], scores[mask]
    out = {"selection_rate": d.mean(), "accuracy": right.mean()}
    if y.any():
        out["true_positive_rate"] = (d & y).sum() / y.sum()
        out["false_negative_rate"] = (~d & y).sum() / y.sum()
    if (~y).any():
        out["false_positive_rate"] = (d & ~y).sum() / (~y).sum()
    if d.any():
        out["precision"] = (d & y).sum() / d.sum()
    if y.any() and (~y).any():
        pairs = s[y][:, None] - s[~y][None, :]
        out["roc_auc"] = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    return out


def with_holes(bench, seed, *, k=2, repeat=1):
    """Return rows with ties, missing groups, a group with one label only and a group with nobody selected."""
    build, _, _ = bench
    rng = np.random.default_rng(seed)
    n = 240
    labels = rng.integers(0, k, n)
    p = np.round((rng.random((n, k)) + 0.8 * np.eye(k)[labels]) * 6) + 0.5
    g = rng.choice(["a", "b", "c", "only", "never", None], n, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    labels[g == "only"] = 1
    p[g == "never"] = [9.0] + [1.0] * (k - 1)
    p /= p.sum(axis=1, keepdims=True)
    h = rng.choice(["x", "y"], n)
    people = np.arange(n) // repeat if repeat > 1 else None
    return build(
        p, labels.tolist(), names=[f"l{i}" for i in range(k)], people=people, groups={"g": g.tolist(), "h": h.tolist()}
    )


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize(("seed", "k"), [(0, 2), (2, 3)])
def test_every_rate_is_that_of_a_hand_mask(bench, seed, k, repeat):
    _, _, setting = bench
    model, corpus = with_holes(bench, seed, k=k, repeat=repeat)
    got = found(Groups(replicates=60).measure(model, corpus, setting()))
    p, labels = model.predict_proba(corpus.inputs), corpus.label_ids
    decided = p.argmax(axis=1)
    expected = {}
    for attribute in ("g", "h"):
        membership = np.array(corpus.group_of(attribute))
        for group in set(membership.tolist()):
            values = rates_by_hand(labels == 1, decided == 1, labels == decided, p[:, 1], membership == group)
            expected |= {(name, attribute, group): value for name, value in values.items()}
    assert {key for key in got if key[2] is not None} == set(expected)
    assert ("roc_auc", "g", "only") not in expected
    assert ("precision", "g", "never") not in expected
    assert ("accuracy", "g", MISSING) in expected
    for key, value in expected.items():
        assert got[key].value == pytest.approx(value, abs=1e-12), key
        assert got[key].interval.low <= value <= got[key].interval.high, key


@pytest.mark.parametrize("seed", range(2))
def test_gaps_are_fairlearns_and_a_hand_masks(bench, seed):
    _, simulate, setting = bench
    model, corpus = simulate(400, seed=seed, ties=True, groups={"g": NAMES})
    got = found(Groups(replicates=100).measure(model, corpus, setting()))
    p, y = model.predict_proba(corpus.inputs), corpus.label_ids
    d, g = p.argmax(axis=1), np.array(corpus.group_of("g"))
    theirs = {
        f"{name}{suffix}": getattr(fairlearn, name)(y, d, sensitive_features=g, method=method)
        for suffix, method in (("", "between_groups"), ("_to_overall", "to_overall"))
        for name in (
            f"{criterion}_{form}"
            for criterion in ("demographic_parity", "equal_opportunity", "equalized_odds")
            for form in ("difference", "ratio")
        )
    }
    for name, value in theirs.items():
        assert got[name, "g", None].value == pytest.approx(value, abs=1e-12), name
    by_hand = [rates_by_hand(y == 1, d == 1, y == d, p[:, 1], g == name) for name in NAMES]
    everybody = rates_by_hand(y == 1, d == 1, y == d, p[:, 1], np.ones(len(y), dtype=bool))
    expected = {"worst_group_accuracy": min(b["accuracy"] for b in by_hand)}
    for name, criterion, form, overall in ((x.name, x.criterion, x.form, x.to_overall) for x in GAPS):
        pairs = [
            (a[rate], b[rate])
            for rate in CRITERIA[criterion]
            for a in by_hand
            for b in ([everybody] if overall else by_hand)
        ]
        if form == "difference":
            expected[name] = max(abs(a - b) for a, b in pairs)
        elif form == "ratio":
            expected[name] = min(min(a, b) / max(a, b) for a, b in pairs)
    assert len(expected) == len(GAPS) == 21
    for name, value in expected.items():
        m = got[name, "g", None]
        assert m.value == pytest.approx(value, abs=1e-12), name
        assert m.interval.low <= m.value <= m.interval.high
        assert m.n == 400
        assert "max-t bootstrap over people" in m.interval.method


def test_each_label_is_held_against_the_rest(bench):
    _, simulate, setting = bench
    model, corpus = simulate(600, k=4, seed=5, ties=True, groups={"g": NAMES})
    got = {
        (m.name.removeprefix("fairness."), m.where.get("label")): m
        for m in Groups(replicates=100).measure(model, corpus, setting()).measurements
        if "group" not in m.where
    }
    p, y = model.predict_proba(corpus.inputs), corpus.label_ids
    d, g = p.argmax(axis=1), np.array(corpus.group_of("g"))
    for criterion in BY_LABEL:
        by_label = []
        for label, name in enumerate(corpus.labels):
            by_hand = [rates_by_hand(y == label, d == label, y == d, p[:, label], g == one) for one in NAMES]
            by_label.append(max(np.ptp([one[rate] for one in by_hand]) for rate in CRITERIA[criterion]))
            m = got[f"{criterion}_difference_by_label", name]
            assert m.value == pytest.approx(by_label[-1], abs=1e-12)
            assert m.interval.low <= m.value <= m.interval.high
        worst = got[f"{criterion}_difference_worst_label", None]
        assert worst.value == pytest.approx(max(by_label), abs=1e-12)
        assert worst.interval.low <= worst.value <= worst.interval.high
        widest = max(
            (got[f"{criterion}_difference_by_label", name] for name in corpus.labels), key=lambda m: m.interval.high
        )
        assert worst.interval.high >= widest.interval.high, "that it is the worst of several makes it less sure"
        families = 2 if criterion == "equalized_odds" else 1
        assert f"simultaneous over {12 * families} pairs of groups in 4 labels" in worst.interval.method


def test_two_labels_need_no_gaps_by_label_and_of_many_the_largest_are_given(bench):
    _, simulate, setting = bench
    two = Groups(replicates=60).measure(*simulate(200, k=2, seed=1, groups={"g": NAMES}), setting())
    assert not [m for m in two.measurements if "label" in m.where or m.name.endswith("worst_label")]
    model, corpus = simulate(600, k=4, seed=1, groups={"g": NAMES})
    found = Groups(replicates=60, most_labels=2).measure(model, corpus, setting())
    kept = {m.where["label"] for m in found.measurements if "label" in m.where}
    sizes = corpus.card.labels
    assert kept == set(sorted(sizes, key=sizes.get)[-2:])
    assert "g: gaps by label are given for the 2 of 4 labels with most examples." in notes(found)


def test_a_label_that_one_group_never_has_is_not_compared_and_that_is_said(bench):
    build, _, setting = bench
    rng = np.random.default_rng(8)
    g = np.repeat(["a", "b"], 150)
    labels = rng.integers(0, 3, 300)
    labels[g == "b"] %= 2  # never the third
    p = np.eye(3)[labels] * 2 + rng.random((300, 3))
    p /= p.sum(axis=1, keepdims=True)
    model, corpus = build(p, labels.tolist(), names=["l0", "l1", "l2"], groups={"g": g.tolist()})
    result = Groups(replicates=60).measure(model, corpus, setting())
    named = {(m.name, m.where.get("label")) for m in result.measurements}
    assert ("fairness.equal_opportunity_difference_by_label", "l1") in named
    assert ("fairness.equal_opportunity_difference_by_label", "l2") not in named
    assert ("fairness.demographic_parity_difference_by_label", "l2") in named
    told = "equal_opportunity_difference_by_label is not given for l2 over g: fewer than two"
    assert any(text.startswith(told) for text in notes(result))


def test_only_large_groups_are_compared(bench):
    build, _, setting = bench
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 212)
    p = np.clip(0.25 + 0.5 * labels + rng.normal(0, 0.2, 212), 0.01, 0.99)
    g = ["a"] * 100 + ["b"] * 100 + ["few"] * 12
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups={"g": g})
    result = Groups(replicates=100).measure(model, corpus, setting())
    got = found(result)
    table = result.exhibits[0]
    assert table.kind == "group_table"
    assert table.too_small == ("few",)
    assert [(s.group, s.n, s.people) for s in table.groups] == [("a", 100, 100), ("b", 100, 100), ("few", 12, 12)]
    assert all(sum(s.by_label.values()) == s.n for s in table.groups)
    assert ("accuracy", "g", "few") in got
    d, member = p[:200] >= 0.5, np.array(g[:200])
    hand = abs(d[member == "a"].mean() - d[member == "b"].mean())
    assert got["demographic_parity_difference", "g", None].value == pytest.approx(hand, abs=1e-12)
    assert got["demographic_parity_difference", "g", None].n == 200
    (note,) = [text for text in notes(result) if "shown but not compared" in text]
    assert "few (12 people): 0.4" in note


def test_a_group_with_few_positives_is_left_out_of_true_positive_rates_only(bench):
    build, _, setting = bench
    rng = np.random.default_rng(6)
    g = ["a"] * 80 + ["b"] * 80 + ["c"] * 80
    labels = rng.integers(0, 2, 240)
    labels[160:] = 0
    labels[160:164] = 1
    p = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.2, 240), 0.01, 0.99)
    p[180:] = 0.9  # decided wrongly: the largest difference in false positive rates
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups={"g": g})
    result = Groups(replicates=100).measure(model, corpus, setting())
    got = found(result)
    assert got["demographic_parity_difference", "g", None].n == 240
    assert got["equal_opportunity_difference", "g", None].n == 160
    odds = got["equalized_odds_difference", "g", None]
    assert odds.n == 240
    assert odds.left_out == got["equal_opportunity_difference", "g", None].left_out == ("c",)
    assert got["demographic_parity_difference", "g", None].left_out == ()
    d, y, g = p >= 0.5, labels == 1, np.array(g)
    false_positives = [d[~y & (g == name)].mean() for name in "abc"]
    true_positives = [d[y & (g == name)].mean() for name in "ab"]
    assert odds.value == pytest.approx(max(np.ptp(false_positives), np.ptp(true_positives)), abs=1e-12)
    assert odds.value == pytest.approx(false_positives[2] - min(false_positives[:2]), abs=1e-12), (
        "c's, or it shows less"
    )
    assert odds.interval.low <= odds.value <= odds.interval.high
    for where in ("equal opportunity over g", "equalized odds over g in the true positive rate"):
        left_out = f"Left out of {where}: c (fewer than 10 people"
        assert any(text.startswith(left_out) for text in notes(result))
    assert not any("in the false positive rate" in text for text in notes(result))
    for name, method in {
        "demographic_parity_difference": "simultaneous over 3 pairs of 3 groups:",
        "equal_opportunity_difference": "simultaneous over 1 pair of 2 of 3 groups:",
        "equalized_odds_difference": "simultaneous over 4 pairs of 3 groups:",
        "worst_group_accuracy": "simultaneous over 3 groups:",
    }.items():
        assert got[name, "g", None].interval.method.startswith(method)


def test_where_one_rate_is_not_known_of_two_groups_the_gap_is_the_others_and_leaves_all_out(bench):
    build, _, setting = bench
    g, labels = np.repeat(["a", "b"], 100), np.tile([0, 1], 100)
    labels[105:] = 0
    p = np.where(np.arange(200) < 60, 0.9, 0.1)
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups={"g": g.tolist()})
    result = Groups(replicates=60).measure(model, corpus, setting())
    got = found(result)
    assert ("equal_opportunity_difference", "g", None) not in got
    odds = got["equalized_odds_difference", "g", None]
    assert odds.value == pytest.approx(0.6, abs=1e-12)
    assert odds.left_out == ("b",)
    told = "Left out of equalized odds over g in the true positive rate: b"
    (note,) = [text for text in notes(result) if text.startswith(told)]
    assert note.endswith("so the gap is that of the false positive rate alone.")


def test_of_a_column_of_ids_only_the_largest_groups_are_handled_and_the_rest_is_said(bench):
    build, _, setting = bench
    rng = np.random.default_rng(9)
    n = 1600
    p, labels = rng.random(n), rng.integers(0, 2, n)
    ids = [f"id{i // 2:04d}" for i in range(n - 80)] + ["big"] * 40 + ["zbig"] * 40
    named = {"id": ids, "g": rng.choice(["a", "b"], n).tolist()}
    model, corpus = build(np.stack([1 - p, p], axis=1), labels.tolist(), names=["l0", "l1"], groups=named)
    result = Groups(replicates=60).measure(model, corpus, setting())
    got = found(result)
    shown = {key[2] for key in got if key[1] == "id"} - {None}
    assert shown == {"big", "zbig", *(f"id{i:04d}" for i in range(48))}
    assert len([key for key in got if key[1] == "id"]) <= 50 * 7 + len(GAPS)
    tables = {e.attribute: e for e in result.exhibits if e.kind == "group_table"}
    assert (len(tables["id"].groups), len(tables["id"].too_small)) == (50, 48)
    (note,) = [text for text in notes(result) if "not shown" in text]
    assert note.startswith("id: 712 smaller groups, 1424 people in all, are not shown: of 762 groups only the 50")
    assert "no group column" in note
    alone = [e in ("big", "zbig") for e in corpus.group_of("id")]
    decided = p[-80:] >= 0.5
    gap = got["demographic_parity_difference", "id", None]
    assert (gap.n, sum(alone)) == (80, 80)
    assert gap.value == pytest.approx(abs(decided[:40].mean() - decided[40:].mean()), abs=1e-12)
    only = Groups(replicates=60).measure(model, without(corpus, "id"), setting())
    assert {key: m for key, m in got.items() if key[1] == "g"} == found(only)


def without(corpus, attribute):
    """Return the corpus as if `attribute` had no column."""
    kept = tuple(replace(e, groups={a: g for a, g in e.groups.items() if a != attribute}) for e in corpus.examples)
    return replace(corpus, examples=kept).canonical()


@pytest.mark.parametrize("repeat", [1, 3])
def test_the_joint_bootstrap_is_that_of_a_dense_table(bench, repeat):
    _, simulate, setting = bench
    model, corpus = simulate(240, seed=3, repeat=repeat, groups={"g": NAMES})
    seen = Predictions.of(model, corpus, setting())
    tallies = Tallies(seen, "g", corpus.group_of("g"), rates_of(seen), Streams(4), "test", 50)
    for rate in tallies.rates:
        strata = seen.people.strata(seen.is_label(1).astype(np.int64)) if rate.stratified else None
        random = Streams(4).stream("test", "g", "within labels" if rate.stratified else "over all")
        counts = np.concatenate(list(draws(seen.people, replicates=50, rng=random, strata=strata)))
        weights = counts[:, seen.people.rows]
        for g, name in enumerate(NAMES):
            inside = np.array(corpus.group_of("g")) == name
            hits = weights[:, inside & rate.hits & rate.among].sum(axis=1)
            totals = weights[:, inside & rate.among].sum(axis=1)
            np.testing.assert_allclose(tallies.drawn(rate)[:, g], hits / totals, rtol=1e-12)


def test_a_long_group_name_does_not_widen_every_row(bench):
    build, _, setting = bench
    p = np.random.default_rng(7).random(400)
    g = ["free text " * 20_000, *("a", "b", "c") * 133]  # 200,000 letters: 320 MB if each row took as much
    model, corpus = build(np.stack([1 - p, p], axis=1), [0, 1] * 200, names=["l0", "l1"], groups={"g": g})
    tracemalloc.start()
    try:
        got = found(Groups(replicates=30).measure(model, corpus, setting()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ("accuracy", "g", g[0]) in got
    assert peak < 100_000_000


@pytest.mark.parametrize(
    ("groups", "why"), [(["a"] * 40, "one group only"), (["a"] * 35 + ["b"] * 5, "fewer than two")]
)
def test_fewer_than_two_comparable_groups_have_no_gap(bench, groups, why):
    build, _, setting = bench
    p = np.random.default_rng(7).random(40)
    model, corpus = build(np.stack([1 - p, p], axis=1), [0, 1] * 20, names=["l0", "l1"], groups={"g": groups})
    result = Groups(replicates=30).measure(model, corpus, setting())
    assert not [key for key in found(result) if key[2] is None]
    assert any(why in text for text in notes(result))


def test_nobody_selected_has_no_ratio(bench):
    build, _, setting = bench
    model, corpus = build([[0.9, 0.1]] * 80, [0, 1] * 40, names=["l0", "l1"], groups={"g": ["a"] * 40 + ["b"] * 40})
    result = Groups(replicates=30).measure(model, corpus, setting())
    got = found(result)
    assert ("demographic_parity_ratio", "g", None) not in got
    gap = got["demographic_parity_difference", "g", None]
    assert (gap.value, gap.interval.low) == (0, 0)
    assert gap.interval.high == pytest.approx(wilson(0, 40).high, abs=1e-9)
    assert "g: demographic parity ratio: not defined, the selection rate is 0 in every group." in notes(result)
    named = {name for name, _, group in got if group is None}
    assert {x.name for x in GAPS if x.criterion == "demographic_parity" and x.form == "difference"} <= named
    assert {x.name for x in GAPS if x.form == "ratio"} & named == {"accuracy_ratio", "accuracy_ratio_to_overall"}


def test_no_group_column_is_not_applicable(bench):
    _, simulate, setting = bench
    result = Groups().measure(*simulate(20), setting())
    assert result.outcome == "not_applicable"
    assert "--group-column" in result.reason


def test_rows_in_another_order_and_the_same_seed_leave_the_same_bytes(bench):
    _, _, setting = bench
    model, corpus = with_holes(bench, 4, repeat=2)
    probe = Groups(replicates=80)
    first = probe.measure(model, corpus, setting()).model_dump_json()
    order = np.random.default_rng(1).permutation(len(corpus))
    shuffled = replace(corpus, examples=tuple(corpus.examples[i] for i in order)).canonical()
    assert probe.measure(model, shuffled, setting()).model_dump_json() == first
    assert probe.measure(model, corpus, setting(seed=3)).model_dump_json() != first


@pytest.mark.slow
@pytest.mark.parametrize("repeat", [1, 4])
def test_a_planted_gap_lies_in_its_interval_and_none_is_found_where_there_is_none(repeat):
    # One group's scores are shifted; all answers of one person lean the same way, and a person is in one group.
    rng, covered, silent = np.random.default_rng(8), [], []
    shift, n = 0.5, 600
    truth = stats.norm.cdf(shift / np.sqrt(1.25)) - 0.5
    for _ in range(400):
        g = np.repeat(rng.integers(0, 2, n // repeat), repeat)
        labels = rng.integers(0, 2, n)
        score = np.repeat(rng.normal(0, 0.5, n // repeat), repeat) + rng.normal(0, 1, n)
        for planted, hits in ((truth, covered), (0.0, silent)):
            p = stats.norm.cdf(score + (shift if planted else 0) * g)
            seen = Predictions(
                names=("l0", "l1"), positive=1, probabilities=np.stack([1 - p, p], axis=1), labels=labels,
                decisions=(p > 0.5).astype(np.int64), people=People(np.arange(n) // repeat),
            )  # fmt: skip
            rates = rates_of(seen)[:1]
            tallies = Tallies(seen, "g", tuple(NAMES[i] for i in g), rates, Streams(len(hits)), "test", 300)
            span = max_gap(differences([tallies.compared(rates[0], [0, 1])]))
            hits.append(span.low <= planted <= span.high)
    noise = 3 * np.sqrt(0.95 * 0.05 / 400)
    assert min(np.mean(covered), np.mean(silent)) >= 0.95 - noise


def test_gaps_cover_where_ten_people_have_half_the_rows_of_a_group():
    rows = np.r_[np.ones(90, dtype=int), np.full(10, 10), np.full(100, 2)]
    person, rng, covered, runs = np.repeat(np.arange(200), rows), np.random.default_rng(2), 0, 200
    g = np.where(person < 100, NAMES[0], NAMES[1])
    for run in range(runs):
        right = (rng.random(200) < 0.9)[person]  # whoever is judged wrong once always is; both groups alike
        labels = rng.integers(0, 2, len(person))
        p = np.where(right, labels, 1 - labels) * 0.6 + 0.2
        seen = Predictions(
            names=("l0", "l1"), positive=1, probabilities=np.stack([1 - p, p], axis=1), labels=labels,
            decisions=(p > 0.5).astype(np.int64), people=People(person),
        )  # fmt: skip
        rates = rates_of(seen)[1:2]
        assert rates[0].name == "accuracy"
        tallies = Tallies(seen, "g", tuple(g), rates, Streams(run), "test", 200)
        compared = tallies.compared(rates[0], [0, 1])
        assert compared.n == pytest.approx([190**2 / 1090, 100])
        (found,) = differences([compared])
        covered += found.low <= 0 <= found.high
    assert covered / runs >= 0.92  # of a true 95%, within 3.1 points; resampling alone covers 85%
