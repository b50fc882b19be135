"""Which texts share a batch: shuffled anew in each epoch, texts of similar length together, nothing left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.seeds import Streams

_POOL = 20
"""Batches per pool: within a pool texts are sorted by length, across pools they are not, so order stays random."""


def epoch_batches(lengths: Sequence[int], batch_size: int, streams: Streams, *, epoch: int) -> list[list[int]]:
    """Return the batches of one epoch: lists of indices into `lengths`, each index exactly once.

    A function of its arguments alone, so a resumed run sees the same batches. The order of batches is random: sorted
    lengths would make the first steps see short texts only.
    """
    rng = streams.stream("train", "order", str(epoch))
    order = rng.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), batch_size * _POOL):
        pool = sorted(order[start : start + batch_size * _POOL].tolist(), key=lambda i: (lengths[i], i))
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def steps_per_epoch(n: int, batch_size: int, accumulation: int) -> int:
    """Return how many optimiser steps one epoch over `n` texts has."""
    return math.ceil(math.ceil(n / batch_size) / accumulation)
