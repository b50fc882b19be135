"""Runs that learn from a random half, and keep the coins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured
from workbench.evidence.record import NotApplicable
from workbench.models.training_card import read_membership
from workbench.train.experiment import half
from workbench.train.loop import train
from workbench.train.parts import divide
from workbench.train.privacy import Privacy
from workbench.train.recipe import Recipe
from workbench.verbs.membership import members_in, membership_list

DIGEST = "0" * 64


@pytest.fixture(scope="module")
def families():
    """300 examples of 100 people, three each."""
    rows = tuple(Example(f"e{i:03d}", f"p{i // 3}", f"text {i}", ("no", "yes")[i % 2]) for i in range(300))
    return Corpus(rows, ("no", "yes"), "families", "made", split="train")


def test_a_person_is_in_with_all_records_or_with_none(families):
    kept, listed = half(families, Recipe(experiment=True), corpus=DIGEST)
    assert (listed.unit, listed.drawn, len(listed.ids)) == ("person", True, 300)
    assert {one.id for one in kept} == {each for each, coin in zip(listed.ids, listed.member, strict=True) if coin}
    sides = {}
    for each, coin in zip(listed.ids, listed.member, strict=True):
        sides.setdefault(int(each[1:]) // 3, set()).add(coin)
    assert all(len(coins) == 1 for coins in sides.values())
    assert 30 < sum(coins == {True} for coins in sides.values()) < 70


def test_a_coin_depends_on_the_seed_and_its_own_unit_alone(families):
    recipe = Recipe(experiment=True)
    _, listed = half(families, recipe, corpus=DIGEST)
    _, fewer = half(families[:150], recipe, corpus=DIGEST)
    coins = dict(zip(listed.ids, listed.member, strict=True))
    assert all(coins[each] == coin for each, coin in zip(fewer.ids, fewer.member, strict=True))
    others = [half(families, recipe.but(seed=seed), corpus=DIGEST)[1].member for seed in range(1, 40)]
    people = np.array([listed.member, *others])[:, ::3]
    assert abs(people.mean() - 0.5) < 0.05
    apart = np.corrcoef(people.T)[np.triu_indices(100, 1)]
    assert abs(apart.mean()) < 0.02, "people's coins are independent of each other"


def test_records_beyond_a_private_runs_cap_are_on_no_side(families):
    how = Privacy(noise_multiplier=1.0, delta=1e-3, unit="person", records=2, steps=1, batch=1)
    kept, listed = half(families, Recipe(experiment=True, privacy=how), corpus=DIGEST)
    assert len(listed.ids) == 200
    assert len(kept) % 3 == 0, "whole people stay; the run itself leaves the same records out"
    single = how.model_copy(update={"unit": "example"})
    assert half(families, Recipe(experiment=True, privacy=single), corpus=DIGEST)[1].unit == "example"


def test_labels_dealt_at_random_are_refused():
    with pytest.raises(Misconfigured, match="leave random_labels out"):
        Recipe.checked({"experiment": True, "random_labels": True}, where="recipe")


def test_the_list_lies_beside_the_weights_and_an_audit_finds_it(toy, quick, tmp_path):
    recipe = quick.but(experiment=True, epochs=1)
    done = train(recipe, toy, tmp_path / "run")
    listed = read_membership(tmp_path / "run")
    assert listed == divide(toy, recipe).membership == membership_list(tmp_path / "run", None)
    assert done.card.corpus.n == sum(listed.member) < len(listed.ids)
    held = members_in(toy, listed, tmp_path / "run", toy.labels, {})
    assert tuple(one.id for one in held.pool) == listed.ids
    assert held.member.tolist() == list(listed.member)
    other = replace(toy, examples=toy.examples[:-1])
    assert isinstance(members_in(other, listed, tmp_path / "run", toy.labels, {}), NotApplicable)
    assert train(recipe, toy, tmp_path / "run", resume=True).card == done.card, "a finished run is recognised"
