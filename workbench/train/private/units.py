"""Privacy units: whose records may not be told from the model, and which of them take part in a step.

A unit is an example, or a person with all of that person's examples. Every unit takes part in a step by a coin of its
own (Poisson sampling), so the number that does is random, and sometimes none does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from workbench.data.corpus import Corpus
from workbench.train.private.entropy import coins

UnitKind = Literal["example", "person"]


@dataclass(frozen=True)
class Units:
    """The units of a training split."""

    kind: UnitKind
    members: tuple[tuple[int, ...], ...]
    """Unit -> indices of its examples."""
    left_out: int
    """Examples beyond the cap, which training never sees."""

    def __len__(self) -> int:
        return len(self.members)

    def sample(self, rate: float) -> list[int]:
        """Return the units that take part in one step: each with probability `rate`, independently; maybe none."""
        return np.flatnonzero(coins(len(self), rate)).tolist()


class Shape(NamedTuple):
    """How much of the network's work one unit is."""

    rows: int
    """Its texts: of all its examples, with their rewritings."""
    tokens: int
    """Of the longest of them."""


def groups_of(shapes: Mapping[int, Shape], *, tokens: int) -> list[list[int]]:
    """Return the units of `shapes` in groups that fit into memory: equally many rows a unit, at most `tokens` at once.

    Clipped gradients are added up, so how the units of a step are divided changes nothing but the rounding.

    Args:
        shapes: of the units that take part.
        tokens: what a group may hold, filled up to its longest text; a single unit may exceed it.
    """
    groups: list[list[int]] = []
    for unit, (rows, longest) in sorted(shapes.items(), key=lambda item: item[1]):
        last = groups[-1] if groups else []
        # Sorted: this unit's texts are the longest of its group.
        if last and shapes[last[0]].rows == rows and rows * (len(last) + 1) * longest <= tokens:
            last.append(unit)
        else:
            groups.append([unit])
    return groups


def units_of(train: Corpus, kind: UnitKind, *, most: int) -> Units:
    """Return the units of `train`; of a person with more than `most` examples, `most` that their ids' hashes choose.

    What is left out of one person's records depends on that person's records alone.
    """
    if kind == "example":
        return Units("example", tuple((i,) for i in range(len(train))), 0)
    people: dict[str, list[int]] = {}
    for i, example in enumerate(train):
        people.setdefault(example.person, []).append(i)
    kept = [
        tuple(sorted(sorted(mine, key=lambda i: hashlib.sha256(train.examples[i].id.encode()).digest())[:most]))
        for _, mine in sorted(people.items())
    ]
    return Units("person", tuple(kept), len(train) - sum(map(len, kept)))
