"""Batches that are not full: computed without dummies where that was found to change no bit.

A text's numbers must not depend on its company, so a batch has a fixed number of rows (see `shapes`), and a few texts
share it with dummies. Whether the processor's kernels really add in another order for fewer rows is found out by
trying: random texts go through the network in full batches and in smaller ones, and only where every bit of every logit
is the same are smaller ones used. Where kernels differ, dummies stay.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import torch

from workbench.models.shapes import Shape

_PATIENCE = 3
"""Batches of a kind that are filled with dummies before it is tried out: trying costs about as much as these do."""
_FEW = 8
"""Up to so many rows each number is tried, beyond that its multiples."""
_ROWS = 8
"""Texts that are compared, at least. Sums in another order leave a logit's bits alone in one case of a few."""

Logits = Callable[[Sequence[tuple[int, ...]], Shape], torch.Tensor]
"""Token ids and shape -> logits of these rows alone, computed in exactly that shape."""


class FewerRows:
    """Tells in which shape so few texts are computed. Threads may share it."""

    def __init__(self, logits: Logits, vocabulary: int) -> None:
        self._logits, self._vocabulary = logits, vocabulary
        self._seen: Counter[tuple[int, Shape, int]] = Counter()
        self._same: dict[tuple[int, Shape, int], bool] = {}
        self._lock = threading.Lock()

    def shape(self, needed: int, full: Shape) -> Shape:
        """Return the smallest shape for `needed` texts that is known to give the bits of `full`; else `full`."""
        rows = needed if needed <= _FEW else -(-needed // _FEW) * _FEW
        if rows >= full.rows:
            return full
        key = (torch.get_num_threads(), full, rows)  # threads share a product's work by its size
        with self._lock:
            if key not in self._same:
                self._seen[key] += 1
                if self._seen[key] <= _PATIENCE:
                    return full
                self._same[key] = self._tried(full, rows)
            return Shape(rows, full.length) if self._same[key] else full

    def _tried(self, full: Shape, rows: int) -> bool:
        draw = random.Random(f"{full.rows} {full.length} {rows}")
        for _ in range(-(-_ROWS // full.rows)):
            texts = [
                tuple(draw.randrange(self._vocabulary) for _ in range(max(1, full.length - i % 4)))
                for i in range(full.rows)
            ]
            expected = self._logits(texts, full)
            few = Shape(rows, full.length)
            for start in range(0, full.rows, rows):
                some = texts[start : start + rows]
                if not torch.equal(self._logits(some, few), expected[start : start + rows]):
                    return False
        return True
