"""Both sides must be able to disagree."""

from types import SimpleNamespace

import numpy as np
import pytest

from workbench.bench.attack import Attack
from workbench.bench.explainers import Lime, Shap
from workbench.bench.inputs import Case
from workbench.bench.predictions import Predictions
from workbench.bench.stock import Ended, _relative
from workbench.data.corpus import Example
from workbench.evidence.exhibits import Rewrite, TokenScores

CASES = [Case(Example(id=f"{i}", person=f"{i}", input="good dress", label="positive"), 1) for i in range(4)]


def rewrite(outcome, rewritten=None, **more):
    return Rewrite(
        example="0", recipe="deepwordbug@1", outcome=outcome, label="positive", original="good dress",
        rewritten=rewritten, predicted_before="positive", predicted_after=None, probability_before=0.9, queries=5,
        words=2, **more,
    )  # fmt: skip


def scores(tokens, values, precision="float32"):
    return TokenScores(
        example="", text=" ".join(tokens), method="lime@1", target="positive", output="probability", probability=0.9,
        predicted="positive", tokens=tuple(tokens), spans=tuple((0, 0) for _ in tokens), scores=tuple(values),
        completeness_gap=None, baseline=None, passes=3, precision=precision,
    )  # fmt: skip


@pytest.mark.parametrize(("off", "met"), [(0.0, True), (9e-6, True), (2e-5, False)])
def test_probabilities_in_float32_may_differ_by_rounding_only(off, met):
    stock = np.array([[0.4, 0.6], [0.1, 0.9]])
    ours = stock + np.array([[off, -off], [0, 0]])
    assert Predictions(None, None, ["a", "b"]).agreement(stock, ours, "float32").met is met


def test_labels_that_differ_in_bfloat16_are_counted():
    stock, ours = np.array([[0.49, 0.51], [0.1, 0.9]]), np.array([[0.51, 0.49], [0.1, 0.9]])
    found = Predictions(None, None, ["a", "b"]).agreement(stock, ours, "bfloat16")
    assert found.met
    share = found.checks[1]
    assert (share.value, share.n) == (0.5, 2)
    assert share.interval.low < 0.5 < share.interval.high


@pytest.mark.parametrize(
    ("ended", "off", "met"), [("x", 0.0, True), ("x", 9e-6, True), ("x", 2e-5, False), ("z", 0.0, False)]
)
def test_other_rewrites_are_found_and_explained_or_not(monkeypatch, ended, off, met):
    stock = [
        Ended("succeeded", "godo dress"),
        Ended("resisted", None),
        Ended("succeeded", "x"),
        Ended("resisted", None),
    ]
    ours = [rewrite("succeeded", "godo dress"), rewrite("exhausted"), rewrite("succeeded", "y"), rewrite("resisted")]

    def search(recipe, scores, text, target, *, budget, seed):
        scores([text, "good derss"])
        return SimpleNamespace(rewritten=ended)

    def scores(texts, by=0.0):
        return np.array([[0.4 + by, 0.6 - by]] * len(texts))

    monkeypatch.setattr("workbench.bench.attack.search", search)
    library = SimpleNamespace(scores=scores, stated_length=34, positions=34)
    inputs = SimpleNamespace(model=SimpleNamespace(predict_proba=lambda texts: scores(texts, off)))
    found = Attack(library, inputs, CASES).agreement(stock, ours, "float32")
    assert found.checks[0].value == 0.75
    assert found.met is met


@pytest.mark.parametrize(("stated", "positions", "said"), [(256, 512, 1), (512, 512, 0), (34, 34, 0)])
def test_stock_is_timed_at_berts_length_where_the_network_can_read_it(stated, positions, said):
    asked = []

    def attack(cases, dynamic=False, padded_to=None):
        asked.append(padded_to)
        return [Ended("resisted", None)] * len(cases)

    library = SimpleNamespace(attack=attack, stated_length=stated, positions=positions)
    found = Attack(library, None, CASES).agreement([Ended("resisted", None)] * 4, [rewrite("resisted")] * 4, "float32")
    assert asked == [512] * said
    assert sum("512, as BERT's own does" in note for note in found.notes) == said


def test_other_outcomes_in_bfloat16_are_counted_with_what_was_missed():
    stock = [Ended("succeeded", "a"), Ended("succeeded", "b"), Ended("resisted", None), Ended("succeeded", "c")]
    ours = [
        rewrite("succeeded", "other words"),
        rewrite("resisted"),
        rewrite("resisted", repeated="agreed"),
        rewrite("succeeded", "c", repeated="missed"),
    ]
    differ, missed = Attack(None, None, CASES).agreement(stock, ours, "bfloat16").checks
    assert (differ.value, differ.n) == (0.25, 4)
    assert (missed.value, missed.n) == (0.5, 2)


def test_a_crashed_attack_is_no_outcome():
    with pytest.raises(RuntimeError, match="4 of 4"):
        Attack(None, None, CASES).agreement(
            [Ended("resisted", None)] * 4, [rewrite("failed", error="x")] * 4, "float32"
        )


def test_lime_is_compared_word_by_word():
    lime = Lime(None, None, CASES[:1])
    ours = [scores(["good", "dress", "good", "and"], [0.25, 0.1, 0.25, -0.2])]
    assert lime.agreement([{"dress": 0.1, "good": 0.5, "and": -0.2}], ours, "float32").met
    assert not lime.agreement([{"dress": 0.5, "good": 0.1, "and": -0.2}], ours, "float32").met
    with pytest.raises(ValueError, match="different words"):
        lime.agreement([{"dress": 0.1}], ours, "float32")


def test_texts_that_fell_back_to_float32_are_told():
    shap = Shap(None, None, CASES[:2])
    ours = [scores("abc", [1, 2, 3], "bfloat16"), scores("abc", [1, 2, 4])]
    found = shap.agreement([np.array([1.0, 2, 3])] * 2, ours, "bfloat16")
    assert any("1 of 2" in note for note in found.notes)


def test_the_gap_is_relative_to_the_difference_of_the_logits():
    # The scores sum to 1.5, Captum says 0.5 too much: the difference is 1.
    assert _relative(SimpleNamespace(sum=lambda: 1.5), 0.5) == pytest.approx(0.5)
