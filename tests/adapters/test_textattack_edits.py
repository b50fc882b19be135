"""Random edits with TextAttack's transformations."""

import re
import time

import pytest

from workbench.adapters.families import EDITS
from workbench.adapters.textattack_edits import edited, prepare
from workbench.errors import NotFound

TEXT = "The movie isn't all that terrible, though 3 of its actors can not save a wonderful but muddled story from York."
OFFLINE = ("misspellings", "paraphrases", "deletions", "look_alikes")
"""Those that need no resource."""


def words(text):
    return re.findall(r"[\w']+", text)


@pytest.mark.parametrize("edit", OFFLINE)
def test_the_same_seed_edits_alike_and_another_one_does_not(edit):
    first = edited(edit, TEXT, copies=2, share=0.3, seed=1)
    assert first == edited(edit, TEXT, copies=2, share=0.3, seed=1)
    others = [edited(edit, TEXT, copies=2, share=0.3, seed=seed) for seed in range(2, 6)]
    assert any(other != first for other in others)


@pytest.mark.parametrize("edit", OFFLINE)
def test_copies_differ_from_the_text_and_from_each_other(edit):
    found = edited(edit, TEXT, copies=3, share=0.2, seed=0)
    assert 1 <= len(found) <= 3
    assert len({TEXT, *found}) == len(found) + 1


@pytest.mark.parametrize(("share", "changed"), [(0.01, 1), (0.1, 2), (0.3, 6)])
def test_a_share_of_the_words_is_edited_and_at_least_one(share, changed):
    (found,) = edited("look_alikes", TEXT, copies=1, share=share, seed=3)
    assert len(words(TEXT)) == 21
    assert sum(a != b for a, b in zip(words(TEXT), words(found), strict=True)) == changed


def test_deletions_leave_the_rest_in_order():
    (found,) = edited("deletions", TEXT, copies=1, share=0.3, seed=3)
    left = iter(words(TEXT))
    assert len(words(found)) == 15
    assert all(word in left for word in words(found)), "a word that is not in the text, or not in its order"


def test_stopwords_keep_their_letters():
    for seed in range(20):
        for found in edited("look_alikes", TEXT, copies=1, share=1.0, seed=seed):
            assert {"all", "that", "of", "its", "can", "not", "but", "from"} <= set(words(found))


@pytest.mark.parametrize("text", ["", "🙂", "the of"])
@pytest.mark.parametrize("edit", ["misspellings", "paraphrases", "look_alikes"])
def test_what_cannot_be_edited_has_no_rewriting(edit, text):
    assert edited(edit, text, copies=2, share=0.5, seed=0) == []


def test_every_edit_has_a_family_and_an_unknown_one_is_refused():
    for edit in OFFLINE:
        assert edit in EDITS
        prepare(edit)
    with pytest.raises(NotFound, match="look_alikes"):
        prepare("look_alike")


def test_time_grows_with_the_words_to_edit_not_with_their_square():
    def seconds(text, share):
        start = time.process_time()
        edited("misspellings", text, copies=1, share=share, seed=0)
        return time.process_time() - start

    long = " ".join([TEXT] * 8)
    seconds(TEXT, 0.3)  # whatever is loaded at the first call
    few, many = (min(seconds(long, share) for _ in range(3)) for share in (0.05, 0.4))
    assert many < 16 * few, "eight times as many words to edit"
