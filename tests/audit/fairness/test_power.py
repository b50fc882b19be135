from __future__ import annotations

from math import comb

import numpy as np
import pytest

from workbench.audit.fairness.groups import Groups
from workbench.audit.fairness.power import detectable_difference
from workbench.bench.coverage import simulated
from workbench.evidence.simultaneous import differences


def test_the_textbook_case():
    # 63 people a group see 0.25 around one half: 2 (1.96 + 0.84)^2 x 0.25 / 0.25^2 = 62.8
    assert detectable_difference(0.5, 63, 63) == pytest.approx(0.25, abs=0.001)


def test_it_is_found_about_four_times_in_five():
    rng, n, m = np.random.default_rng(0), 150, 900
    gap = detectable_difference(0.4, n, m)
    a, b = rng.binomial(n, 0.4 - gap / 2, 20_000) / n, rng.binomial(m, 0.4 + gap / 2, 20_000) / m
    z = (b - a) / np.sqrt(a * (1 - a) / n + b * (1 - b) / m)
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.03)


def test_among_many_groups_it_is_what_their_simultaneous_intervals_show():
    rng, n, k = np.random.default_rng(1), 300, 10
    gap = detectable_difference(0.5, n, n, pairs=comb(k, 2))
    assert gap > detectable_difference(0.5, n, n)
    truth, totals = np.full(k, 0.5) + gap / 2 * np.array([-1, 1, *[0] * (k - 2)]), np.full(k, n)
    found, runs = 0, 150
    for _ in range(runs):
        rates, _ = simulated(rng.binomial(totals, truth), totals, 300, rng)
        found += next(one.high for one in differences([rates]) if (one.first, one.second) == (0, 1)) < 0
    assert found / runs == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / runs))


def test_the_note_reckons_with_all_compared_groups(bench):
    build, _, setting = bench

    def told(names):
        p = np.tile([[0.9, 0.1], [0.2, 0.8]], (60 * len(names) // 2, 1))
        groups = {"g": np.repeat(names, 60).tolist()}
        result = Groups(replicates=60).measure(
            *build(p, [0, 1] * (len(p) // 2), names=["l0", "l1"], groups=groups), setting()
        )
        (note,) = (one.text for one in result.exhibits if one.kind == "note" and "80% power" in one.text)
        assert "for all pairs of compared groups" in note
        return float(note.rpartition(": ")[2].rstrip("."))

    assert told(["a", "b"]) == pytest.approx(detectable_difference(0.5, 60, 60), abs=0.005)
    assert told(list("abcdef")) == pytest.approx(detectable_difference(0.5, 60, 60, pairs=15), abs=0.005)


def test_extremes_stay_in_range():
    assert detectable_difference(0.5, 1, 1) == 1.0
    assert 0 < detectable_difference(0.0, 50, 50) < 0.2
