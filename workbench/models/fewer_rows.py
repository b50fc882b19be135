"""Batches that are not full: computed without dummies where that was found to change no bit.

A text's numbers must not depend on its company, so a batch has a fixed number of rows (see `shapes`), and a few texts
share it with dummies. Whether the processor's kernels really add in another order for fewer rows is found out by
trying: texts that were asked about go through the network in full batches and in smaller ones, and only where every bit
of every logit is the same are smaller ones used. Where kernels differ, dummies stay.

This is conclusive in float32, where nearly every other order of sums shows in a logit's last bits. In bfloat16 almost
none does, so there dummies stay, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch

from workbench.models.shapes import Shape

_FEW = 8
"""Up to so many rows each number is tried, beyond that its multiples."""
_TEXTS = 8
"""Texts that are tried, and so the least that are filled up with dummies before: trying costs about as much."""

Row = tuple[int, ...]
Logits = Callable[[Sequence[Row], Shape], torch.Tensor]
"""Token ids and shape -> logits of these rows alone, computed in exactly that shape."""


class FewerRows:
    """Tells in which shape so few texts are computed. Threads may share it."""

    def __init__(self, logits: Logits) -> None:
        self._logits = logits
        self._seen: dict[tuple[int, Shape, int], dict[Row, None]] = {}
        self._same: dict[tuple[int, Shape, int], bool] = {}
        self._lock = threading.Lock()

    def shape(self, texts: Sequence[Row], full: Shape) -> Shape:
        """Return the smallest shape for `texts` that is known to give the bits of `full`; else `full`."""
        rows = len(texts) if len(texts) <= _FEW else -(-len(texts) // _FEW) * _FEW
        if rows >= full.rows:
            return full
        key = (torch.get_num_threads(), full, rows)  # threads share a product's work by its size
        with self._lock:
            if key in self._same:
                return Shape(rows, full.length) if self._same[key] else full
            seen = self._seen.setdefault(key, {})
            seen.update(dict.fromkeys(texts))
            if len(seen) < _TEXTS:
                return full
            self._same[key] = False  # whoever asks meanwhile has dummies
            tried = list(self._seen.pop(key))
        same = self._tried(tried, full, Shape(rows, full.length))
        with self._lock:
            self._same[key] = same
        return Shape(rows, full.length) if same else full

    def _tried(self, texts: Sequence[Row], full: Shape, few: Shape) -> bool:
        return torch.equal(self._all(texts, full), self._all(texts, few))

    def _all(self, texts: Sequence[Row], shape: Shape) -> torch.Tensor:
        """Return the logits of `texts`, computed in batches of `shape`."""
        starts = range(0, len(texts), shape.rows)
        return torch.cat([self._logits(texts[start : start + shape.rows], shape) for start in starts])
