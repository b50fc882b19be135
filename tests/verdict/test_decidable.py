import numpy as np
import pytest
from scipy import stats

from workbench.verdict.decidable import decidability, half_width, needed_n, smallest_n, worth
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
@pytest.mark.parametrize("end", [None, "other"])
def test_needed_n_decides_in_four_audits_of_five(given, share, end):
    """Every count that a model of this share may show is tried, with what it is likely to."""
    limit, at_least = next(iter(given.values())), "at_least" in given
    judged = ("low" if at_least else "high") if end is None else ("high" if at_least else "low")
    n = needed_n(gate(**given, end=judged))

    def passes(size):
        hits = np.arange(size + 1)
        chance = stats.binom.pmf(hits, size, share)
        ends = np.array([wilson(k / size, size)[judged == "high"] for k in hits])
        return chance[ends >= limit].sum() if at_least else chance[ends <= limit].sum()

    assert passes(n) >= 0.8
    if n > 1:
        assert passes(n - 1) < 0.8
    if end is None:
        halfway = next(m for m in range(1, n) if at_least == (wilson(share, m)[not at_least] > limit))
        assert passes(halfway) < 0.6, "where the interval of the true share just leaves out the bound, half pass"


@pytest.mark.parametrize(("share", "n"), [(0.5, 40), (0.93, 400), (0.0, 12), (1.0, 7)])
def test_an_interval_tells_of_how_many_independent_people_it_is_worth(share, n):
    low, high = wilson(share, n)
    assert worth(share, high - low) == pytest.approx(n, rel=1e-6)
    assert worth(share, 0.0) is None
    assert worth(share, 1.0) is None


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
    assert (
        lines[0]
        == "accuracy: an n of about 3,078 decides it, in 80% of audits of a model that is 0.02 better than the bound"
    )
