"""What can be said of a text and its row without understanding it: the traits by which slices are cut."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.text.words import words

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CONFIDENCE = "confidence"
"""The probability of the decided label: a trait of the answer, not of the text."""


@dataclass(frozen=True)
class Traits:
    """Numbers and groups of n rows."""

    numbers: Mapping[str, Floats]
    """Trait -> (n,)"""
    groups: Mapping[str, NDArray[np.object_]]
    """Attribute -> (n,) of text"""

    def among(self, rows: Bools) -> Traits:
        """Return the traits of the rows that are marked."""
        return Traits(
            {name: values[rows] for name, values in self.numbers.items()},
            {name: values[rows] for name, values in self.groups.items()},
        )


def text_traits(texts: Sequence[str]) -> dict[str, Floats]:
    """Return the traits of each text: counts of words and characters; capitals among the letters, digits and
    punctuation among the characters, in [0, 1] (0 where there are no letters, or no characters).
    """
    rows = [_one(text) for text in texts]
    names = ("words", "characters", "share of capitals", "share of digits", "share of punctuation")
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return {name: columns[:, i] for i, name in enumerate(names)}


def as_groups(membership: Sequence[str]) -> NDArray[np.object_]:
    """Return groups as an array; of objects, because an array of text is as wide as the longest."""
    held = np.empty(len(membership), dtype=np.object_)
    held[:] = membership
    return held


def _one(text: str) -> tuple[float, ...]:
    kinds = Counter(unicodedata.category(character) for character in text)
    letters = sum(count for kind, count in kinds.items() if kind[0] == "L")
    marks = sum(count for kind, count in kinds.items() if kind[0] == "P")
    size = max(1, len(text))
    return (len(words(text)), len(text), kinds["Lu"] / max(1, letters), kinds["Nd"] / size, marks / size)
