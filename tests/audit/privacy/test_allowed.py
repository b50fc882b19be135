from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.allowed import allowed_tpr, exceeds
from workbench.audit.privacy.membership import Scored, tpr_at
from workbench.errors import BadInput
from workbench.evidence.bootstrap import People

FPRS = (0.02, 0.05, 0.1, 0.3)


def extreme(epsilon, delta):
    """Output probabilities without and with the person of the mechanism that attains the bound.

    Kairouz, Oh and Viswanath 2015: four outputs, the first tells of the person for certain, the last of
    absence.
    """
    with_person = np.array([delta, (1 - delta) / (1 + math.exp(-epsilon)), (1 - delta) / (1 + math.exp(epsilon)), 0])
    return with_person[::-1], with_person


def publish(rng, n, epsilon, delta):
    """Scores of n non-members and n members from `extreme`, higher for likelier members, ties broken by chance."""
    out, with_person = extreme(epsilon, delta)
    outputs = np.concatenate([rng.choice(4, n, p=with_person), rng.choice(4, n, p=out)])
    return Scored(-outputs + 0.5 * rng.random(2 * n), np.arange(2 * n) < n, People(np.arange(2 * n)))


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0, 8.0])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 0.05])
def test_the_allowance_is_the_roc_curve_of_the_extreme_mechanism(epsilon, delta):
    out, with_person = extreme(epsilon, delta)
    false, true = np.append(0, np.cumsum(out)), np.append(0, np.cumsum(with_person))
    for fpr in np.linspace(0, 1, 101):
        steps = np.flatnonzero(np.diff(false) > 0)  # a vertical first step belongs to FPR 0
        optimum = true[1] if fpr == 0 else max(np.interp(fpr, false[[i, i + 1]], true[[i, i + 1]])
                                               for i in steps if false[i] <= fpr <= false[i + 1] + 1e-15)  # fmt: skip
        assert allowed_tpr(fpr, epsilon, delta) == pytest.approx(optimum, abs=1e-12)


def test_the_allowance_by_hand():
    assert allowed_tpr(0.001, math.log(8), 1e-5) == pytest.approx(0.00801)  # e^epsilon FPR + delta
    assert allowed_tpr(0.8, math.log(8), 0.0) == pytest.approx(1 - 0.2 / 8)  # 1 - e^-epsilon (1 - FPR - delta)
    assert allowed_tpr(0.001, 0.0, 0.0) == 0.001
    assert allowed_tpr(0.0, 2000.0, 1e-5) == 1e-5
    assert allowed_tpr(0.5, 2000.0, 0.0) == 1
    assert allowed_tpr(0.9, 1.0, 0.5) == 1


def test_a_true_claim_is_hardly_ever_exceeded_anywhere():
    rng, caught = np.random.default_rng(0), 0
    for _ in range(400):
        caught += any(found.exceeded for found in exceeds(publish(rng, 600, 1.0, 0.01), FPRS, 1.0, 0.01))
    assert caught <= stats.binom.ppf(0.999, 400, 0.025)


def test_a_claim_of_a_quarter_of_the_epsilon_is_exceeded():
    rng = np.random.default_rng(1)
    caught = [exceeds(publish(rng, 1000, 2.0, 1e-5), FPRS, 0.5, 1e-5) for _ in range(50)]
    assert sum(any(found.exceeded for found in each) for each in caught) >= 48
    found = caught[0][2]
    assert found.exceeded
    assert found.fpr == 0.1
    assert found.allowed == pytest.approx(math.exp(0.5) * 0.1 + 1e-5)
    assert found.tpr.interval.low > found.allowed


def test_intervals_hold_together_by_bonferroni():
    seen = publish(np.random.default_rng(2), 600, 1.0, 0.0)
    for found, fpr in zip(exceeds(seen, FPRS, 1.0, 0.0), FPRS, strict=True):
        assert found.tpr == tpr_at(seen, fpr, level=1 - 0.05 / 4)
    (found,) = exceeds(seen, [0.1], 1.0, 0.0, comparisons=20)
    assert found.tpr == tpr_at(seen, 0.1, level=1 - 0.05 / 20)


def test_what_is_not_established_is_not_called_within_the_bound():
    missing, found = exceeds(publish(np.random.default_rng(3), 600, 1.0, 0.0), [0.001, 0.1], 1.0, 0.0)
    assert isinstance(missing, Unknown)
    assert "10,000" in missing.why
    assert not found.exceeded


def test_impossible_claims_are_refused():
    seen = publish(np.random.default_rng(4), 10, 1.0, 0.0)
    with pytest.raises(BadInput, match="cannot be judged as 0 comparisons"):
        exceeds(seen, [], 1.0, 0.0)
    with pytest.raises(BadInput, match="2 false positive rates cannot be judged as 1 comparisons"):
        exceeds(seen, [0.1, 0.2], 1.0, 0.0, comparisons=1)
    for fpr, epsilon, delta in [(-0.1, 1, 0), (0.1, -1, 0), (0.1, 1, 2)]:
        with pytest.raises(BadInput, match="FPR and delta lie in"):
            allowed_tpr(fpr, epsilon, delta)
