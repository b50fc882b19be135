from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.errors import Misconfigured
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Classifier, Differentiable


def test_probabilities_are_the_closed_form() -> None:
    model = LinearTextClassifier.binary({"good": 1.5, "bad": -2.0}, bias=0.25)
    expected = [1 / (1 + math.exp(-logit)) for logit in (0.25 + 1.5, 0.25 - 4.0, 0.25)]
    got = model.predict_proba(["Good!", "bad, BAD dress", ""])
    np.testing.assert_allclose(got[:, 1], expected, rtol=1e-14)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-15)


def test_each_occurrence_adds_its_weight_exactly() -> None:
    model = LinearTextClassifier({"a": (0.1, 0.2, 0.3)}, ("x", "y", "z"), bias=(1.0, 0.0, 0.0))
    np.testing.assert_array_equal(model.logits(["a a a"]), [[1.0 + 3 * 0.1, 3 * 0.2, 3 * 0.3]])


def test_word_order_changes_no_bit() -> None:
    model = LinearTextClassifier.binary({"a": 0.1, "b": 1e16, "c": -1e16})
    np.testing.assert_array_equal(model.predict_proba(["a b c"]), model.predict_proba(["c b a"]))


def test_huge_logits_stay_finite() -> None:
    got = LinearTextClassifier.binary({"good": 5_000.0}).predict_proba(["good"])
    np.testing.assert_array_equal(got, [[0.0, 1.0]])


def test_no_texts() -> None:
    assert LinearTextClassifier.binary({}).predict_proba([]).shape == (0, 2)


def test_is_black_box_only() -> None:
    model = LinearTextClassifier.binary({"good": 1.0})
    assert isinstance(model, Classifier)
    assert not isinstance(model, Differentiable)


def test_digest_depends_on_what_it_computes_only() -> None:
    one = LinearTextClassifier.binary({"a": 1.0, "b": 2.0}, name="one")
    same = LinearTextClassifier.binary({"b": 2.0, "a": 1.0}, name="same")
    other = LinearTextClassifier.binary({"a": 1.0, "b": 2.5})
    assert one.card.digest == same.card.digest != other.card.digest


@pytest.mark.parametrize(
    ("weights", "said"),
    [({"a": (1.0,)}, "1 weights; there are 2"), ({"A": (0.0, 1.0)}, "lower-case"), ({"a": (0.0, math.nan)}, "finite")],
)
def test_impossible_weights_are_refused(weights: dict[str, tuple[float, ...]], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        LinearTextClassifier(weights, ("no", "yes"))
