"""Behavioural tests, declared in TOML: what a model must do whatever its accuracy.

The three kinds of Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList": minimum
functionality, invariance, directional expectation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from workbench.audit.robustness.cases import Kind
from workbench.audit.robustness.rewritings import REWRITINGS
from workbench.errors import Misconfigured
from workbench.evidence.schema import Stored
from workbench.files import read_toml

SHIPPED = Path(__file__).parent / "suites"
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Behaviour(Stored):
    """One test: what is written, and what must hold."""

    id: str = Field(min_length=1, max_length=80)
    kind: Kind
    label: str | None = None
    """Of the decision that `templates` must get, or whose probability must not fall."""
    templates: tuple[str, ...] = ()
    """Texts with words of lexicons in braces; every combination is a case."""
    change: str | None = None
    """A rewriting of `REWRITINGS`."""
    swap: str | None = None
    """A lexicon: one of its words in a text becomes another of them."""
    append: tuple[str, ...] = ()
    """Sentences, one of which is put after a text; words of lexicons in braces."""
    tolerance: float = Field(default=0.0, ge=0, lt=1)
    """By how much a probability may fall."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        ways = [bool(self.templates), self.change is not None, self.swap is not None, bool(self.append)]
        if sum(ways) != 1:
            raise ValueError("give exactly one of templates, change, swap and append")
        if (self.kind == "minimum functionality") != bool(self.templates):
            raise ValueError("templates make minimum functionality tests, and only they do")
        if (self.kind == "invariance") == (self.label is not None):
            raise ValueError(
                "an invariance has no label: the decision must stay"
                if self.label is not None
                else f"{self.kind} needs a label"
            )
        if self.tolerance and self.kind != "directional":
            raise ValueError("only a directional expectation has a tolerance")
        if self.change is not None and self.change not in REWRITINGS:
            raise ValueError(f"unknown change {self.change!r}; there are {', '.join(REWRITINGS)}")
        return self


class Suite(Stored):
    """A named list of behaviours and the words that they use."""

    name: str
    description: str = ""
    lexicons: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tests: tuple[Behaviour, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        seen: set[str] = set()
        for test in self.tests:
            if test.id in seen:
                raise ValueError(f"the test id {test.id!r} is used twice")
            seen.add(test.id)
            named = [*_SLOT.findall(" ".join((*test.templates, *test.append))), *([test.swap] if test.swap else [])]
            for lexicon in named:
                if not self.lexicons.get(lexicon):
                    raise ValueError(f"test {test.id!r} names the lexicon {lexicon!r}, which is not there or empty")
        return self

    def texts(self, behaviour: Behaviour, *, most: int, rng: np.random.Generator) -> list[str]:
        """Return the texts of a minimum functionality test: all combinations, or `most` of them at random."""
        made = [text for template in behaviour.templates for text in combinations(template, self.lexicons)]
        if len(made) <= most:
            return made
        return [made[int(i)] for i in sorted(rng.choice(len(made), size=most, replace=False))]

    def rewritten(self, behaviour: Behaviour, text: str, rng: np.random.Generator) -> str:
        """Return `text` as an invariance or directional test writes it; as it is where it cannot be."""
        if behaviour.change is not None:
            return REWRITINGS[behaviour.change](text, rng)
        if behaviour.swap is not None:
            return _swapped(text, self.lexicons[behaviour.swap], rng)
        sentence = behaviour.append[int(rng.integers(len(behaviour.append)))]
        filled = _SLOT.sub(lambda slot: _one(self.lexicons[slot.group(1)], rng), sentence)
        return f"{text.rstrip()} {filled}" if text.strip() else text


class SuiteFile(NamedTuple):
    """A suite as it was read, and which one it is."""

    suite: Suite
    sha256: str
    """Of the file."""
    shipped: bool


def read_suite(suite: str | Path) -> SuiteFile:
    """Return the shipped suite of that name, or the one in that TOML file.

    Raises:
        NotFound: neither.
        BadInput: the file cannot be read.
        Misconfigured: it says something impossible; the message names file and place.
    """
    found = read_toml(suite, kind="suite", shipped=SHIPPED)
    try:
        held = Suite.model_validate({"name": found.name, **found.table})
    except ValidationError as error:
        raise Misconfigured("; ".join(f"{found.where}: {_said(one)}" for one in error.errors())) from None
    return SuiteFile(held, found.sha256, found.shipped)


def combinations(template: str, lexicons: Mapping[str, Sequence[str]]) -> list[str]:
    """Return `template` with every combination of words in its slots; the same slot twice holds the same word."""
    slots = list(dict.fromkeys(_SLOT.findall(template)))
    made = []
    for chosen in product(*(lexicons[slot] for slot in slots)):
        words = dict(zip(slots, chosen, strict=True))
        made.append(_SLOT.sub(lambda slot, words=words: words[slot.group(1)], template))  # type: ignore[misc]
    return made


def _swapped(text: str, lexicon: Sequence[str], rng: np.random.Generator) -> str:
    """Return `text` with every occurrence of one word of `lexicon` replaced by another of its words."""
    held = [word for word in lexicon if re.search(rf"\b{re.escape(word)}\b", text)]
    others = [word for word in lexicon if word not in held]
    if not held or not others:
        return text
    old = _one(held, rng)
    new = _one(others, rng)
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: new, text)


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _said(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
