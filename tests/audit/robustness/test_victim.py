import numpy as np
import pytest

from workbench.audit.robustness.victim import Victim, centred
from workbench.evidence.decision import Decision


@pytest.mark.parametrize("threshold", [0.001, 0.1, 0.3, 0.5, 0.7, 0.999])
@pytest.mark.parametrize("positive", [0, 1])
def test_the_largest_score_is_the_decision_also_at_the_threshold(threshold, positive):
    p = np.array([0, threshold, np.nextafter(threshold, 0), np.nextafter(threshold, 1), 0.2, 0.5, 0.9, 1])
    probabilities = np.stack([p, 1 - p] if positive == 0 else [1 - p, p], axis=1)
    scores = centred(probabilities, positive, threshold)
    decision = Decision(rule="threshold", threshold=threshold)
    np.testing.assert_array_equal(scores.argmax(axis=1), decision.decide(probabilities, positive))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-15)
    assert scores.min() >= 0
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(scores[order, positive]) >= 0)


def test_at_one_half_nothing_is_bent():
    p = np.linspace(0.01, 0.99, 50)
    probabilities = np.stack([1 - p, p], axis=1)
    np.testing.assert_allclose(centred(probabilities, 1, 0.5), probabilities, atol=1e-15)


def test_rows_that_sum_to_nearly_one_are_made_to():
    class Coarse:
        labels = ("a", "b")

        def predict_proba(self, inputs):
            return np.tile([0.6, 0.404], (len(inputs), 1))

    scores = Victim(Coarse(), Decision(), 1).scores(["x", "y"])
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-15)
    assert scores[0, 0] == pytest.approx(0.6 / 1.004)
