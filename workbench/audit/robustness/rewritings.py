"""Ways to write a text otherwise that leave its meaning as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from workbench.text.edits import two_spaces, without_final_punctuation
from workbench.text.words import words

_LETTERS = 4
"""Letters that a word must have for two inner ones to change places."""
_CONTRACTED = {
    "are not": "aren't", "cannot": "can't", "could not": "couldn't", "did not": "didn't", "does not": "doesn't",
    "do not": "don't", "had not": "hadn't", "has not": "hasn't", "have not": "haven't", "is not": "isn't",
    "should not": "shouldn't", "was not": "wasn't", "were not": "weren't", "will not": "won't", "would not": "wouldn't",
    "i am": "i'm", "i have": "i've", "i will": "i'll", "it is": "it's", "that is": "that's", "they are": "they're",
    "we are": "we're", "you are": "you're",
}  # fmt: skip
_WRITTEN_OUT = {short: full for full, short in _CONTRACTED.items()}
_FORMS = "|".join(map(re.escape, [*_WRITTEN_OUT, *_CONTRACTED])).replace("'", "['’]")
_EITHER = re.compile(rf"\b({_FORMS})\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])([2-9]|[1-9]\d{1,3})(?![\w.,]*\w)")

Rewriting = Callable[[str, np.random.Generator], str]
"""Returns the text as it is where it cannot be written so."""


def one_typo(text: str, rng: np.random.Generator) -> str:
    """Return `text` with two neighbouring inner letters of one word in each other's place."""
    places = [
        word.start + i
        for word in words(text)
        if len(word.text) >= _LETTERS and word.text.isalpha()
        for i in range(1, len(word.text) - 2)
        if word.text[i] != word.text[i + 1]
    ]
    if not places:
        return text
    i = int(rng.choice(places))
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def contractions(text: str, rng: np.random.Generator) -> str:
    """Return `text` with every contraction written out and what was written out contracted."""

    def other(match: re.Match[str]) -> str:
        found = match.group()
        new = (_WRITTEN_OUT | _CONTRACTED)[found.lower().replace("’", "'")]
        if found.isupper() and len(found) > 1:
            return new.upper()
        return new[0].upper() + new[1:] if found[0].isupper() else new

    return _EITHER.sub(other, text)


def one_number(text: str, rng: np.random.Generator) -> str:
    """Return `text` with one whole number between 2 and 9,999 greater or smaller by one."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    match = found[int(rng.integers(len(found)))]
    return text[: match.start()] + str(int(match.group()) + (1, -1)[int(rng.integers(2))]) + text[match.end() :]


REWRITINGS: Mapping[str, Rewriting] = MappingProxyType(
    {
        "capitals": lambda text, rng: text.upper(),
        "small letters": lambda text, rng: text.lower(),
        "no final punctuation": lambda text, rng: without_final_punctuation(text),
        "two spaces": lambda text, rng: two_spaces(text),
        "typo": one_typo,
        "contractions": contractions,
        "number": one_number,
    }
)
