"""Whatever way of writing a model falls for is found, and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.audit.robustness.invariance import BEHAVIOURS, Invariance
from workbench.errors import Misconfigured


def rates(result):
    return {one.where["behaviour"]: one for one in result.measurements}


class Reads:
    """Decides by one trait of a text."""

    def __init__(self, inner, trait):
        self.inner, self.trait, self.asked = inner, trait, []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def predict_proba(self, inputs):
        self.asked.append(len(inputs))
        return np.array([[0.1, 0.9] if self.trait(text) else [0.9, 0.1] for text in inputs])


@pytest.fixture
def setup(bench):
    _, simulate, setting = bench
    model, corpus = simulate(60)
    texts = [f"This Dress fits well, number {i}." for i in range(60)]
    examples = tuple(replace(one, input=text) for one, text in zip(corpus.examples, texts, strict=True))
    return model, replace(corpus, examples=examples), setting()


@pytest.mark.parametrize(
    ("trait", "falls"),
    [
        (str.isupper, {"capitals only"}),
        (lambda text: "Dress" in text, {"capitals only", "small letters only"}),
        (lambda text: text.endswith("."), {"no final punctuation"}),
        (lambda text: "  " in text, {"two spaces between words"}),
        (lambda text: True, set()),
    ],
)
def test_what_the_model_falls_for_is_found(setup, trait, falls):
    model, corpus, setting = setup
    watched = Reads(model, trait)
    result = Invariance(examples=40).measure(watched, corpus, setting)
    found = rates(result)
    assert set(found) == set(BEHAVIOURS)
    for behaviour, one in found.items():
        if behaviour != "one typo":
            assert one.value == (1.0 if behaviour in falls else 0.0), behaviour
        assert one.n == 40
        assert one.interval.low <= one.value <= one.interval.high
        assert one.interval.low < one.interval.high
    assert watched.asked == [40 * (1 + len(BEHAVIOURS))], "one request, so that batches are full"
    shown = {case.title for case in result.exhibits if case.kind == "cases"}
    assert shown >= {f"Decisions changed by {behaviour}" for behaviour in falls}


def test_a_typo_changes_two_letters_of_one_word_and_repeats_itself(setup):
    model, corpus, setting = setup
    typo = BEHAVIOURS["one typo"]
    for seed in range(20):
        text = "Lovely FABRIC, isn't it? 😀 but it runs small"
        written = typo(text, np.random.default_rng(seed))
        differ = [i for i, (a, b) in enumerate(zip(text, written, strict=True)) if a != b]
        assert len(differ) == 2
        assert differ[1] == differ[0] + 1
        assert sorted(text) == sorted(written)
        assert written == typo(text, np.random.default_rng(seed))
    assert typo("a an 12345 ooooo 😀", np.random.default_rng(0)) == "a an 12345 ooooo 😀"
    watched = Reads(model, lambda text: True)
    first, again = (Invariance(examples=40).measure(watched, corpus, setting) for _ in range(2))
    assert first == again


def test_texts_that_a_behaviour_leaves_as_they_are_count_for_nothing(setup):
    model, corpus, setting = setup
    texts = ["GOOD" if i % 2 else "Good" for i in range(60)]
    mixed = replace(
        corpus, examples=tuple(replace(one, input=text) for one, text in zip(corpus.examples, texts, strict=True))
    )
    result = Invariance(examples=60).measure(Reads(model, str.isupper), mixed, setting)
    assert rates(result)["capitals only"].n == 30
    assert "two spaces between words" not in rates(result)
    assert any("two spaces between words" in one.text for one in result.exhibits if one.kind == "note")


def test_nothing_to_write_otherwise_is_not_applicable(setup):
    model, corpus, setting = setup
    assert Invariance().measure(model, corpus[:0], setting).outcome == "not_applicable"
    silent = replace(corpus, examples=tuple(replace(one, input="1") for one in corpus.examples))
    assert Invariance().measure(Reads(model, bool), silent, setting).outcome == "not_applicable"
    with pytest.raises(Misconfigured, match="examples"):
        Invariance(examples=0)
