"""From examples and their rewritings to what goes through the network."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.data.corpus import Corpus
from workbench.models.tokens import TextEncoder
from workbench.train.step import Batch
from workbench.train.variants import Variants


class Rows:
    """The rows of one epoch: each example's text and its rewritings, or these alone."""

    def __init__(
        self,
        encoder: TextEncoder,
        train: Corpus,
        ids: Sequence[Sequence[int]],
        variants: Variants,
        *,
        weights: Sequence[float] | None = None,
    ) -> None:
        """`ids`: the token ids of each text of `train`; `weights`: how much each example counts, None: all alike."""
        self._weights = (1.0,) * len(train) if weights is None else weights
        self._labels, self._ids, self._instead = train.label_ids.tolist(), ids, variants.instead
        self._more = {i: encoder.ids(texts) for i, texts in variants.texts.items()}

    def batch(self, examples: Sequence[int]) -> Batch:
        """Return the rows of `examples`, those of each with equal shares."""
        rows: list[tuple[Sequence[int], int, float, float]] = []
        for i in examples:
            copies = [*([] if self._instead else [self._ids[i]]), *self._more.get(i, ())]
            rows += [(row, self._labels[i], 1 / len(copies), self._weights[i]) for row in copies]
        return Batch(*zip(*rows, strict=True))
