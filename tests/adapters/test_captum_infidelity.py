"""Captum's infidelity against the definition written out, and against explanations that are exact by construction."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.adapters.captum_infidelity import infidelity, removals

WEIGHTS = np.array([0.3, -0.2, 0.05, 0.0, 0.1])


def linear(left):
    return 0.4 + left @ WEIGHTS


def by_definition(scores, gone):
    """The mean squared difference at the best common factor, written out."""
    said, did = gone @ scores, linear(np.ones(5)) - linear(1 - gone)
    factor = max(0.0, (said * did).mean() / (said**2).mean())
    return ((factor * said - did) ** 2).mean()


@pytest.fixture
def gone():
    return removals(5, 200, np.random.default_rng(0))


def test_it_is_the_definition(gone):
    rng = np.random.default_rng(1)
    for scores in (*rng.normal(size=(5, 5)), -WEIGHTS):
        found = infidelity(float(linear(np.ones(5))), linear, scores, gone)
        assert found == pytest.approx(by_definition(scores, gone), rel=1e-9)
        assert found > 1e-3


def test_an_exact_explanation_has_none_in_any_unit(gone):
    whole = float(linear(np.ones(5)))
    for factor in (1.0, 17.0, 0.01):
        assert infidelity(whole, linear, factor * WEIGHTS, gone) == pytest.approx(0, abs=1e-15)


def test_scores_that_say_nothing_cost_the_whole_change(gone):
    whole = float(linear(np.ones(5)))
    did = whole - linear(1 - gone)
    assert infidelity(whole, linear, np.zeros(5), gone) == pytest.approx((did**2).mean())


def test_removals_take_a_fifth_at_most_and_one_at_least():
    gone = removals(81, 500, np.random.default_rng(0))
    counts = gone.sum(axis=1)
    assert set(np.unique(gone)) == {0.0, 1.0}
    assert counts.min() == 1
    assert counts.max() == 16
    assert (removals(1, 10, np.random.default_rng(0)) == 1).all()
