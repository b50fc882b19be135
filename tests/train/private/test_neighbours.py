"""From the corpus to the units: one person who leaves takes their own records along, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.data.corpus import Corpus, Example
from workbench.data.splits import split
from workbench.errors import Misconfigured
from workbench.train.parts import divide
from workbench.train.private.units import units_of
from workbench.train.recipe import Recipe

PRIVACY = {"noise_multiplier": 1.0, "delta": 1e-3, "steps": 1, "batch": 1, "records": 2}


@pytest.fixture(scope="module")
def crowd() -> Corpus:
    """200 people with three records each; every fifth text is also another person's, so that these belong together."""
    rows = []
    for p in range(200):
        for r in range(3):
            text = f"shared text {p // 10}" if (p + r) % 5 == 0 else f"text {r} of person {p}"
            rows.append(Example(f"e{p:03d}-{r}", f"p{p:03d}", text, "yes" if (p + r) % 3 else "no"))
    return Corpus(tuple(rows), ("no", "yes"), "crowd", "made for the tests")


def without(corpus: Corpus, name: str, unit: str) -> Corpus:
    return corpus.where(lambda one: (one.person if unit == "person" else one.id) != name)


def learned_from(corpus: Corpus, recipe: Recipe) -> dict[str, frozenset[str]]:
    """Return each unit's examples, by the unit's name."""
    how = recipe.privacy
    assert how is not None
    train = divide(corpus, recipe).train
    units = units_of(train, how.unit, most=how.records)
    found = {}
    for members in units.members:
        first = train.examples[members[0]]
        found[first.person if how.unit == "person" else first.id] = frozenset(train.examples[i].id for i in members)
    return found


@pytest.mark.parametrize("unit", ["example", "person"])
@pytest.mark.parametrize("more", [{}, {"fraction": 0.4}, {"fraction": 0.8, "experiment": True}], ids=str)
def test_who_leaves_takes_nobody_along_and_lets_nobody_in(crowd, unit, more):
    recipe = Recipe(privacy={**PRIVACY, "unit": unit}, **more)
    everybody = learned_from(crowd, recipe)
    assert 20 < len(everybody) < len(crowd) * 0.8
    names = sorted({one.person if unit == "person" else one.id for one in crowd})[:: 10 if unit == "person" else 30]
    assert any(name in everybody for name in names)
    for name in names:
        rest = learned_from(without(crowd, name, unit), recipe)
        assert rest == {each: members for each, members in everybody.items() if each != name}


def test_a_limit_by_rank_and_the_ordinary_split_do_let_others_in(crowd):
    """What the test above would have said of them: why private runs use neither."""
    train = split(crowd, "train")
    sampled = {one.id for one in train.sample(100)}
    gone = min(sampled)
    fewer = {one.id for one in without(train, gone, "example").sample(100)}
    assert len(sampled ^ fewer) == 2, "one leaves, another comes"
    moved = [
        {one.id for one in split(without(crowd, f"p{p:03d}", "person"), "train")}
        ^ {one.id for one in train if one.person != f"p{p:03d}"}
        for p in range(0, 200, 8)
    ]
    assert any(moved), "the cuts of the split move with every row"


def test_what_is_held_out_is_nobodys_that_is_learned_from(crowd):
    parts = divide(crowd, Recipe(privacy=PRIVACY))
    people, texts = {one.person for one in parts.train}, set(parts.train.inputs)
    for part in (parts.validation, parts.test):
        assert len(part)
        assert people.isdisjoint(one.person for one in part)
        assert texts.isdisjoint(part.inputs)


def test_nothing_of_the_test_part_is_learned_from_in_a_large_corpus():
    rows = tuple(Example(f"e{i}", f"e{i}", f"text number {i}", ("no", "yes")[i % 2]) for i in range(6_000))
    corpus = Corpus(rows, ("no", "yes"), "large", "made for the tests")
    parts = divide(corpus, Recipe(privacy=PRIVACY))
    assert parts.shared == 0
    assert len(parts.train) == pytest.approx(0.7 * len(corpus), rel=0.05)
    assert {one.id for one in parts.train} < {one.id for one in split(corpus, "train")}
    assert parts.test_of == len(split(corpus, "test"))


@pytest.mark.parametrize(("key", "value"), [("limit", 50), ("random_labels", True)])
def test_what_ties_examples_to_each_other_is_refused(key, value):
    with pytest.raises(Misconfigured, match=f"{key}: .*one that leaves"):
        Recipe.checked({key: value, "privacy": PRIVACY}, where="recipe")


def test_a_fraction_decides_for_each_by_itself(crowd):
    some = crowd.fraction(0.3, by="person")
    assert {one.person for one in some}.isdisjoint(one.person for one in crowd if one not in some.examples)
    assert len(some) == pytest.approx(0.3 * len(crowd), rel=0.3)
    assert crowd.fraction(1, by="example") == crowd
    assert replace(some, examples=()).fraction(0.5, by="example").examples == ()
