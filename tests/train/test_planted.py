"""Made-up texts among the training examples."""

from __future__ import annotations

from workbench.models.training_card import read_text_canaries
from workbench.train.loop import train
from workbench.train.parts import divide


def test_half_of_the_texts_become_training_examples(toy, quick):
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


def test_a_run_that_starts_from_another_ones_result_plants_its_own(toy, quick, tmp_path):
    """Texts that the backbone learned would count against the claim of the steps after it."""
    recipe = quick.but(canaries=40, epochs=1, evaluate_every=100)
    first = train(recipe, toy, tmp_path / "first").card
    second = train(recipe.but(backbone=str(tmp_path / "first")), toy, tmp_path / "second").card
    made = [read_text_canaries(tmp_path / name) for name in ("first", "second")]
    assert not set(made[0].texts) & set(made[1].texts)
    assert made[0].included != made[1].included
    for card, held in zip((first, second), made, strict=True):
        assert divide(toy, recipe, backbone=card.backbone_digest).canaries == held
    assert train(recipe, toy, tmp_path / "first", resume=True).card == first, "the same again"
