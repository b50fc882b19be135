"""Temperature scaling against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import EmptyData, Misconfigured
from workbench.models.tempered import TemperedClassifier, fitted_temperature, tempered


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_is_softmax_of_the_logits_over_the_temperature():
    logits = np.random.default_rng(0).normal(size=(50, 3)) * 4
    np.testing.assert_allclose(tempered(softmax(logits), 2.5), softmax(logits / 2.5), atol=1e-12)
    np.testing.assert_allclose(tempered(softmax(logits), 1.0), softmax(logits), atol=1e-12)


def test_decides_as_before_also_where_a_probability_is_one():
    given = np.array([[1.0, 0.0], [0.5, 0.5], [1e-12, 1 - 1e-12]])
    found = tempered(given, 50.0)
    assert found.argmax(axis=1).tolist() == [0, 0, 1]
    assert np.isfinite(found).all()


def test_the_temperature_is_found_again():
    """Labels drawn from a known distribution, shown at a fifth of its temperature: 5 must come back."""
    rng = np.random.default_rng(1)
    true = softmax(rng.normal(size=(40_000, 2)))
    labels = (rng.random(len(true)) < true[:, 1]).astype(np.int64)
    assert fitted_temperature(tempered(true, 0.2), labels) == pytest.approx(5.0, rel=0.05)


def test_a_classifier_of_its_own(known_model):
    linear_model = known_model({"good": 1.0, "bad": -2.0})
    made = TemperedClassifier(linear_model, 3.0)
    texts = ["good dress", "bad", ""]
    np.testing.assert_allclose(made.predict_proba(texts), tempered(linear_model.predict_proba(texts), 3.0))
    assert made.labels == linear_model.labels
    assert made.card.digest not in (linear_model.card.digest, TemperedClassifier(linear_model, 2.0).card.digest)
    assert made.predict_proba([]).shape == (0, 2)


def test_wrong_input(known_model):
    linear_model = known_model({"good": 1.0})
    with pytest.raises(Misconfigured, match="temperature must lie between"):
        TemperedClassifier(linear_model, 0.0)
    with pytest.raises(EmptyData):
        fitted_temperature(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
