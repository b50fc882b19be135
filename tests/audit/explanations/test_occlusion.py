import math

import numpy as np
import pytest

from workbench.audit.explanations.explain import explain
from workbench.audit.explanations.occlusion import Occlusion
from workbench.errors import EmptyData
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier

MODEL = LinearTextClassifier.binary({"good": 2.0, "bad": -3.0, "s": 5.0}, bias=0.5)


def run(model, text, target=1):
    return Occlusion().attribute(model, text, target, gap_bound=0.02, seed=0)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def test_closed_form():
    found = run(MODEL, "Good dress, good price; not bad!")
    assert found.tokens == ("Good", "dress", "good", "price", "not", "bad")
    assert found.spans == ((0, 4), (5, 10), (12, 16), (17, 22), (24, 27), (28, 31))
    whole = sigmoid(0.5 + 2 * 2 - 3)
    one_good, no_bad = whole - sigmoid(0.5 + 2 - 3), whole - sigmoid(0.5 + 2 * 2)
    np.testing.assert_allclose(found.scores, (one_good, 0, one_good, 0, 0, no_bad), atol=1e-15)
    np.testing.assert_allclose(run(MODEL, "Good dress, good price; not bad!", 0).scores, -found.scores, atol=1e-15)
    assert (found.output, found.precision, found.passes) == ("probability", "float32", 7)
    assert found.completeness_gap is None


def test_one_call_for_all_variants():
    calls = []

    class Listening:
        labels = MODEL.labels

        def predict_proba(self, inputs):
            calls.append(list(inputs))
            return MODEL.predict_proba(inputs)

    run(Listening(), "a good, bad dress")
    assert calls == [["a good, bad dress", " good, bad dress", "a , bad dress", "a good,  dress", "a good, bad "]]


def test_one_word():
    assert run(MODEL, "good").scores == pytest.approx([sigmoid(2.5) - sigmoid(0.5)])


@pytest.mark.parametrize("text", ["", "  \n\t", "?!"])
def test_nothing_to_explain(text):
    with pytest.raises(EmptyData, match="nothing to explain"):
        run(MODEL, text)


@pytest.mark.parametrize(
    "text",
    ["loved " * 300, "<b>good</b>", "רע מאוד dress", "good 👍🏽 dress", "good\x00dress", "good \ud83d dress"],
    ids=["long", "html", "right-to-left", "emoji", "nul", "surrogate"],
)
def test_odd_texts(tiny_checkpoint, text):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    scores = explain(model, text, method="occlusion")
    assert scores.method == "occlusion@1"
    assert [text[start:stop] for start, stop in scores.spans] == list(scores.tokens)
    assert np.isfinite(scores.scores).all()
    if text.startswith("loved"):
        assert len(scores.scores) == 30, "what is not read has no score"
