from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from workbench.audit.privacy.exposure import expected_exposure, exposures, mean_exposure
from workbench.errors import BadInput, EmptyData


def test_exposure_by_hand():
    found = exposures([5.0, 0.0, 2.5], [[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    np.testing.assert_allclose(found, [2.0, 0.0, 1.0])  # ranks 1, 4 and 2 of 4


def test_ties_count_against_the_canary():
    np.testing.assert_allclose(exposures([1.0], [[1.0] * 7]), [0.0])
    np.testing.assert_allclose(exposures([2.0], [[2.0, 1, 1, 1, 1, 1, 1]]), [2.0])


def test_ranks_are_scipys():
    rng = np.random.default_rng(0)
    planted, others = rng.integers(0, 30, 50).astype(float), rng.integers(0, 30, (50, 200)).astype(float)
    every = np.column_stack([planted, others])
    rank = stats.rankdata(-every, method="max", axis=1)[:, 0]
    np.testing.assert_allclose(exposures(planted, others), np.log2(201) - np.log2(rank), atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 100, 4096])
def test_the_expectation_is_the_mean_over_all_ranks(n):
    assert expected_exposure(n) == pytest.approx(np.mean(np.log2(n) - np.log2(np.arange(1, n + 1))), abs=1e-9)


def test_the_expectation_tends_to_log2_e():
    assert expected_exposure(10**9) == pytest.approx(math.log2(math.e), abs=1e-7)


def test_canaries_that_were_not_planted_have_the_expected_exposure_within_the_interval():
    rng, covered, means = np.random.default_rng(1), 0, []
    for _ in range(500):
        found = mean_exposure(rng.normal(size=60), rng.normal(size=(60, 99)), rng=rng, replicates=200)
        means.append(found.mean.value)
        covered += found.mean.interval.low <= found.expected <= found.mean.interval.high
    assert np.mean(means) == pytest.approx(expected_exposure(100), abs=4 * np.std(means) / np.sqrt(500))
    assert covered >= stats.binom.ppf(0.001, 500, 0.93)  # exposure is skewed: 60 canaries cost a point or two


def test_planted_canaries_stand_out_and_never_look_certain():
    rng = np.random.default_rng(2)
    found = mean_exposure(rng.normal(2, 1, 40), rng.normal(size=(40, 255)), rng=rng, replicates=500)
    assert found.mean.interval.low > found.expected
    assert (found.mean.n, found.ceiling) == (40, 8.0)
    perfect = mean_exposure(np.full(40, 9.0), rng.normal(size=(40, 255)), rng=rng, replicates=100)
    assert perfect.mean.value == perfect.mean.interval.high == 8.0
    assert 7 < perfect.mean.interval.low < 8


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(BadInput, match="one row of candidates' scores per canary"):
        exposures([1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(BadInput, match="one row of candidates' scores per canary"):
        exposures([1.0], [[]])
    with pytest.raises(BadInput, match="not a number"):
        exposures([1.0], [[np.nan]])
    with pytest.raises(EmptyData, match="plant some"):
        exposures([], np.empty((0, 3)))
    with pytest.raises(BadInput, match="at least two candidates"):
        expected_exposure(1)
