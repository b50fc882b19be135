"""Batches without dummies: only where every bit stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.models.engine import engine_for
from workbench.models.fewer_rows import FewerRows
from workbench.models.hugging_face import load_checkpoint
from workbench.models.shapes import Shape

FULL = Shape(10, 48)


class Kernel:
    """Two logits a text, whose sums go another way in batches of fewer than `least` rows."""

    def __init__(self, least: int) -> None:
        self.least, self.batches = least, 0
        self.weights = torch.rand(64, 2, generator=torch.Generator().manual_seed(0))

    def __call__(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> torch.Tensor:
        assert len(rows) <= shape.rows
        assert all(len(row) <= shape.length for row in rows)
        self.batches += 1
        found = []
        for row in rows:
            parts = self.weights[torch.tensor(row)]
            parts = parts if shape.rows >= self.least else parts.flip(0)
            total = torch.zeros(2)
            for part in parts:
                total = total + part
            found.append(total)
        return torch.stack(found)


def often(rows: FewerRows, needed: int, full: Shape = FULL) -> Shape:
    return [rows.shape(needed, full) for _ in range(5)][-1]


def test_fewer_rows_are_used_where_they_give_the_same_bits() -> None:
    rows = FewerRows(Kernel(least=0), 64)
    assert [often(rows, needed).rows for needed in (1, 2, 3, 7, 8, 9, 10)] == [1, 2, 3, 7, 8, 10, 10]
    assert [often(rows, needed, Shape(32, 16)).rows for needed in (9, 17, 24, 25)] == [16, 24, 24, 32]
    assert often(rows, 1).length == 48


def test_dummies_stay_where_sums_go_another_way() -> None:
    rows = FewerRows(Kernel(least=4), 64)
    assert [often(rows, needed).rows for needed in (1, 2, 3, 4, 5)] == [10, 10, 10, 4, 5]


def test_each_length_is_tried_and_each_number_of_threads() -> None:
    kernel = Kernel(least=0)
    rows = FewerRows(kernel, 64)
    often(rows, 2)
    tried = kernel.batches
    often(rows, 2)
    assert kernel.batches == tried
    often(rows, 2, Shape(6, 80))
    assert kernel.batches > tried
    before, tried = torch.get_num_threads(), kernel.batches
    torch.set_num_threads(before + 1)
    try:
        assert rows.shape(2, FULL) == FULL, "not known yet"
    finally:
        torch.set_num_threads(before)


def test_nothing_is_tried_for_what_is_rare() -> None:
    kernel = Kernel(least=0)
    rows = FewerRows(kernel, 64)
    assert [rows.shape(2, FULL) for _ in range(3)] == [FULL] * 3
    assert kernel.batches == 0
    assert rows.shape(2, FULL) == Shape(2, 48)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_asked_one_by_one_gives_the_bits_of_full_batches(tiny_checkpoint: Path, precision: str) -> None:
    loaded = load_checkpoint(tiny_checkpoint)
    words = ("good", "bad", "fine", "poor", "dress", "lovely")
    asked = [" ".join(words[(i * j + k) % 6] for j in range(1 + i % 9)) for i in range(40) for k in range(6)]
    asked = list(dict.fromkeys(asked))
    model = loaded if precision == "float32" else loaded.cast(precision)
    with engine_for(model, cache_entries=0, threads=1) as engine:
        whole = engine.predict_proba(asked)  # in full batches but for the last of each length
    with engine_for(model, cache_entries=0, threads=1) as engine:
        apart = np.concatenate([engine.predict_proba([text]) for text in asked])
        computed = engine.totals
    np.testing.assert_array_equal(apart, whole)
    widths = {shape.rows for shape in computed.shapes}
    assert len(asked) == computed.forwards
    # whatever the kernels of this machine allow, no batch is larger than its table says
    assert max(widths) <= model.table.shape(1).rows
    assert computed.padded == sum(n * shape.rows * shape.length for shape, n in computed.shapes.items())
