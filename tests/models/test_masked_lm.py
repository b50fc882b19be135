"""A masked language model of the user's: what it is asked, and what it is refused for."""

from __future__ import annotations

import json
import shutil

import pytest

from workbench.errors import MissingResource
from workbench.home import MASKED_LM
from workbench.models.masked_lm import masked_lm


@pytest.fixture
def named(tiny_masked_lm, monkeypatch):
    monkeypatch.setenv(MASKED_LM, str(tiny_masked_lm))
    return masked_lm()


def test_gaps_are_filled_with_whole_words_the_likeliest_first(named):
    one, none, two, long = named.fill(
        [f"a {named.mask} dress", "a dress", f"{named.mask} {named.mask}", f"{'a ' * 40}{named.mask}"], most=5
    )
    assert one[:2] == ["awful", "poor"], "neither a piece of a word nor the unknown token"
    assert len(one) == 5
    assert all(word.isalpha() for word in one)
    assert none == two == long == []
    assert named.fill([], 5) == []


def test_other_texts_beside_a_text_change_nothing(named):
    texts = [f"a {named.mask} dress", f"{'very ' * 9}{named.mask}", f"{named.mask}"] * 8
    assert named.fill(texts, 3) == [words for text in texts for words in named.fill([text], 3)]


def test_a_subset_of_the_vocabulary_is_words(named, tiny_masked_lm):
    assert len(named.fill([named.mask], 1000)[0]) == 26 + 24, "the 26 words and the letters that are none of them"
    assert named.name == tiny_masked_lm.name
    assert len(named.digest) == 64


def test_what_cannot_be_used_says_why_and_names_the_variable(tiny_masked_lm, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.delenv(MASKED_LM, raising=False)
    with pytest.raises(
        MissingResource, match=f"name the folder of a masked language model in the variable {MASKED_LM}"
    ):
        masked_lm()
    monkeypatch.setenv(MASKED_LM, str(tmp_path / "nowhere"))
    with pytest.raises(MissingResource, match=rf"{MASKED_LM} names .*nowhere, which cannot be used"):
        masked_lm()
    monkeypatch.setenv(MASKED_LM, str(tiny_checkpoint))
    with pytest.raises(MissingResource, match=r"no weights for cls\.predictions"):
        masked_lm()
    pickled = shutil.copytree(tiny_masked_lm, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    monkeypatch.setenv(MASKED_LM, str(pickled))
    with pytest.raises(MissingResource, match="pickled"):
        masked_lm()
    code = shutil.copytree(tiny_masked_lm, tmp_path / "code")
    config = json.loads((code / "config.json").read_text())
    (code / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForMaskedLM": "x.Y"}}))
    monkeypatch.setenv(MASKED_LM, str(code))
    with pytest.raises(MissingResource, match="run code"):
        masked_lm()
