"""Identity terms in a text, and the text with those of one group in the place of another's.

"Other things equal" is the point, so what cannot be swapped into a well-formed text is not swapped: it is `Unclear`.
Known forms are words and names of a list; capitals, a/an and (English) the case of pronouns follow. What the sentence
says may still not fit the other group: no list can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from workbench.errors import Misconfigured
from workbench.text.english import other_article, other_pronoun

Pool = tuple[tuple[str, ...], ...]
"""Terms that may stand in each other's place, one tuple of them per group, in the order of the groups."""
Choose = Callable[[tuple[str, ...], str], str]
"""Terms and the one that goes -> the one of the terms that comes."""

SUBJECT: tuple[Pool, ...] = ((("she",), ("he",)), (("herself",), ("himself",)))
"""Pronouns that have one counterpart, female and male."""
CASED = {"her": 0, "hers": 0, "him": 1, "his": 1}
"""Pronouns whose counterpart depends on their place, with their side."""

_ARTICLE = re.compile(r"(?<![\w'’])(an?)(\s+)$", re.IGNORECASE)
_OPENING, _CLOSING = "\"'“‘([*", "\"'”’)]*"
_ALTERNATIVE = re.compile(r"/\w")
"""After a term: it is one of several, as in 'he/she', of which the others would stay as they are."""
_LOOKED_BACK = 12
"""Characters before a term in which the end of the sentence before it must lie."""


class Mention(NamedTuple):
    """One identity term of a text: `text[start:stop]`."""

    start: int
    stop: int
    term: str
    """As the list writes it."""
    group: int
    pool: int | None
    """None for a pronoun whose counterpart depends on its place."""


class Change(NamedTuple):
    """One term and what took its place, as the text writes them."""

    before: str
    after: str
    group: int
    """Of the term that went."""


class Swapped(NamedTuple):
    """A text with the terms of two groups exchanged."""

    text: str
    changes: tuple[Change, ...]
    """Every one, in order; none where the text mentions neither group."""


class Unclear(NamedTuple):
    """The text has no well-formed counterpart: what this term would become cannot be told from its place."""

    term: str
    start: int


class Vocabulary:
    """The terms of several groups, and which may stand for which."""

    def __init__(
        self,
        groups: Sequence[str],
        pools: Sequence[Pool],
        *,
        names: bool = False,
        leave: Sequence[str] = (),
        pronouns: tuple[int, int] | None = None,
    ) -> None:
        """Take the groups and the pools of terms.

        Args:
            groups: names of at least two groups.
            pools: a term that is in several pools of its group is swapped by the first.
            names: terms are names, found only as they are written ('Rose', not 'rose').
            leave: phrases in which nothing is a term ('old navy'), in any case.
            pronouns: the groups of she and of he, the only two, where English pronouns are terms as well.

        Raises:
            Misconfigured: a pool has no term for one of the groups, or a term belongs to two groups.
        """
        self.groups = tuple(groups)
        if pronouns is not None and sorted(pronouns) != list(range(len(self.groups))):
            raise Misconfigured(f"pronouns change between two groups; there are {list(self.groups)}")
        order = () if pronouns is None else tuple(pronouns.index(group) for group in range(len(self.groups)))
        ours = tuple(tuple(pool[side] for side in order) for pool in SUBJECT if order)
        self._pools: tuple[Pool, ...] = (*pools, *ours)
        self._names, self._leave = names, tuple(phrase if names else _key(phrase) for phrase in leave)
        self._known: dict[str, tuple[str, int, int | None]] = {}
        for number, pool in enumerate(self._pools):
            if len(pool) != len(self.groups):
                raise Misconfigured(f"{pool} has terms for {len(pool)} groups; there are {len(self.groups)}")
            for group, terms in enumerate(pool):
                if not terms:
                    raise Misconfigured(f"a pool has no term for the group {self.groups[group]!r}: {pool}")
                for term in terms:
                    self._add(term, group, number)
        if pronouns is not None:
            self._known.update({word: (word, pronouns[side], None) for word, side in CASED.items()})

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return the terms of `text`, in order, not overlapping; the longest where several begin together."""
        found = []
        for match in self._pattern.finditer(text):
            key = match.group() if self._names else _key(match.group())
            if key in self._known:  # else a phrase to leave alone
                term, group, pool = self._known[key]
                found.append(Mention(match.start(), match.end(), term, group, pool))
        return tuple(found)

    def swapped(self, text: str, first: int, second: int, choose: Choose) -> Swapped | Unclear:
        """Return `text` with the terms of the groups `first` and `second` exchanged, those of other groups left.

        Where a group has several terms to choose from, `choose` is asked once for each that goes: the same name of a
        text stays one name.
        """
        other = {first: second, second: first}
        chosen: dict[tuple[int, str], str] = {}
        pieces: list[str] = []
        changes: list[Change] = []
        end = 0
        for one in self.mentions(text):
            if one.group not in other:
                continue
            came = self._counterpart(text, one, other[one.group], choose, chosen)
            if came is None:
                return Unclear(text[one.start : one.stop], one.start)
            went = text[one.start : one.stop]
            came = _cased(came, went, one.term, starts=_starts_sentence(text, one.start))
            gap = text[end : one.start]
            if article := _ARTICLE.search(gap):
                right = other_article(article.group(1), went, came)
                gap = gap[: article.start()] + right + article.group(2)
            pieces += [gap, came]
            changes.append(Change(went, came, one.group))
            end = one.stop
        return Swapped("".join((*pieces, text[end:])), tuple(changes))

    def _counterpart(
        self, text: str, one: Mention, group: int, choose: Choose, chosen: dict[tuple[int, str], str]
    ) -> str | None:
        if _ALTERNATIVE.match(text, one.stop):
            return None
        if one.pool is None:
            return other_pronoun(text, one.start, one.stop)
        terms = self._pools[one.pool][group]
        if len(terms) == 1:
            return terms[0]
        key = (one.pool, one.term)
        if key not in chosen:
            taken = set(chosen.values())
            left = tuple(term for term in terms if term not in taken)  # two people stay two
            chosen[key] = choose(left or terms, one.term)
        return chosen[key]

    def _add(self, term: str, group: int, pool: int) -> None:
        key = term if self._names else _key(term)
        if not key.strip():
            raise Misconfigured(f"a term of the group {self.groups[group]!r} is empty")
        before = self._known.get(key)
        if before is not None and before[1] != group:
            raise Misconfigured(
                f"{term!r} stands for the groups {self.groups[before[1]]!r} and {self.groups[group]!r}; a term must "
                "tell one group, or it cannot be swapped"
            )
        self._known.setdefault(key, (term, group, pool))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        forms = sorted({*self._known, *self._leave}, key=lambda form: (-len(form), form))
        listed = "|".join(_spaced(form) for form in forms) or r"(?!)"
        # Not inside a longer word, a hyphenated one, a handle, a tag or an address.
        around = rf"(?<![\w@#/])(?<!\w[-'’.])(?:{listed})(?!\w)(?!-\w)"
        return re.compile(around, 0 if self._names else re.IGNORECASE)


def _key(term: str) -> str:
    return " ".join(term.lower().replace("’", "'").split())


def _spaced(form: str) -> str:
    return r"\s+".join(re.escape(part).replace("'", "['’]") for part in form.split())


def _cased(came: str, went: str, listed: str, *, starts: bool) -> str:
    """Return `came` with capitals as `went` has them; `listed` is how the list writes what went."""
    if len(went) > 1 and went.isupper() and not listed.isupper():
        return came.upper()
    if went == listed:  # as the list writes it, so is what comes
        return _capital(came) if starts and listed[:1].isupper() else came
    if went.islower():
        return came.lower()
    return _capital(came) if went[:1].isupper() else came


def _starts_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - _LOOKED_BACK) : start].rstrip(_OPENING)
    said = before.rstrip()
    if not said:
        return True
    return said != before and ("\n" in before[len(said) :] or said.rstrip(_CLOSING).endswith((".", "!", "?")))


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
