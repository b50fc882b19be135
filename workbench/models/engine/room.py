"""The shape tables of a model, one after the other: the next smaller one where a batch did not fit into memory.

Which one is used is part of the record, and of the key of everything that an audit keeps: other shapes, other bits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from workbench.models.engine.threads import alone, lacks_memory
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.shapes import Shape, ShapeTable, tables


def rooms(model: Any) -> Iterator[str | None]:
    """Set each shape table of `model` in turn, the fastest first, and yield its name; None, once, without shapes.

    Begins with the last, batches of one text, where a text's answer depends on its place among others in a batch.
    """
    if not isinstance(model, HuggingFaceTextClassifier):
        yield None
        return
    found = tables(torch.device(model.device).type, model.max_length)
    for table in found if is_steady(model, found[0]) else found[-1:]:
        model.table = table
        yield table.name


def is_steady(model: HuggingFaceTextClassifier, table: ShapeTable) -> bool:
    """Return whether texts get the same bits wherever they stand in a batch, whatever else is in it.

    Tried out on batches of three lengths, computed as the engine computes them. True where even that takes more memory
    than there is: that shows when it is used, and is answered there.
    """
    draw = random.Random(0)
    vocabulary = int(model.network.get_input_embeddings().num_embeddings)
    limit = model.max_length or 128
    with alone(model.device):
        for length in sorted({min(limit, n) for n in (8, 40, 88)}):
            shape = table.shape(length)
            rows = [tuple(draw.randrange(vocabulary) for _ in range(length - i % 4)) for i in range(shape.rows)]
            try:
                if not _same(model, rows, shape, draw):
                    return False
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
    return True


def _same(model: HuggingFaceTextClassifier, rows: list[tuple[int, ...]], shape: Shape, draw: random.Random) -> bool:
    together = dict(zip(rows, model.probabilities(rows, shape), strict=True))
    for _ in range(2):
        draw.shuffle(rows)
        few = rows[: max(1, len(rows) // 2)]
        apart = model.probabilities(few, shape)
        if not np.array_equal(np.stack([together[one] for one in few]), apart):
            return False
    return True
