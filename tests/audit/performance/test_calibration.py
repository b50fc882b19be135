from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.audit.performance.binning import Binned, Errors, equal_mass
from workbench.audit.performance.calibration import Calibration, l1_interval, l2_interval
from workbench.evidence.bootstrap import People, draws
from workbench.evidence.intervals import wilson


def binned(confidence, right, *, people=None, bins=15):
    codes = np.arange(len(right)) if people is None else np.asarray(people)
    return Binned(np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool), People(codes), bins)


def overconfident(n, shift, rng):
    confidence = 0.5 + 0.5 * rng.beta(6, 1.5, n)
    return binned(confidence, rng.random(n) < np.clip(confidence - shift, 0, 1))


def replicates(rows, b, rng):
    return Errors.joined([rows.errors(counts) for counts in draws(rows.people, replicates=b, rng=rng)])


def test_a_case_by_hand():
    # two bins: confidences (.6, .7), right (1, 0); confidences (.8, .9, 1.), right (1, 1, 0)
    rows = binned([0.6, 0.7, 0.8, 0.9, 1.0], [1, 0, 1, 1, 0], bins=2)
    # array_split puts the larger part first: (.6, .7, .8) and (.9, 1.)
    np.testing.assert_array_equal(rows.bin, [0, 0, 0, 1, 1])
    found = rows.observed()
    g0, g1 = 0.7 - 2 / 3, 0.95 - 1 / 2
    assert found.raw[0] == pytest.approx(3 / 5 * g0 + 2 / 5 * g1, abs=1e-12)
    assert found.plug_in[0] == pytest.approx(3 / 5 * g0**2 + 2 / 5 * g1**2, abs=1e-12)
    noise = 3 / 5 * (2 / 3 * 1 / 3) / 2 + 2 / 5 * (1 / 2 * 1 / 2) / 1
    assert found.squared[0] == pytest.approx(found.plug_in[0] - noise, abs=1e-12)


def kumar(confidence, right, bins):
    """Kumar, Liang and Ma 2019, definition 4.1, as their library computes it: squared error, noise subtracted."""
    which, total = equal_mass(confidence, bins), 0.0
    for b in set(which.tolist()):
        mask = which == b
        mean = right[mask].mean()
        total += mask.mean() * ((confidence[mask].mean() - mean) ** 2 - mean * (1 - mean) / (mask.sum() - 1))
    return total


@pytest.mark.parametrize("ties", [False, True])
def test_the_noise_is_kumars_where_each_person_has_one_row(ties):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 200)
    confidence = np.round(confidence, 1) if ties else confidence
    right = rng.random(200) < confidence - 0.1
    assert binned(confidence, right).observed().squared[0] == pytest.approx(kumar(confidence, right, 15), abs=1e-12)


def test_weights_are_copies():
    rng = np.random.default_rng(1)
    confidence, right, people = rng.uniform(0.5, 1, 60), rng.random(60) < 0.7, rng.integers(0, 25, 60)
    people = np.unique(people, return_inverse=True)[1]
    rows = binned(confidence, right, people=people, bins=4)
    counts = rng.integers(0, 3, people.max() + 1)
    found = rows.errors(counts[None, :].astype(float))
    gaps, noise, total = [], [], counts[people].sum()
    for b in range(rows.count):
        mask = rows.bin == b
        w = counts[people[mask]]
        mean, n = np.average(right[mask], weights=w), w.sum()
        gaps.append((n / total, np.average(confidence[mask], weights=w) - mean))
        present = [p for p in set(people[mask].tolist()) for _ in range(counts[p])]
        squares = sum((right[mask & (people == p)] - mean).sum() ** 2 for p in present)
        noise.append(n / total * len(present) / (len(present) - 1) * squares / n**2)
    assert found.raw[0] == pytest.approx(sum(w * abs(g) for w, g in gaps), abs=1e-12)
    assert found.squared[0] == pytest.approx(sum(w * g * g for w, g in gaps) - sum(noise), abs=1e-12)


def test_bins_have_equal_mass_and_equal_confidences_share_one():
    rng = np.random.default_rng(2)
    assert set(np.bincount(equal_mass(rng.random(150), 15))) == {10}
    tied = np.repeat([0.5, 0.75, 1.0], [70, 20, 10])
    np.testing.assert_array_equal(equal_mass(tied, 15), np.repeat([0, 1, 2], [70, 20, 10]))
    assert equal_mass(np.full(9, 0.7), 15).max() == 0
    assert np.bincount(equal_mass(rng.random(9), 15)).min() >= 2


def test_a_perfectly_calibrated_model_of_100_shows_a_tenth():
    rng = np.random.default_rng(3)
    confidence = 0.5 + 0.5 * rng.beta(4, 1.5, 100)  # mean 0.86, as of a model that is right that often
    calibrated = binned(confidence, np.ones(100)).if_calibrated(replicates=2000, rng=rng)
    assert calibrated.raw.mean() == pytest.approx(0.10, abs=0.01)
    half_normal = np.sqrt(2 / np.pi * confidence * (1 - confidence) / (100 / 15)).mean()
    assert calibrated.raw.mean() == pytest.approx(half_normal, rel=0.1)
    assert abs(calibrated.squared.mean()) < 0.001  # without its noise, nothing is left


@pytest.mark.parametrize("grouped", [False, True])
def test_the_simulation_of_a_calibrated_model_is_the_plain_computation(grouped):
    rng = np.random.default_rng(4)
    confidence, people = rng.uniform(0.4, 1, 40), np.arange(40) // (3 if grouped else 1)
    rows = binned(confidence, np.zeros(40), people=people, bins=5)
    fast = rows.if_calibrated(replicates=3, rng=np.random.default_rng(7))
    order = np.argsort(rows.bin * rows.people.size + rows.people.rows, kind="stable")
    uniform = np.random.default_rng(7).random((3, 40))
    for r in range(3):
        right = np.zeros(40, dtype=bool)
        right[order] = uniform[r] < confidence[order]
        slow = binned(confidence, right, people=people, bins=5).observed()
        assert (fast.raw[r], fast.squared[r]) == pytest.approx((slow.raw[0], slow.squared[0]), abs=1e-12)


def test_the_probe_reports_errors_brier_and_the_curve(bench):
    _, simulate, setting = bench
    model, corpus = simulate(300, seed=1)
    result = Calibration(replicates=200).measure(model, corpus, setting())
    got = {m.name.removeprefix("calibration."): m for m in result.measurements}
    assert list(got) == ["ece", "ece_raw", "ece_if_calibrated", "ece_raw_if_calibrated", "brier"]
    p, y = model.predict_proba(corpus.inputs), corpus.label_ids
    right, confidence = p.argmax(axis=1) == y, p.max(axis=1)
    assert got["ece"].value == pytest.approx(np.sqrt(max(0, kumar(confidence, right, 15))), abs=1e-12)
    assert got["brier"].value == pytest.approx(np.mean((p[:, 1] - y) ** 2), abs=1e-12)
    for m in got.values():
        assert m.interval.low <= m.value <= m.interval.high
    curve = result.exhibits[0]
    assert curve.reference == "diagonal"
    assert sum(point.n for point in curve.points) == 300
    mask = equal_mass(confidence, 15) == 0
    assert (curve.points[0].x, curve.points[0].y) == pytest.approx((confidence[mask].mean(), right[mask].mean()))
    assert curve.points[0].low == pytest.approx(wilson(int(right[mask].sum()), int(mask.sum())).low)


def test_brier_of_three_labels_sums_over_labels(bench):
    build, _, setting = bench
    p = [[0.7, 0.2, 0.1]] * 12
    model, corpus = build(p, [0, 1] * 6, names=["l0", "l1", "l2"])
    result = Calibration(replicates=50).measure(model, corpus, setting())
    first, second = 0.3**2 + 0.2**2 + 0.1**2, 0.7**2 + 0.8**2 + 0.1**2
    assert result.measurements[-1].value == pytest.approx((first + second) / 2)


def test_too_few_people_is_not_applicable(bench):
    _, simulate, setting = bench
    assert Calibration().measure(*simulate(9), setting()).outcome == "not_applicable"


def test_always_right_is_not_certain(bench):
    build, _, setting = bench
    model, corpus = build([[0.01, 0.99]] * 40, [1] * 40, names=["l0", "l1"])
    ece = Calibration(replicates=50).measure(model, corpus, setting()).measurements[0]
    assert ece.value == pytest.approx(0.01)
    assert ece.interval.high > 0.05


def test_rows_in_another_order_and_the_same_seed_leave_the_same_bytes(bench):
    _, simulate, setting = bench
    model, corpus = simulate(90, repeat=3, seed=3, ties=True)
    probe = Calibration(replicates=100)
    first = probe.measure(model, corpus, setting()).model_dump_json()
    shuffled = replace(corpus, examples=corpus.examples[::-1]).canonical()
    assert probe.measure(model, shuffled, setting()).model_dump_json() == first


@pytest.mark.parametrize(
    ("row", "labels", "value"),
    [([0, 1], [1] * 10, 0.0), ([0.5, 0.5], [0, 1] * 5, 0.25), ([0, 0, 1], [0] * 10, 2.0), ([0, 0, 1], [2] * 10, 0.0)],
)
def test_a_brier_score_that_all_rows_share_is_not_certain(bench, row, labels, value):
    build, _, setting = bench
    model, corpus = build([row] * 10, labels, names=[f"l{i}" for i in range(len(row))])
    (brier,) = [
        m for m in Calibration(replicates=50).measure(model, corpus, setting()).measurements if "brier" in m.name
    ]
    top = len(row) - 1
    known = 0.025 ** (1 / 10)  # of a person more at either end
    assert brier.value == pytest.approx(value)
    assert (brier.interval.low, brier.interval.high) == pytest.approx((known * value, top - known * (top - value)))
    assert brier.interval.high - brier.interval.low > 0.2


@pytest.mark.parametrize("bins", [1, 3])
def test_few_bins_do_not_hide_an_error_as_large_as_their_noise(bins):
    """All of the error lies in the least certain third of the rows, where noise is largest."""
    rng, covered = np.random.default_rng(bins), []
    for _ in range(200):
        confidence = 0.5 + 0.5 * rng.beta(6, 1.5, 200)
        claimed_too_much = 0.09 * (confidence <= np.quantile(confidence, 1 / 3))
        rows = binned(confidence, rng.random(200) < confidence - claimed_too_much, bins=bins)
        by_bin = [claimed_too_much[rows.bin == b].mean() for b in range(rows.count)]
        truth = np.sqrt(np.average(np.square(by_bin), weights=np.bincount(rows.bin)))
        seen, drawn = rows.observed(), replicates(rows, 300, rng)
        interval = l2_interval(float(seen.squared[0]), seen, drawn, 200)
        covered.append(interval.low <= truth <= interval.high)
    assert np.mean(covered) >= 0.93  # 0.6 and 0.7 by the pivotal bootstrap of the square


def test_the_interval_of_one_bin_is_that_of_the_absolute_difference():
    rng = np.random.default_rng(5)
    rows = overconfident(2000, 0.1, rng)
    rows = binned(rows.confidence, rows.right, bins=1)
    seen, drawn = rows.observed(), replicates(rows, 4000, rng)
    interval = l2_interval(float(seen.squared[0]), seen, drawn, 2000)
    gaps = rows.confidence - rows.right
    error = 1.96 * gaps.std() / np.sqrt(2000)
    assert (interval.low, interval.high) == pytest.approx((gaps.mean() - error, gaps.mean() + error), abs=0.0015)


@pytest.mark.slow
@pytest.mark.parametrize("bins", [2, 5, 15])
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.1])
def test_intervals_cover_the_true_error(shift, bins):
    # Confidence 0.5 to 1, right with probability confidence - shift: the true error is `shift` in every bin.
    rng, l1, l2 = np.random.default_rng(int(shift * 100)), [], []
    for _ in range(200):
        rows = replace(overconfident(300, shift, rng), bins=bins)
        seen, drawn = rows.observed(), replicates(rows, 300, rng)
        second = l2_interval(float(seen.squared[0]), seen, drawn, 300)
        first = l1_interval(float(seen.raw[0]), drawn, 300)
        l2.append(second.low - 1e-12 <= shift <= second.high)
        l1.append(first.low - 1e-12 <= shift <= first.high)
    assert min(np.mean(l1), np.mean(l2)) >= 0.92
