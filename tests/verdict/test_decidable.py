import pytest
from scipy import stats

from workbench.verdict.decidable import decidability, half_width, needed_n, smallest_n
from workbench.verdict.policy import Criterion, load_policy


def wilson(share, n):
    """Independent: scipy's score interval needs whole successes, so use the quadratic that defines it."""
    z = stats.norm.ppf(0.975)
    a, b, c = 1 + z * z / n, -(2 * share + z * z / n), share * share
    root = (b * b - 4 * a * c) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def gate(**given):
    return Criterion(id="c", measurement="performance.accuracy", why="so", **given)


@pytest.mark.parametrize(("given", "share"), [({"at_least": 0.8}, 0.82), ({"at_most": 0.1}, 0.08)])
def test_needed_n_is_the_smallest_that_decides(given, share):
    n = needed_n(gate(**given))
    limit = next(iter(given.values()))

    def decided(size):
        low, high = wilson(share, size)
        return low >= limit if "at_least" in given else high <= limit

    assert decided(n)
    assert not decided(n - 1)


def test_smallest_n_is_the_smallest_that_tells_apart():
    n = smallest_n(0.712, 0.7)
    assert wilson(0.712, n)[0] > 0.7
    assert wilson(0.712, n - 1)[0] <= 0.7
    assert smallest_n(0.7, 0.7) is None


def test_half_width_matches_the_definition():
    low, high = wilson(0.9, 2831)
    assert half_width(0.9, 2831) == pytest.approx((high - low) / 2, abs=1e-12)


def test_what_cannot_be_told_is_said():
    assert needed_n(gate(at_least=1.0)) is None
    assert needed_n(Criterion(id="c", measurement="performance.roc_auc", at_least=0.8, why="so")) is None
    assert needed_n(gate(reported=True)) is None


def test_every_default_gate_gets_a_line():
    policy = load_policy("default")
    lines = decidability(policy)
    assert len(lines) == len(policy.criteria)
    assert lines[0] == "accuracy: n >= 1,537 decides it for a model that is 0.02 better than the bound"
