"""What a recipe promised not to do, checked on what it did: independently of the library that ran it.

A rule takes the text before and after and returns what is broken, in words, or None.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from math import ceil

from workbench.adapters.confusables import look_alikes
from workbench.adapters.near_words import NEAR, NEARER, near_enough, opposites

Rule = Callable[[str, str], str | None]

_TOKEN = re.compile(r"[\w'*@˗`×-]+")
_ENDS = "'-_*@"
"""What TextAttack takes for part of a word inside it and not at its ends: quotation marks, dashes, stars around it."""
_INVISIBLE = frozenset("\u200b\u200c\u200d")
_ORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069")


def edits_at_most(most: int) -> Rule:
    """Return the rule that no more than `most` letters are inserted, deleted or replaced (Levenshtein)."""

    def rule(before: str, after: str) -> str | None:
        import editdistance

        found = editdistance.eval(before, after)
        return f"{found} letters edited, where {most} are allowed" if found > most else None

    return rule


def stopwords_stay(before: str, after: str) -> str | None:
    """The stopwords of the text before are all there after."""
    gone = Counter(word for word in tokens(before) if word in _stopwords()) - Counter(tokens(after))
    return f"stopwords were changed: {', '.join(sorted(gone))}" if gone else None


def words_at_most(most: int | None = None, *, share: float | None = None) -> Rule:
    """Return the rule that the text has as many words as before, and at most so many of them differ.

    At most `most`, or a `share` of them, rounded up; with both, the larger of the two.
    """

    def rule(before: str, after: str) -> str | None:
        pairs = changed(before, after)
        if pairs is None:
            return "the number of words changed"
        limit = most if share is None else max(most or 1, ceil(share * len(tokens(before))))
        if limit is not None and len(pairs) > limit:
            return f"{len(pairs)} words changed, where {limit} are allowed"
        return None

    return rule


def only_inner_letters(before: str, after: str) -> str | None:
    """Each changed word has four letters or more, and keeps its first and last."""
    for old, new in changed(before, after) or ():
        if len(old) < 4 or old[0] != new[:1] or old[-1] != new[-1:]:
            return f"{old!r} became {new!r}"
    return None


def synonyms(before: str, after: str) -> str | None:
    """Each changed word became another of a set of synonyms in WordNet."""
    from nltk.corpus import wordnet

    for old, new in changed(before, after) or ():
        known = {name.lower() for one in wordnet.synsets(old) for name in one.lemma_names()}
        if new.lower() not in known:
            return f"{old!r} became {new!r}, which WordNet does not give as its synonym"
    return None


def near_to(cosine: float) -> Rule:
    """Return the rule that each changed word became one of this cosine or more that WordNet does not call opposite."""

    def rule(before: str, after: str) -> str | None:
        for old, new in changed(before, after) or ():
            if new.lower() in opposites(old):
                return f"{old!r} became its opposite {new!r}"
            if not near_enough(old, new, cosine):
                return f"{old!r} became {new!r}, which is not near it"
        return None

    return rule


near_words, nearer_words = near_to(NEAR), near_to(NEARER)


def invisible(before: str, after: str) -> str | None:
    """Without invisible characters the text is what it was."""
    left = "".join(letter for letter in after if letter not in _INVISIBLE)
    kept = "".join(letter for letter in before if letter not in _INVISIBLE)
    return None if left == kept else "visible characters changed"


def reordered(before: str, after: str) -> str | None:
    """The same characters, but for those that say in which order to show them."""
    found = Counter(after) - Counter(before)
    lost = Counter(before) - Counter(after)
    return None if set(found) <= _ORDERING and not lost else "characters changed that are seen"


def alike(before: str, after: str) -> str | None:
    """Each changed character became one that Unicode lists as looking like it."""
    if len(before) != len(after):
        return "the number of characters changed"
    for old, new in zip(before, after, strict=True):
        if old != new and new not in look_alikes().get(old, ()):
            return f"{old!r} became {unicodedata.name(new, repr(new))}, which does not look like it"
    return None


def first_broken(rules: tuple[Rule, ...], before: str, after: str) -> str | None:
    """Return what the first of `rules` says that is broken; None where all hold."""
    return next((said for rule in rules if (said := rule(before, after)) is not None), None)


def tokens(text: str) -> list[str]:
    """Return what TextAttack takes for words (of a text without Chinese): which of them it edited is the question."""
    return [word for run in _TOKEN.findall(text) if (word := run.strip(_ENDS))]


def changed(before: str, after: str) -> list[tuple[str, str]] | None:
    """Return the words that differ, before and after, place by place; None where there are more or fewer."""
    old, new = tokens(before), tokens(after)
    if len(old) != len(new):
        return None
    return [(one, other) for one, other in zip(old, new, strict=True) if one != other]


@lru_cache(maxsize=1)
def _stopwords() -> frozenset[str]:
    from nltk.corpus import stopwords

    return frozenset(stopwords.words("english"))
