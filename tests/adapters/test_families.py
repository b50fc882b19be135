"""The table of attacks and edits: audits and training take their names, families and needs from it."""

from __future__ import annotations

import pytest

from workbench.adapters import textattack as adapter
from workbench.adapters.families import ATTACKS, ATTACKS_THAT_ASK_MORE, EDITS
from workbench.adapters.textattack_edits import prepare
from workbench.audit.robustness.recipes import _TextAttack, recipes
from workbench.errors import MissingResource

TABLE = {**ATTACKS, **ATTACKS_THAT_ASK_MORE}


@pytest.fixture
def without_corpora(textattack, monkeypatch):
    """NLTK finds none of its corpora any more; TextAttack itself has been imported."""

    def lacking(look, missing):
        raise MissingResource(missing)

    monkeypatch.setattr(adapter, "_require_nltk", lacking)


@pytest.mark.parametrize("name", TABLE)
def test_each_row_is_that_of_the_recipe_of_its_name(name):
    recipe = recipes[f"{name}@1"]
    assert (recipe.made, recipe.family, recipe.needs) == TABLE[name]


def test_every_recipe_that_can_run_is_in_the_table_once():
    assert not set(ATTACKS) & set(ATTACKS_THAT_ASK_MORE)
    made = {name: recipes[name].made for name in recipes if issubclass(recipes[name], _TextAttack)}
    absent = {name for name, built in made.items() if f"{built}@1" == name}  # nothing builds them
    assert len(absent) == 6
    assert set(made) - absent == {f"{name}@1" for name in TABLE}
    assert len({row.made for row in TABLE.values()}) == len(TABLE)


def test_those_that_ask_for_more_than_answers_are_set_apart():
    follow = {name for name in TABLE if recipes[f"{name}@1"].needs_gradients}
    assert follow | {"bae"} == set(ATTACKS_THAT_ASK_MORE)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_asks_for_what_the_table_says(edit, without_corpora):
    if EDITS[edit].needs:
        with pytest.raises(MissingResource, match="WordNet"):
            prepare(edit)
    else:
        prepare(edit)


@pytest.mark.parametrize("attack", TABLE)
def test_an_attack_asks_for_what_the_table_says(attack, without_corpora):
    needs = TABLE[attack].needs
    if needs:
        with pytest.raises(MissingResource, match="tagger" if attack == "bae" else "WordNet"):
            recipes[f"{attack}@1"]().prepare()
    else:
        recipes[f"{attack}@1"]().prepare()
    assert bool(needs) == (TABLE[attack].family in ("synonyms", "near words") or attack == "bae")
