"""What a page is made of: plain values, every number already formatted. Templates only lay them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more. `tone` is '', 'note', 'quiet' or 'bad'."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list, with a verdict's sign and a link to a section where it has one."""

    text: str
    sign: str = ""
    """'', or a verdict."""
    lead: str = ""
    """Words set in bold before the text."""
    section: str = ""
    """Id of the section to go to."""
    section_title: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    kind: ClassVar[str] = "bullets"
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another part of the page."""

    target: str
    """Id of the part."""
    text: str
    choice: str = ""
    """What the lists of cases there are narrowed to, as `tagged` writes it; '' for all."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: a main text and a smaller line below it."""

    text: str
    small: str = ""
    numeric: bool = False
    verdict: str = ""
    """A verdict to show as sign and word instead of the text."""
    strong: bool = False
    links: tuple[Link, ...] = ()
    """Shown after the text."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first cell of each row is the row's header."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    wide: bool = False
    """Has a column of sentences."""
    form: bool = False
    """Has cells to be filled in by hand."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms and what they are."""

    kind: ClassVar[str] = "definitions"
    pairs: tuple[tuple[str, str], ...]
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its text alternative: a table that holds the same numbers."""

    kind: ClassVar[str] = "figure"
    svg: Markup
    caption: str
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Small charts side by side; their numbers stand in the table beside them."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that looks alike.

    `mark` is '', 'ins', 'del', 'plus1'..'plus4', 'minus1'..'minus4', 'size1'..'size4' (strength without a sign) or
    'unread'.
    """

    text: str
    mark: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A text from the data, with marked stretches, what was decided about it, and numbers in small print."""

    kind: ClassVar[str] = "quote"
    heading: str
    runs: tuple[Run, ...]
    facts: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    note: str = ""
    warning: str = ""
    """What must be known before the text is read."""
    legend: str = ""
    tags: str = ""
    """By what a reader may narrow a list of such texts down, as `tagged` writes it; '' for nothing."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks behind a summary line; everything is shown on paper."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str
    id: str = ""
    """What links point at; '' where none does."""


@dataclass(frozen=True, slots=True)
class FileLink:
    """A way to a file of ours that lies beside the page."""

    kind: ClassVar[str] = "file"
    name: str
    text: str


Block = Paragraph | Bullets | Table | Definitions | Figure | Figures | Quote | Fold | Heading | FileLink


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Glance:
    """One pillar on the first screen: how it ended, and the requirement that decided that."""

    section: str
    title: str
    verdict: str
    """'' where the policy asks nothing of it."""
    text: str
    small: str
    bar: Markup
    """Value and interval against the gate; empty where there is none to draw."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The first screen: what a person who signs reads."""

    verdict: str
    word: str
    sentence: str
    exceptions: tuple[Item, ...]
    limits: tuple[Item, ...]
    steps: tuple[Item, ...]
    glance: tuple[Glance, ...] = ()
    """One row for each pillar."""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    summary: Summary
    sections: tuple[Section, ...] = field(default=())
    footer: str = ""
