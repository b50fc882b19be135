"""What counts as a word when we say how many words a rewrite changed."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W{_IDEOGRAPH}](?:[^\W{_IDEOGRAPH}]|['’-])*")


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text`, in order.

    A word is a run of letters, digits, apostrophes and hyphens that begins with a letter or digit; a Chinese character
    or a Japanese sign is a word of its own. Punctuation, mark-up signs and emoji are no words.
    """
    return tuple(match.group() for match in _WORD.finditer(text))


def end_of_word(text: str, count: int) -> int:
    """Return where the `count`-th word of `text` ends (count >= 1); the text's length where it has no more words."""
    for number, match in enumerate(_WORD.finditer(text), start=1):
        if number == count:
            following = _WORD.search(text, match.end())
            return len(text) if following is None else match.end()
    return len(text)


def words_changed(before: str, after: str) -> int:
    """Return how many words differ: replaced, removed or added.

    A replaced word counts once, also where several stand in its place (a space or an invisible mark splits it).
    Word by word where both have as many words; else along the longest matching runs (difflib).
    """
    old, new = words(before), words(after)
    if len(old) == len(new):
        return sum(one != other for one, other in zip(old, new, strict=True))
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return sum((i2 - i1) or (j2 - j1) for tag, i1, i2, j1, j2 in steps if tag != "equal")
