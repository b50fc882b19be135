import pytest

from workbench.report.text import excerpt, listed, plural, short, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\r\nb", "a\nb"),
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("שלום 👩‍👧", "שלום 👩‍👧"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, shown):
    assert visible(text) == shown
    visible(text).encode()


def test_short_names_are_one_line():
    assert short("a\n b") == "a b"
    assert len(short("x" * 500)) == 80


def test_excerpts_say_that_they_are_cut():
    assert excerpt("abc", 3) == ("abc", "")
    assert excerpt("abcd", 3)[0] == "abc…"
    assert "3 of 4 characters" in excerpt("abcd", 3)[1]


def test_words():
    assert plural(1, "example") == "1 example"
    assert plural(2000, "query", "queries") == "2,000 queries"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdef"), 2) == "a, b and 4 more"
