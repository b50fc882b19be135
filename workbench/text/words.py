"""Words with their places in a text, and the form of a text that decides whether two are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_CHUNK = re.compile(r"\S+")
_INNER = frozenset("'’-‐‑")
"""Joins two halves of one word ("isn't", "well-made") when it stands between letters."""
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
"""Zero-width (non-)joiner and variation selectors: part of the word or emoji around them."""


class Word(NamedTuple):
    """One word and where it stands: `text[start:stop] == word.text`."""

    text: str
    start: int
    stop: int


def words(text: str) -> tuple[Word, ...]:
    """Return the words of `text` with character spans, in order, not overlapping.

    A word is a run of letters, digits and the marks on them, with single apostrophes and hyphens inside; or a run of
    pictures (emoji). Punctuation belongs to no word. Scripts that write without spaces (Chinese, Thai) give one word
    per unbroken run: this is no segmenter.
    """
    found: list[Word] = []
    for chunk in _CHUNK.finditer(text):
        piece, offset = chunk.group(), chunk.start()
        if piece.isalnum():
            found.append(Word(piece, offset, offset + len(piece)))
        else:
            found.extend(Word(piece[a:b], offset + a, offset + b) for a, b in _runs(piece))
    return tuple(found)


def normalise(text: str) -> str:
    """Return what decides whether two texts are the same: compatibility form, no case, single spaces.

    Unicode's caseless compatibility matching (Unicode Standard 3.13, D146) in composed form: "ﬁne", "FINE" and
    "fine " are one text. Idempotent.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFD", text).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def replaced(text: str, spans: Iterable[tuple[int, int]], by: str = "") -> str:
    """Return `text` with `by` in place of the pieces at `spans`, which are in order and do not overlap."""
    kept, end = [], 0
    for start, stop in spans:
        kept += [text[end:start], by]
        end = stop
    return "".join((*kept, text[end:]))


def shorten(text: str, limit: int) -> str:
    """Return `text` on one line, cut after a word to at most `limit` >= 1 characters, with "…" where it was cut."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    if line[limit - 1] != " " and " " in head:
        head = head[: head.rindex(" ")]
    return head.rstrip() + "…"


def _runs(piece: str) -> list[tuple[int, int]]:
    """Return the spans of the words inside a piece without white space."""
    runs: list[tuple[int, int]] = []
    start, kind = 0, ""
    for i, character in enumerate(piece):
        now = _kind(character)
        if now == "joins":
            now = kind
        elif now == "inner":
            inside = kind == "word" and i + 1 < len(piece) and _kind(piece[i + 1]) == "word"
            now = "word" if inside else ""
        if now != kind:
            if kind:
                runs.append((start, i))
            start, kind = i, now
    if kind:
        runs.append((start, len(piece)))
    return runs


def _kind(character: str) -> str:
    if character.isalnum():
        return "word"
    if character in _INNER:
        return "inner"
    if character in _JOINERS:
        return "joins"
    category = unicodedata.category(character)
    if category[0] == "M" or "\U0001f3fb" <= character <= "\U0001f3ff":  # marks; skin tones
        return "joins"
    return "picture" if category == "So" else ""
