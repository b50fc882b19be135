"""What a reader sees of groups: their sizes, tests between them, and texts with one group's terms for another's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.evidence.measurement import Interval
from workbench.evidence.schema import Stored


class GroupSize(Stored):
    """How many examples and people one group has, and how many per label."""

    group: str
    n: int = Field(ge=0)
    people: int = Field(ge=0)
    by_label: dict[str, int]


class GroupTable(Stored):
    """The sizes of the groups of one attribute: first thing to read before any rate."""

    kind: Literal["group_table"] = "group_table"
    attribute: str
    groups: tuple[GroupSize, ...]
    too_small: tuple[str, ...] = ()
    """Groups whose rates are shown but not compared, because they are smaller than the probe's stated minimum."""


class GroupTest(Stored):
    """A permutation test of one criterion between the groups of one attribute."""

    attribute: str
    criterion: str
    """e.g. 'equalized_odds'"""
    null: str
    """The null hypothesis in words."""
    groups: int = Field(ge=2)
    n: int = Field(ge=2)
    """People among whom groups were dealt anew."""
    gap: float = Field(ge=0, le=1)
    """Largest difference between two of the groups."""
    p: float = Field(gt=0, le=1)
    adjusted: float = Field(gt=0, le=1)
    """p, adjusted over all tests of the table."""


class GroupTests(Stored):
    """Tests of whether chance alone could make groups so different; one family."""

    kind: Literal["group_tests"] = "group_tests"
    tests: tuple[GroupTest, ...]
    permutations: int = Field(ge=1)
    """How often groups were dealt anew in each test."""
    further: int = Field(default=0, ge=0)
    """How often more where that left p below 0.05, so that of many tests an adjusted p can still be small."""
    adjustment: str
    """Of the p-values over all tests of the table, e.g. 'Benjamini-Yekutieli'."""


class TermPair(Stored):
    """Two terms that stood for each other in texts, and what the swap did."""

    first: str
    second: str
    """Without case; of the swap's first and second group."""
    n: int = Field(ge=1)
    """Texts in which this was among the terms swapped."""
    people: int = Field(ge=1)
    flips: int = Field(ge=0)
    flip_interval: Interval
    change: float = Field(ge=-1, le=1)
    """Mean of the positive label's probability with `second` less that with `first`."""
    change_interval: Interval | None = None
    """None where too few people wrote the texts."""


class SwappedText(Stored):
    """One text, and the same with the terms of two groups exchanged."""

    example: str
    before: str
    after: str
    decided_before: str
    decided: str
    probability_before: float = Field(ge=0, le=1)
    """Of the positive label."""
    probability: float = Field(ge=0, le=1)


class TokenSwaps(Stored):
    """What exchanging the terms of two groups did to the decisions: the terms, and the texts decided otherwise."""

    kind: Literal["token_swaps"] = "token_swaps"
    swap: str
    """As in the measurements' facet."""
    first: str
    second: str
    """The groups."""
    positive: str
    """The label whose probability is the score."""
    source: str
    """Where the list of terms is from."""
    added: bool
    """Whether the terms were put before the texts, because too few mention the groups."""
    terms: tuple[TermPair, ...]
    """The most frequent first; it may hold fewer than were swapped."""
    flipped: tuple[SwappedText, ...]
    """Those whose score changed most; it may hold fewer than `total`."""
    total: int = Field(ge=0)
    """Texts decided otherwise."""
    of: int = Field(ge=1)
    """Texts swapped."""
