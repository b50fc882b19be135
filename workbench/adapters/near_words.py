"""Words that are used alike, by GloVe, and what WordNet calls their opposites."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.data.vectors import word_vectors

VECTORS = "glove-6b-50d"
NEAR = 0.7
"""Cosine of two vectors from which on words are near."""
NEARER = 0.8
"""The same for attacks whose papers ask for as much."""
_COMMON = 60_000
"""Words that may stand in for another: the most frequent ones. Rare ones are misspellings mostly."""


class Space(NamedTuple):
    """Words and their vectors of length one."""

    words: tuple[str, ...]
    places: dict[str, int]
    matrix: NDArray[np.float32]
    """(n, width)"""


@lru_cache(maxsize=1)
def space() -> Space:
    """Return the common words, loaded once. Raises `MissingResource`, `Untrusted`."""
    words, matrix = word_vectors(VECTORS, most=_COMMON)
    places = {word: i for i, word in enumerate(words)}
    return Space(words, places, matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12))


def near_enough(one: str, other: str, cosine: float = NEAR) -> bool:
    """Return whether the vectors of both words, in lower case, have at least this `cosine`."""
    _, places, matrix = space()
    i, j = places.get(one.lower()), places.get(other.lower())
    return i is not None and j is not None and float(matrix[i] @ matrix[j]) >= cosine - 1e-6


@lru_cache(maxsize=100_000)
def neighbours(index: int, most: int) -> tuple[int, ...]:
    """Return the places of the `most` words nearest to that at `index`, the nearest first."""
    matrix = space().matrix
    alike = matrix @ matrix[index]
    alike[index] = -np.inf
    found = np.argpartition(-alike, most)[:most]
    return tuple(sorted(found.tolist(), key=lambda i: (-alike[i], i)))


@lru_cache(maxsize=100_000)
def opposites(word: str) -> frozenset[str]:
    """Return what WordNet calls the opposite of `word`, in any of its senses and base forms, in lower case."""
    from nltk.corpus import wordnet

    return frozenset(
        other.name().lower()
        for sense in wordnet.synsets(word.lower())
        for lemma in sense.lemmas()
        for other in lemma.antonyms()
    )
