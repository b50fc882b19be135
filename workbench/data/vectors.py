"""Named word vectors: words and their places in a space where words that are used alike are near."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.data.manifest import carrier_file, manifests
from workbench.errors import NotFound


class Vectors(NamedTuple):
    """Words, the most frequent first, and their vectors."""

    words: tuple[str, ...]
    matrix: NDArray[np.float32]
    """(n, width)"""


def vector_files(name: str) -> tuple[Path, Path]:
    """Return where the numbers and the words of the set `name` lie, both checked.

    Raises `NotFound`, `MissingResource`, `Untrusted`.
    """
    known = {key: value for key, value in manifests().items() if value.kind == "vectors"}
    if name not in known:
        raise NotFound.among("set of word vectors", name, known)
    numbers, index = (carrier_file(known[name], file) for file in known[name].files)
    return numbers, index


def word_vectors(name: str, *, most: int) -> Vectors:
    """Return the vectors of the `most` most frequent words of the set `name`. Raises as `vector_files`."""
    import pyarrow.parquet as parquet

    numbers, index = vector_files(name)
    words = parquet.read_table(index, columns=["index"])["index"].slice(0, most).to_pylist()
    matrix = np.load(numbers, mmap_mode="r", allow_pickle=False)[:most]
    return Vectors(tuple(words), np.array(matrix, dtype=np.float32))
