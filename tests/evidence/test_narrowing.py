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
        people = np.full(before.shape, float(size))
        sides = Rates(b1, b1 + noise * shared, people), Rates(a1, a1 + noise * (0.8 * shared + 0.6 * own), people)
        found = narrowing(*sides, chosen_before=largest(b0), chosen_after=largest(a0), people=size, rng=rng)
        covered += found.low <= true <= found.high
    assert covered / runs >= 0.94


@pytest.mark.parametrize(("others", "few", "rates"), [(200, 20, (0.75, 0.79)), (400, 100, (0.85, 0.87))])
def test_the_interval_covers_where_few_decisions_of_a_small_group_change(others, few, rates) -> None:
    rng, runs, covered, least = np.random.default_rng(5), 150, 0, 1.0
    small = np.arange(others + few) >= others
    masks, people = [[~small, small]], People(np.arange(others + few))
    for _ in range(runs):
        luck = rng.random(others + few)  # whoever is accepted before is accepted after
        sides = [
            rates_by_group(
                (luck < np.where(small, rate, 0.95)).astype(float),
                masks,
                people,
                replicates=300,
                rng=np.random.default_rng(3),
            )
            for rate in rates
        ]
        found = narrowing(*sides, chosen_before=0, chosen_after=0, people=others + few, rng=rng)
        covered += found.low <= rates[1] - rates[0] <= found.high
        least = min(least, found.high - found.low)
    assert covered / runs >= 0.92  # 150 of a true 95% are within 3.5 points; without the person more, 76% and 88%
    assert least > 0
    assert sides[0].people.tolist() == [[others, few]]


def test_a_narrowing_between_sides_that_decide_alike_has_width() -> None:
    chances, half = np.tile([0.0, 1.0], 100), np.arange(200) < 100
    same = rates_by_group(
        chances, [[half, ~half]], People(np.arange(200)), replicates=100, rng=np.random.default_rng(0)
    )
    found = narrowing(same, same, chosen_before=0, chosen_after=0, people=200, rng=np.random.default_rng(1))
    assert found.low < -0.01
    assert found.high > 0.01


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
            drawn = seen + draws + 0.5 * noise * rng.normal(size=(300, *before.shape))
            sides.append(Rates(seen, drawn, np.full(before.shape, 400.0)))
        found = change(*sides)
        covered += found.low <= gap(after) - gap(before) <= found.high
    assert covered / runs >= 0.94
    same = change(sides[0], sides[0])
    assert same.low < 0 < same.high


def test_a_change_covers_where_few_decisions_of_large_groups_differ() -> None:
    rng, size, runs, covered = np.random.default_rng(6), 1000, 150, 0
    first = np.arange(2 * size) < size
    masks, people = [[first, ~first]], People(np.arange(2 * size))
    for _ in range(runs):
        luck = rng.random(2 * size)  # whoever is accepted before is accepted after
        sides = [
            rates_by_group(
                (luck < np.where(first, rate, 0.4)).astype(float),
                masks,
                people,
                replicates=300,
                rng=np.random.default_rng(0),
            )
            for rate in (0.6, 0.604)
        ]
        found = change(*sides)
        covered += found.low <= 0.004 <= found.high
    assert covered / runs >= 0.94


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
