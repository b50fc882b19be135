from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.words import normalise, shorten, words


def found(text: str) -> list[str]:
    return [word.text for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \t\n", []),
        ("...!?", []),
        ("Lovely", ["Lovely"]),
        ("It's well-made -- really.", ["It's", "well-made", "really"]),
        ("'quoted' dogs' rock'n'roll", ["quoted", "dogs", "rock'n'roll"]),
        ("<b>5 stars</b>", ["b", "5", "stars", "b"]),
        ("Größe 42, naïve cafe\u0301", ["Größe", "42", "naïve", "cafe\u0301"]),
        ("فستان جميل", ["فستان", "جميل"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("fits 👍🏽, loved it❤️!", ["fits", "👍🏽", "loved", "it", "❤️"]),
        ("很好看", ["很好看"]),
        ("a\u00a0b\u2028c", ["a", "b", "c"]),
        ("-a- x--y", ["a", "x", "y"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_ten_thousand_words() -> None:
    assert found("good, bad! " * 5_000) == ["good", "bad"] * 5_000


@given(st.text())
def test_spans_point_at_the_words_and_leave_no_letter_out(text: str) -> None:
    inside = [False] * len(text)
    end = 0
    for word in words(text):
        assert text[word.start : word.stop] == word.text != ""
        assert word.start >= end, "in order, not overlapping"
        end = word.stop
        inside[word.start : word.stop] = [True] * len(word.text)
    assert all(inside[i] for i, character in enumerate(text) if character.isalnum())
    assert not any(inside[i] for i, character in enumerate(text) if character.isspace())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great  DRESS\r\n", "great dress"),
        ("cafe\u0301", "CAFÉ"),
        ("ﬁne", "FINE"),
        ("STRASSE", "straße"),
        ("ＡＢＣ", "abc"),
        ("a\u00a0b", "a b"),
    ],
)
def test_the_same_text_in_other_clothes(one: str, other: str) -> None:
    assert one != other
    assert normalise(one) == normalise(other)


def test_different_texts_stay_different() -> None:
    assert len({normalise(text) for text in ("good", "good!", "goods", "gut", "")}) == 5


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert normalise(f" {text}\n") == once
    assert normalise(unicodedata.normalize("NFD", text)) == once


@given(st.text(), st.integers(1, 50))
def test_shortened_texts_fit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    line = " ".join(text.split())
    assert len(short) <= limit
    assert "\n" not in short
    assert short == line if len(line) <= limit else short.endswith("…") and line.startswith(short[:-1])


def test_shortening_cuts_after_a_word() -> None:
    assert shorten("a lovely dress indeed", 15) == "a lovely dress…"
    assert shorten("a lovely dress indeed", 14) == "a lovely…"
    assert shorten("extraordinarily", 5) == "extr…"
