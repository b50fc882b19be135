from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from workbench.evidence.weighted import Margins, average_precision, margins, ratio, roc_auc


def data(seed, n=120, ties=True):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.35
    scores = rng.normal(size=n) + truth
    weights = rng.integers(0, 4, (6, n)).astype(float)
    weights[0] = 1
    return (np.round(scores, 1) if ties else scores), truth, weights


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_ranking_scores_agree_with_scikit_learn_under_weights(seed, ties):
    scores, truth, weights = data(seed, ties=ties)
    auc, ap = roc_auc(scores, truth)(weights), average_precision(scores, truth)(weights)
    for row, w in enumerate(weights):
        assert auc[row] == pytest.approx(metrics.roc_auc_score(truth, scores, sample_weight=w), abs=1e-12)
        assert ap[row] == pytest.approx(metrics.average_precision_score(truth, scores, sample_weight=w), abs=1e-12)


def test_ranking_scores_by_hand():
    scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])
    ones = np.ones((1, 4))
    assert roc_auc(scores, truth)(ones)[0] == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    # thresholds 0.8: recall 1/2, precision 1; 0.4: recall 1, precision 2/3
    assert average_precision(scores, truth)(ones)[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_constant_scores_have_auc_one_half():
    truth = np.array([True, False, False])
    assert roc_auc(np.full(3, 0.3), truth)(np.ones((1, 3)))[0] == 0.5


def test_a_side_that_was_not_drawn_is_undefined():
    scores, truth = np.array([0.1, 0.9]), np.array([False, True])
    found = roc_auc(scores, truth)(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert np.isnan(found[:2]).all()
    assert found[2] == 1


@pytest.mark.parametrize("seed", range(3))
def test_margins_agree_with_scikit_learn_under_weights(seed):
    rng = np.random.default_rng(seed)
    labels, decisions = rng.integers(0, 3, 80), rng.integers(0, 3, 80)
    weights = rng.integers(0, 3, (4, 80)).astype(float)
    found = Margins.of(weights @ margins(labels, decisions, 3))
    for row, w in enumerate(weights):
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, decisions, sample_weight=w)
        np.testing.assert_allclose(found.precision[row], precision, atol=1e-12)
        np.testing.assert_allclose(found.recall[row], recall, atol=1e-12)
        np.testing.assert_allclose(found.f1[row], f1, atol=1e-12)
        assert found.accuracy[row] == pytest.approx(metrics.accuracy_score(labels, decisions, sample_weight=w))
        assert found.recall[row].mean() == pytest.approx(
            metrics.balanced_accuracy_score(labels, decisions, sample_weight=w)
        )


def test_nothing_over_nothing_is_undefined():
    np.testing.assert_array_equal(ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), [0.5, np.nan])
