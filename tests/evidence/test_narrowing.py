"""By how much a gap became narrower: coverage where a percentile bootstrap of a maximum fails."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.evidence.bootstrap import People
from workbench.evidence.narrowing import Rates, change, contrasts, gap, largest, narrowing, rates_by_group


def test_contrasts_are_all_signed_differences():
    rates = np.array([[0.2, 0.5, 0.9], [0.4, 0.4, 0.1]])
    found = sorted(contrasts(rates).round(6))
    by_hand = sorted(
        round(float(row[i] - row[j]), 6) for row in rates for i in range(3) for j in range(3) if i != j
    )  # fmt: skip
    assert found == by_hand
    assert gap(rates) == pytest.approx(0.7)
    assert contrasts(rates)[largest(rates)] == gap(rates)


LEVEL, APART = [0.5, 0.5], [0.6, 0.4]


@pytest.mark.parametrize("truth", [(APART, LEVEL), ([0.6, 0.5, 0.4], [0.5, 0.5, 0.5]), (LEVEL, LEVEL)])
def test_the_interval_covers_the_true_narrowing_also_where_groups_are_level(truth):
    rng = np.random.default_rng(0)
    before, after = (np.array([side]) for side in truth)
    true, size, covered, runs = gap(before) - gap(after), 400, 0, 200
    noise = np.sqrt(0.24 / size)

    def seen():
        shared = rng.normal(size=before.shape)  # the same people decide most of both
        return before + noise * shared, after + noise * (0.8 * shared + 0.6 * rng.normal(size=before.shape))

    for _ in range(runs):
        (b0, a0), (b1, a1) = seen(), seen()  # chosen on other people
        shared = rng.normal(size=(300, *before.shape))
        own = rng.normal(size=(300, *before.shape))
        sides = Rates(b1, b1 + noise * shared), Rates(a1, a1 + noise * (0.8 * shared + 0.6 * own))
        found = narrowing(*sides, chosen_before=largest(b0), chosen_after=largest(a0), people=size)
        covered += found.low <= true <= found.high
    assert covered / runs >= 0.94


def test_a_change_with_nothing_chosen_covers_too_and_never_has_no_width() -> None:
    rng = np.random.default_rng(1)
    before, after = np.array([[0.6, 0.5, 0.4]]), np.array([[0.5, 0.5, 0.5]])
    noise, runs, covered = np.sqrt(0.24 / 400), 100, 0
    for _ in range(runs):
        shared = noise * rng.normal(size=before.shape)
        sides = []
        draws = noise * rng.normal(size=(300, *before.shape))
        for truth in (before, after):
            seen = truth + shared + 0.5 * noise * rng.normal(size=before.shape)
            sides.append(Rates(seen, seen + draws + 0.5 * noise * rng.normal(size=(300, *before.shape))))
        found = change(*sides, smallest=400)
        covered += found.low <= gap(after) - gap(before) <= found.high
    assert covered / runs >= 0.94
    same = change(sides[0], sides[0], smallest=400)
    assert same.low < 0 < same.high


def test_rates_by_group_are_means_under_masks_and_aligned_between_sides() -> None:
    rng = np.random.default_rng(0)
    people, chances = People(rng.integers(0, 60, 200)), rng.random(200)
    masks = [[rng.random(200) < 0.5 for _ in range(3)] for _ in range(2)]
    found = [
        rates_by_group(one, masks, people, replicates=50, rng=np.random.default_rng(3))
        for one in (chances, chances / 2)
    ]
    by_hand = np.array([[chances[mask].mean() for mask in family] for family in masks])
    np.testing.assert_allclose(found[0].values, by_hand, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[1].replicates, found[0].replicates / 2, rtol=0, atol=1e-12)
