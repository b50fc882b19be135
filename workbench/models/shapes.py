"""The shapes in which texts go through a network: a text's own length decides its shape, and nothing else does.

The same text in another batch gives other bits, because matrix products of other sizes add in another order (float32:
7e-7, bfloat16: 1.6e-2 were seen on logits). A search that compares such numbers would then find something else
whenever its texts meet other company. So every length belongs to one bucket, every bucket has one number of rows, and
what is missing is filled up with dummies, but for where fewer rows were seen to change no bit (`fewer_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_WIDTHS = ((128, 8), (256, 16), (1024, 32), (4096, 128))
"""(up to this length, buckets are so wide). On reviews of 81 tokens the padding costs 4%."""
_WIDEST = 512


class Shape(NamedTuple):
    """A batch's size: rows of `length` tokens."""

    rows: int
    length: int


@dataclass(frozen=True)
class ShapeTable:
    """Which shape a text of a given length has."""

    tokens: int
    """Tokens in one batch, at most, padding and dummies included; a longer text has a batch of its own."""
    longest: int | None = None
    """Tokens that the model reads of one text."""

    @property
    def name(self) -> str:
        """What the record calls it: the bits of every number depend on it."""
        return f"{self.tokens} tokens, buckets of 8 and wider"

    def shape(self, length: int) -> Shape:
        """Return the shape for texts of `length` tokens (at least 1)."""
        padded = bucket(max(length, 1))
        if self.longest is not None:
            padded = max(min(padded, self.longest), length)
        return Shape(max(1, self.tokens // padded), padded)


def bucket(length: int) -> int:
    """Return the padded length of a text of `length` tokens."""
    width = next((width for limit, width in _WIDTHS if length <= limit), _WIDEST)
    return -(-length // width) * width


TOKENS = {"cpu": (512, 256, 128), "cuda": (8192, 4096, 2048, 1024, 512)}
"""Device type -> tokens per batch, the fastest first; after running out of memory the next smaller one is tried.

One core of an AVX-512 machine computes MiniLM at 90% of its matrix product's speed in float32 from 512 tokens on, and
at 77% from 176; larger batches gain nothing (and lose in float32: they fall out of the cache) and are harder to fill.
The sizes for CUDA are estimates: they have not been measured."""


def tables(device: str, longest: int | None) -> tuple[ShapeTable, ...]:
    """Return the tables for torch's device type `device`, the fastest first; the last has batches of one row."""
    sizes = TOKENS.get(device, TOKENS["cpu"])
    return tuple(ShapeTable(tokens, longest) for tokens in (*sizes, 1))


def grouped(lengths: Sequence[int], table: ShapeTable) -> list[tuple[Shape, list[int]]]:
    """Return batches of indices into `lengths`, each with its shape: short texts first, no batch overfull."""
    batches: list[tuple[Shape, list[int]]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        shape = table.shape(lengths[i])
        if not batches or batches[-1][0] != shape or len(batches[-1][1]) == shape.rows:
            batches.append((shape, []))
        batches[-1][1].append(i)
    return batches
