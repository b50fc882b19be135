"""What a manifest says: where corpora, models and word vectors come from, byte for byte, and how a table is read."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.data.corpus import Task


class _Said(BaseModel):
    """Frozen, and closed to keys that mean nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class File(_Said):
    """One file inside a package."""

    path: str
    """From the folder in which the package is installed."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


class Label(_Said):
    """What a raw value of the label column means."""

    value: str
    name: str


class Band(_Said):
    """A range of whole numbers, both ends included; without `high`, everything from `low` on."""

    name: str
    low: int
    high: int | None = None


class Group(_Said):
    """A sensitive attribute: which column, and how its values become groups."""

    column: str
    bands: tuple[Band, ...] = ()
    rename: dict[str, str] = {}


class TableRules(_Said):
    """How a table becomes a text corpus."""

    format: Literal["csv", "tsv", "jsonl", "parquet"]
    only: dict[str, str] = {}
    """Column -> value: other rows belong to another corpus and are not counted as dropped."""
    text: tuple[str, ...] = Field(min_length=1)
    """Columns whose contents, joined by `join`, are the text; empty ones are left out."""
    join: str = "\n"
    required: tuple[str, ...] = ()
    """Text columns without which a row is dropped; by default a row needs only one that is not empty."""
    label: str
    labels: tuple[Label, ...] = Field(min_length=2)
    """In label-id order. A value that is not listed is an error."""
    positive: str
    groups: dict[str, Group] = {}
    person: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> TableRules:
        names = list(dict.fromkeys(label.name for label in self.labels))
        if self.positive not in names:
            raise ValueError(f"positive label {self.positive!r} is not one of {names}")
        if unknown := set(self.required) - set(self.text):
            raise ValueError(f"required columns {sorted(unknown)} are not text columns")
        return self


class Manifest(_Said):
    """A named corpus, model or set of word vectors: what it is, where it is from, which bytes it must be."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9.-]*$")
    """The manifest's file name."""
    kind: Literal["corpus", "model", "vectors"]
    task: Task | Literal["text-encoder", "word-vectors"]
    summary: str
    package: str
    """The package that carries it, opened by path and never imported."""
    version: str
    files: tuple[File, ...] = Field(min_length=1)
    """The main file first: its sha256 is the digest that listings show."""
    folder: str | None = None
    """For models: the folder inside the package that holds all files."""
    examples: int | None = None
    parameters: int | None = None
    licence: str
    origin: str
    citation: str
    alternative: str
    """Where people without that package get it: a hub id or an address. Never opened by itself."""
    table: TableRules | None = None
    """How to read it; absent where this version cannot."""

    @model_validator(mode="after")
    def _complete(self) -> Manifest:
        if self.kind == "model" and (self.folder is None or self.parameters is None):
            raise ValueError("a model needs 'folder' and 'parameters'")
        if self.folder is not None and self.files[0].path != f"{self.folder}/{self.files[0].name}":
            raise ValueError("the first file must lie directly in 'folder'")
        if self.kind != "model" and self.examples is None:
            raise ValueError("corpora and vectors need 'examples': how many there are")
        return self
