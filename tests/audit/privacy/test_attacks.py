from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import special, stats
from sklearn.metrics import log_loss, roc_auc_score

from workbench.audit.privacy.attacks import by_class, logit_confidence, loss_threshold
from workbench.errors import BadInput


def test_the_loss_threshold_is_minus_scikit_learns_loss():
    rng = np.random.default_rng(0)
    rows, labels = special.log_softmax(rng.normal(size=(40, 3)), axis=1), rng.integers(0, 3, 40)
    found = loss_threshold(rows, labels)
    each = [-log_loss([y], np.exp([row]), labels=[0, 1, 2]) for row, y in zip(rows, labels, strict=True)]
    np.testing.assert_allclose(found.scores, each, atol=1e-12)
    assert found.scored.all()
    assert found.why_not is None


@pytest.mark.parametrize("labels", [2, 5])
def test_the_confidence_is_the_logit_of_the_probability(labels):
    rng = np.random.default_rng(1)
    logits, own = rng.normal(size=(30, labels)), rng.integers(0, labels, 30)
    p = special.softmax(logits, axis=1)[np.arange(30), own]
    np.testing.assert_allclose(logit_confidence(special.log_softmax(logits, axis=1), own), special.logit(p), rtol=1e-12)
    np.testing.assert_allclose(logit_confidence(logits, own), special.logit(p), rtol=1e-12)


@pytest.mark.parametrize("gap", [50.0, 700.0, 2000.0])
def test_the_confidence_keeps_its_digits_where_the_probability_rounds_to_one_or_to_zero(gap):
    logits = np.array([[gap, 0.0, 1.0]])
    with mpmath.workdps(2000):
        p = mpmath.exp(gap) / (mpmath.exp(gap) + 1 + mpmath.e)
        exact = float(mpmath.log(p / (1 - p)))
    rows = special.log_softmax(logits, axis=1)
    assert logit_confidence(rows, [0])[0] == pytest.approx(exact, rel=1e-12)
    assert logit_confidence(-rows, [0])[0] == pytest.approx(-gap - np.log(1 + np.exp(-1)), rel=1e-12)


def test_each_label_is_measured_by_its_own_references():
    found = by_class(
        [1.0, 2.0, 5.0, 9.0], [0, 1, 0, 1],
        reference_scores=[0.0, 2.0, 10.0, 10.0, 13.0], reference_labels=[0, 0, 1, 1, 1],
    )  # fmt: skip
    np.testing.assert_allclose(found.scores, [0, (2 - 11) / np.sqrt(3), 4 / np.sqrt(2), (9 - 11) / np.sqrt(3)])
    assert found.why_not is None


def test_labels_of_different_difficulty_hide_members_from_one_threshold_but_not_from_one_per_label():
    # Non-members N(3 label, 1), members one deviation above: within a label the AUC is Phi(1 / sqrt 2) = 0.760.
    rng, n = np.random.default_rng(2), 20_000
    labels, member = rng.integers(0, 5, n), rng.random(n) < 0.5
    scores = 3.0 * labels + member + rng.normal(size=n)
    theirs = rng.integers(0, 5, n)
    found = by_class(scores, labels, reference_scores=3.0 * theirs + rng.normal(size=n), reference_labels=theirs)
    assert roc_auc_score(member, found.scores) == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.01)
    assert roc_auc_score(member, scores) < 0.62


def test_a_label_without_references_leaves_its_rows_without_score():
    found = by_class(
        [1.0, 2.0, 3.0, 4.0], [0, 1, 2, 0],
        reference_scores=[0.0, 2.0, 1.0, 7.0, 7.0], reference_labels=[0, 0, 1, 2, 2],
    )  # fmt: skip
    np.testing.assert_array_equal(found.scored, [True, False, False, True])
    assert found.why_not == "2 of 4 rows have no score: fewer than two different reference scores for their label"
    np.testing.assert_allclose(found.scores, [0.0, 3 / np.sqrt(2)])


def test_what_cannot_be_scored_is_refused():
    rows = np.log([[0.5, 0.5], [0.9, 0.1]])
    for attack in (loss_threshold, logit_confidence):
        with pytest.raises(BadInput, match=r"log-probabilities \(n, n_labels\)"):
            attack(rows, [0])
        with pytest.raises(BadInput, match="columns 0 to 1; got 0 to 2"):
            attack(rows, [0, 2])
        with pytest.raises(BadInput, match="of float64"):
            attack(rows, [0.0, 1.0])
        with pytest.raises(BadInput, match="NaN or infinite"):
            attack([[np.nan, 0.0]], [0])
    with pytest.raises(BadInput, match=r"sum to exp\(0.693\) and not to 1"):
        loss_threshold([[0.0, 0.0]], [0])
    with pytest.raises(BadInput, match="1 of 2 confidences are infinite"):
        logit_confidence([[0.0, -np.inf], [-1.0, -1.0]], [0, 0])
    with pytest.raises(BadInput, match="at least two labels"):
        logit_confidence([[0.0]], [0])
    with pytest.raises(BadInput, match="one label each"):
        by_class([1.0], [0, 1], reference_scores=[1.0], reference_labels=[0])
    with pytest.raises(BadInput, match="1 of 2 reference scores are not finite"):
        by_class([1.0], [0], reference_scores=[1.0, np.inf], reference_labels=[0, 0])
