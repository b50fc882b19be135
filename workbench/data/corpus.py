"""Example and Corpus: what everything is trained and audited on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, NotFound
from workbench.evidence.cards import CorpusCard, Dropped
from workbench.text.words import normalise


class Task(StrEnum):
    """What a model decides about an input."""

    TEXT_CLASSIFICATION = "text-classification"
    TOKEN_CLASSIFICATION = "token-classification"
    IMAGE_CLASSIFICATION = "image-classification"
    TABULAR_CLASSIFICATION = "tabular-classification"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled input and whose it is."""

    id: str
    person: str
    """Whose record it is; the id where nobody said."""
    input: str
    """The text. (Words, image or row for the other tasks.)"""
    label: str
    groups: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Attribute -> group. Never a model input, except for group-aware models."""
    named: bool = True
    """Whether the data says whose it is. Not to be told from `person`: somebody may be called like a row's id."""

    def content(self, *, without: Sequence[str] = ()) -> str:
        """Return this example, but for some attributes, as canonical JSON: the unit of the corpus digest."""
        groups = {attribute: group for attribute, group in sorted(self.groups.items()) if attribute not in without}
        return json.dumps([self.id, self.person, self.input, self.label, groups], ensure_ascii=True)


CROSS = " x "
"""Between the names of crossed attributes."""
AND = " & "
"""Between the names of their groups."""


@dataclass(frozen=True)
class Corpus(Sequence[Example]):
    """An immutable sequence of examples with one task and one ordered set of labels."""

    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    """Every label an example may have, in label-id order; a label may be without examples."""
    name: str
    source: str
    licence: str = "unknown"
    split: str = "all"
    dropped: tuple[Dropped, ...] = ()
    task: Task = Task.TEXT_CLASSIFICATION
    positive_label: str | None = None
    """The corpus's own choice of positive label, from its manifest."""
    crossings: tuple[str, ...] = ()
    """Attributes that `crossed` made of others: the digest, which is that of the data, leaves them out."""

    def __post_init__(self) -> None:
        known = set(self.labels)
        if len(known) != len(self.labels):
            raise BadInput(f"corpus {self.name!r}: a label is listed twice in {list(self.labels)}")
        seen: set[str] = set()
        for example in self.examples:
            if example.label not in known:
                raise BadInput(
                    f"corpus {self.name!r}: example {example.id!r} has label {example.label!r}, "
                    f"which is not one of {list(self.labels)}"
                )
            if example.id in seen:
                raise BadInput(f"corpus {self.name!r}: the id {example.id!r} occurs twice; ids must be unique")
            seen.add(example.id)

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Corpus: ...
    def __getitem__(self, index: int | slice) -> Example | Corpus:
        if isinstance(index, slice):
            return replace(self, examples=self.examples[index])
        return self.examples[index]

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The inputs, in order."""
        return tuple(example.input for example in self.examples)

    @cached_property
    def label_ids(self) -> NDArray[np.int64]:
        """Index into `labels` of each example's label, shape (n,)."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([index[example.label] for example in self.examples], dtype=np.int64)

    @cached_property
    def people(self) -> NDArray[np.int64]:
        """A number for each example's person, shape (n,): equal numbers, same person. Numbered in order of person."""
        names = sorted({example.person for example in self.examples})
        index = {person: i for i, person in enumerate(names)}
        return np.array([index[example.person] for example in self.examples], dtype=np.int64)

    @cached_property
    def owners(self) -> Mapping[str, int]:
        """Example id -> the number of its person in `people`."""
        return dict(zip((example.id for example in self.examples), self.people.tolist(), strict=True))

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The sensitive attributes that any example names, sorted."""
        return tuple(sorted({attribute for example in self.examples for attribute in example.groups}))

    def group_of(self, attribute: str) -> tuple[str, ...]:
        """Return each example's group of `attribute`; '(missing)' where it has none."""
        if attribute not in self.attributes:
            raise NotFound.among("group column", attribute, self.attributes, where=f"corpus {self.name!r}")
        return tuple(example.groups.get(attribute) or MISSING for example in self.examples)

    def crossed(self, attributes: Sequence[str]) -> Corpus:
        """Return the corpus with one more attribute: every combination of the groups of `attributes` is a group.

        Named 'sex x region'; its groups 'f & north', where a missing value is '(missing)'.

        Raises:
            NotFound: the corpus does not know one of them.
            BadInput: fewer than two, one twice, there is such an attribute, or two intersections have one name.
        """
        if len(attributes) < 2 or len(set(attributes)) < len(attributes):
            raise BadInput(f"to cross attributes takes two or more different ones; got {list(attributes)}")
        name = CROSS.join(attributes)
        if name in self.attributes:
            raise BadInput(f"corpus {self.name!r} has an attribute {name!r} already")
        each = list(zip(*(self.group_of(one) for one in attributes), strict=True))
        groups = [AND.join(one) for one in each]
        if len(set(groups)) < len(set(each)):
            raise BadInput(
                f"corpus {self.name!r}: groups of {list(attributes)} hold {AND!r}, so two intersections would have one "
                "name; rename those groups"
            )
        examples = tuple(
            replace(example, groups=MappingProxyType({**example.groups, name: group}))
            for example, group in zip(self.examples, groups, strict=True)
        )
        return replace(self, examples=examples, crossings=(*self.crossings, name))

    @cached_property
    def digest(self) -> str:
        """sha256 over the sorted examples: the same rows in another order have the same digest."""
        sha = hashlib.sha256()
        for line in sorted(example.content(without=self.crossings) for example in self.examples):
            sha.update(line.encode("ascii"))
            sha.update(b"\n")
        return sha.hexdigest()

    @cached_property
    def card(self) -> CorpusCard:
        """The identity card that goes into records."""
        lengths = [len(text.split()) for text in self.inputs]
        counts = np.bincount(self.label_ids, minlength=len(self.labels))
        return CorpusCard(
            name=self.name,
            digest=self.digest,
            source=self.source,
            licence=self.licence,
            split=self.split,
            n=len(self),
            people=len(set(self.people.tolist())),
            labels={label: int(count) for label, count in zip(self.labels, counts, strict=True)},
            groups={attribute: _counts(self.group_of(attribute)) for attribute in self.attributes},
            dropped=self.dropped,
            repeated=len(self) - len({normalise(text) for text in self.inputs}),
            words_median=float(np.median(lengths)) if lengths else None,
            words_max=max(lengths) if lengths else None,
        )

    def where(self, keep: Callable[[Example], bool]) -> Corpus:
        """Return the corpus of the examples that `keep` accepts, in order."""
        return replace(self, examples=tuple(example for example in self.examples if keep(example)))

    def canonical(self) -> Corpus:
        """Return the corpus sorted by id: what an audit works on, so that row order cannot change a number."""
        return replace(self, examples=tuple(sorted(self.examples, key=lambda example: example.id)))

    def sample(self, limit: int) -> Corpus:
        """Return at most `limit` examples: those whose id hashes lowest, whatever the row order. Keeps the order."""
        if limit >= len(self):
            return self
        chosen = {example.id for example in sorted(self.examples, key=lambda e: (hashed(e.id), e.id))[:limit]}
        return self.where(lambda example: example.id in chosen)

    def fraction(self, share: float, *, by: Literal["example", "person"]) -> Corpus:
        """Return the examples whose own hash (of their id, or of their person) is below `share`, in (0, 1], of all.

        About that share of the corpus. Unlike `sample`, what becomes of an example depends on no other one.
        """
        return self.where(lambda one: hashed(one.person if by == "person" else one.id) < share * 2**64)


MISSING = "(missing)"
"""The group of examples without a value: a group of its own, never dropped."""


def hashed(name: str) -> int:
    """Return a 64-bit number from sha256 of `name`: stable across runs, machines and row order."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _counts(groups: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for group in groups:
        counted[group] = counted.get(group, 0) + 1
    return dict(sorted(counted.items()))
