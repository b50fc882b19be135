"""Noise and coins from the operating system."""

import os
import ssl

import numpy as np
import pytest
import torch
from scipy import stats

from workbench.train.private.entropy import coins, normal, uniform


def test_noise_has_the_stated_deviation():
    found = normal((1000, 401), 2.5).double().numpy().ravel()
    n = found.size
    # Of n independent normal numbers, sum(x^2) / s^2 is chi-squared with n degrees of freedom: a test at 1e-6.
    ratio = (found**2).sum() / 2.5**2
    assert stats.chi2.ppf(5e-7, n) < ratio < stats.chi2.ppf(1 - 5e-7, n)
    assert abs(found.mean()) < 5 * 2.5 / np.sqrt(n)


def test_noise_is_normal_and_the_halves_of_a_block_do_not_depend_on_each_other():
    found = normal((200_001,), 1.0).double().numpy()
    assert stats.kstest(found, "norm").pvalue > 1e-6
    half = 100_001  # Box and Muller make two numbers of one pair of draws
    assert abs(stats.pearsonr(found[: half - 1], found[half:]).statistic) < 5 / np.sqrt(half)
    assert abs(stats.pearsonr(found[: half - 1] ** 2, found[half:] ** 2).statistic) < 5 / np.sqrt(half)


@pytest.mark.parametrize("seed", [0, 7])
def test_no_seed_repeats_noise_or_coins(seed):
    found = []
    for _ in range(2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        found.append((normal((64,), 1.0), coins(256, 0.5)))
    assert not torch.equal(found[0][0], found[1][0])
    assert not np.array_equal(found[0][1], found[1][1])


def test_the_states_of_known_generators_are_left_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    normal((64,), 1.0)
    coins(64, 0.5)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("chance", [0.0, 0.001, 0.3, 1.0])
def test_coins_have_their_chance(chance):
    found = int(coins(200_000, chance).sum())
    assert stats.binomtest(found, 200_000, chance).pvalue > 1e-6


def test_uniform_numbers_lie_below_one():
    found = uniform(100_000)
    assert found.min() >= 0
    assert found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > 1e-6


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (5,)])
def test_shapes_are_kept(shape):
    assert normal(shape, 1.0).shape == shape


@pytest.mark.parametrize("n", [1, 2, 3, (1 << 18) - 1, (1 << 18) + 3])
def test_every_place_gets_its_own_number(n):
    """Odd lengths and the seams between blocks: no zeros left over, nothing drawn twice."""
    found = normal((n,), 1.0)
    assert (found != 0).all()
    assert len(torch.unique(found)) > 0.9 * n  # float32 has like numbers among so many, a few


def test_a_forked_process_does_not_repeat_its_parents_noise():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, ssl.RAND_bytes(32))
        os._exit(0)
    theirs, mine = os.read(reader, 32), ssl.RAND_bytes(32)
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert theirs != mine
