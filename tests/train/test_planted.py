"""Made-up texts among the training examples."""

from __future__ import annotations

from workbench.models.training_card import read_text_canaries
from workbench.train.loop import train
from workbench.train.parts import divide


def test_half_of_the_texts_become_training_examples_and_the_list_stays(toy, quick, tmp_path):
    recipe = quick.but(canaries=40, epochs=1, evaluate_every=100)
    plain, parts = divide(toy, quick), divide(toy, recipe)
    held = parts.canaries
    assert len(held.texts) == len(set(held.texts)) == len(held.labels) == 40
    assert 8 < sum(held.included) < 32
    assert held.guesses == 8
    assert len(parts.train) == len(plain.train) + sum(held.included)
    told = {one.input: one.label for one in parts.train}
    assert [text in told for text in held.texts] == list(held.included)
    assert all(told.get(t, label) == label for t, label in zip(held.texts, held.labels, strict=True))
    assert divide(toy, recipe.but(canaries=60)).canaries.texts[:40] == held.texts, "each by its own number"
    train(recipe, toy, tmp_path / "run")
    assert read_text_canaries(tmp_path / "run") == held
