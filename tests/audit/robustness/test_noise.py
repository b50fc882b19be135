"""Noise curves on models whose fate is known exactly, and noise that keeps its dose."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.probe import Setting
from workbench.audit.robustness.noise import KINDS, Noise
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Curve
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
TEXT = "Lovely fabric, but it runs small; I'd order one size up. " * 20


def corpus(n=60, text="a {} dress for the summer"):
    examples = tuple(
        Example(f"{i:03d}", f"{i}", text.format(("lovely", "rough")[i % 2]), ("positive", "negative")[i % 2])
        for i in range(n)
    )
    return Corpus(examples, ("negative", "positive"), "toy", "here", "test")


def curves(measured, name):
    return {one.where["noise"]: one for one in measured.exhibits if isinstance(one, Curve) and one.name == name}


@pytest.mark.parametrize("kind", KINDS)
def test_a_dose_is_a_dose_and_doses_are_nested(kind):
    spoil = KINDS[kind]
    assert spoil(TEXT, 0.2, 7) == spoil(TEXT, 0.2, 7)
    assert spoil(TEXT, 0.2, 7) != spoil(TEXT, 0.2, 8)
    assert spoil("", 0.5, 0) == ""
    assert spoil("?!", 0.5, 0) == "?!"
    assert spoil(TEXT, 1e-9, 7) == TEXT
    if kind == "missing words":
        counts = [len(spoil(TEXT, dose, 7).split()) for dose in (0.1, 0.4, 1.0)]
        whole = len(TEXT.split())
        assert abs(counts[0] / whole - 0.9) < 0.1
        assert abs(counts[1] / whole - 0.6) < 0.12
        assert counts[2] >= 1
        few, many = set(spoil(TEXT, 0.4, 7).split()), spoil(TEXT, 0.1, 7).split()
        assert few <= {*many, *TEXT.split()}
    elif kind in ("neighbouring keys", "look-alike letters"):
        letters = [i for i, letter in enumerate(TEXT) if letter.isalnum()]
        few, many = ({i for i in letters if spoil(TEXT, dose, 7)[i] != TEXT[i]} for dose in (0.1, 0.4))
        assert few < many
        assert abs(len(few) / len(letters) - 0.1) < 0.05
        assert abs(len(many) / len(letters) - 0.4) < 0.08


def test_a_model_that_reads_one_word_falls_as_that_word_is_spoilt():
    model = LinearTextClassifier.binary({"lovely": 4.0}, bias=-2.0)
    data = corpus(200)
    measured = Noise(examples=200, doses=(0.1, 0.3)).measure(model, data, SETTING)
    curve = curves(measured, "noise_accuracy")["look-alike letters"]
    # Positive texts fall once one of their six letters is spoilt (all have look-alikes); negative ones never.
    for point in curve.points:
        expected = 0.5 + 0.5 * (1 - point.x) ** 6
        assert point.low <= expected <= point.high, point
    assert curve.points[0].y == 1
    (area,) = [m for m in measured.measurements if m.where == {"noise": "look-alike letters"}]
    ys = [point.y for point in curve.points]
    assert area.value == pytest.approx(((ys[0] + ys[1]) / 2 * 0.1 + (ys[1] + ys[2]) / 2 * 0.2) / 0.3)
    assert area.interval.low <= area.value <= area.interval.high
    assert area.n == 200
    brier = curves(measured, "noise_brier_score")["look-alike letters"].points
    assert brier[0].y == pytest.approx((1 / (1 + np.exp(2))) ** 2)
    assert brier[0].y < brier[1].y < brier[2].y


def test_a_constant_model_stays_as_bad_as_it_is():
    measured = Noise(examples=60).measure(LinearTextClassifier.binary({}, bias=2.0), corpus(), SETTING)
    assert {one.value for one in measured.measurements} == {0.5}
    assert all({point.y for point in one.points} == {0.5} for one in curves(measured, "noise_accuracy").values())
    for curve in curves(measured, "noise_brier_score").values():
        assert all(0 < point.low < point.y < point.high < 1 for point in curve.points)
        assert all(point.high - point.low > 0.01 for point in curve.points), (
            "a loss that is the same for all tells no spread"
        )


def test_a_brier_score_of_very_few_texts_lies_between_its_least_and_its_most():
    rows = (("lovely", "positive"), ("lovely", "positive"), ("rough", "positive"))
    examples = tuple(Example(f"{i}", f"{i}", f"a {word} dress", label) for i, (word, label) in enumerate(rows))
    sure = LinearTextClassifier.binary({"lovely": 30.0}, bias=-15.0)
    measured = Noise().measure(sure, Corpus(examples, ("negative", "positive"), "toy", "here", "test"), SETTING)
    for curve in curves(measured, "noise_brier_score").values():
        assert all(0 <= point.low < point.high <= 1 for point in curve.points)


def test_row_order_changes_nothing_and_so_does_the_seed_of_others():
    model = LinearTextClassifier.binary({"lovely": 4.0}, bias=-2.0)
    data = corpus()
    turned = Corpus(data.examples[::-1], data.labels, "toy", "here", "test")
    one, two = (Noise(examples=30).measure(model, held, SETTING).model_dump_json() for held in (data, turned))
    assert one == two


def test_what_cannot_be_spoilt_is_said():
    model = LinearTextClassifier.binary({}, bias=2.0)
    digits = corpus(text="猫 {}").where(lambda one: True)
    silent = Corpus(
        tuple(Example(one.id, one.person, "?!", one.label) for one in digits), digits.labels, "toy", "here", "test"
    )
    assert Noise().measure(model, silent, SETTING).outcome == "not_applicable"
    assert Noise().measure(model, digits.sample(1), SETTING).outcome == "not_applicable"
    cats = Corpus(
        tuple(Example(one.id, one.person, "猫 犬", one.label) for one in digits), digits.labels, "toy", "here", "test"
    )
    found = Noise().measure(model, cats, SETTING)
    assert "noise_auc is not given for scanning errors" in " ".join(
        one.text for one in found.exhibits if one.kind == "note"
    )
    for bad in ((), (0.2, 0.1), (0.0, 0.1), (0.5, 1.5)):
        with pytest.raises(Misconfigured, match="doses"):
            Noise(doses=bad)
