import time

import pytest

from workbench.audit.robustness.words import end_of_word, words, words_changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("Don't over-think it, cats' owner!", ("Don't", "over-think", "it", "cats'", "owner")),
        ("<b>good</b> 👍🏽 -- 'fine'", ("b", "good", "b", "fine'")),
        ("很好 dress ok", ("很", "好", "dress", "ok")),
        ("שמלה יפה", ("שמלה", "יפה")),
        ("naïve café", ("naïve", "café")),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


def test_end_of_word():
    text = "one, two  three!"
    assert [text[: end_of_word(text, n)] for n in (1, 2, 3, 9)] == ["one", "one, two", text, text]
    assert end_of_word("...", 1) == 3


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("a good dress", "a good dress", 0),
        ("a good dress", "a godo dress", 1),
        ("a good dress", "an odd shoe", 3),
        ("a good dress", "good dress", 1),
        ("a good dress", "a very very good dress", 2),
        ("", "a", 1),
        ("good good good good bad", "g\u200dood go\u200bod g\u200cood good bad", 3),
        ("a good dress", "a go od dress", 1),
        ("a good dress", "a dress shop here", 3),
    ],
)
def test_words_changed(before, after, changed):
    assert words_changed(before, after) == changed


def test_hostile_lengths_stay_fast():
    start = time.perf_counter()
    for text in ("-" * 200_000, "'" * 200_000, "a" * 200_000, "a-" * 100_000, "a " * 100_000):
        words(text)
        end_of_word(text, 250)
    assert time.perf_counter() - start < 5
