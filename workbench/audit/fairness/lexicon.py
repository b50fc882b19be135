"""Identity terms, declared in TOML: groups, the terms that stand for each other, and where the list is from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from workbench.errors import Misconfigured
from workbench.evidence.schema import Stored
from workbench.files import read_toml
from workbench.text.terms import Vocabulary

SHIPPED = Path(__file__).parent / "lexicons"
NAME = "{name}"
"""Where a sentence takes a name."""


class Axis(Stored):
    """Groups of one kind and the terms for them."""

    id: str = Field(min_length=1, max_length=40)
    groups: tuple[str, ...] = Field(min_length=2)
    source: str = Field(min_length=1)
    """Where the list is from: a reader cannot judge the figures without it."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Terms that stand for each other, one per group."""
    names: tuple[tuple[tuple[str, ...], ...], ...] = ()
    """Lists of names, one list per group; a name is replaced by one of the same place in this tuple."""
    pronouns: bool = False
    """English pronouns are terms too; the groups are female and male."""
    leave: tuple[str, ...] = ()
    """Phrases in which nothing is swapped."""
    sentences: tuple[str, ...] = ()
    """Put before texts where too few mention the groups; in terms of the first group."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError(f"a group is there twice: {list(self.groups)}")
        if bool(self.rows) == bool(self.names):
            raise ValueError("give rows or names, one of them")
        if self.pronouns and set(self.groups) != {"female", "male"}:
            raise ValueError("pronouns need the groups 'female' and 'male', and no other")
        vocabulary = self._vocabulary()
        for sentence in self.sentences:
            if (NAME in sentence) != bool(self.names):
                raise ValueError(f"{sentence!r}: sentences for names hold {NAME}, and no others do")
            filled = sentence.replace(NAME, self.names[0][0][0]) if self.names else sentence
            found = {one.group for one in vocabulary.mentions(filled)}
            if found != {0}:
                raise ValueError(f"{sentence!r} must mention {self.groups[0]!r}, and no other of the groups")
        return self

    def vocabulary(self) -> Vocabulary:
        """Return the terms, ready to be found and swapped."""
        return self._vocabulary()

    def _vocabulary(self) -> Vocabulary:
        pools = self.names or tuple(tuple((term,) for term in row) for row in self.rows)
        try:
            return Vocabulary(
                self.groups,
                pools,
                names=bool(self.names),
                leave=self.leave,
                pronouns=(self.groups.index("female"), self.groups.index("male")) if self.pronouns else None,
            )
        except Misconfigured as error:
            raise ValueError(str(error)) from None


class Lexicon(Stored):
    """A named list of axes."""

    name: str
    description: str = ""
    axes: tuple[Axis, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        ids = [axis.id for axis in self.axes]
        if twice := [one for one in ids if ids.count(one) > 1]:
            raise ValueError(f"the axis id {twice[0]!r} is used twice")
        return self


class LexiconFile(NamedTuple):
    """A lexicon as it was read, and which one it is."""

    lexicon: Lexicon
    sha256: str
    """Of the file."""
    shipped: bool


def read_lexicon(lexicon: str | Path) -> LexiconFile:
    """Return the shipped lexicon of that name, or the one in that TOML file.

    Raises:
        NotFound: neither.
        BadInput: the file cannot be read.
        Misconfigured: it says something impossible; the message names file and place.
    """
    found = read_toml(lexicon, kind="lexicon", shipped=SHIPPED)
    try:
        held = Lexicon.model_validate({"name": found.name, **found.table})
    except ValidationError as error:
        raise Misconfigured("; ".join(f"{found.where}: {_said(one)}" for one in error.errors())) from None
    return LexiconFile(held, found.sha256, found.shipped)


def _said(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    message = re.sub(r"^Value error, ", "", problem["msg"])
    return f"{place}: {message}" if place else message
