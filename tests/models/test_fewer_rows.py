"""Batches without dummies: only where every bit stays as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
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


@pytest.fixture
def some() -> Callable[[int], list[tuple[int, ...]]]:
    """Return so many texts of up to 48 tokens, never the same twice."""
    drawn: Iterator[int] = count()

    def make(n: int) -> list[tuple[int, ...]]:
        draw = np.random.default_rng(next(drawn))
        return [tuple(draw.integers(0, 64, 45 + i % 4).tolist()) for i in range(n)]

    return make


def often(rows: FewerRows, some: Callable[[int], list[tuple[int, ...]]], needed: int, full: Shape = FULL) -> Shape:
    return [rows.shape(some(needed), full) for _ in range(9)][-1]


def test_fewer_rows_are_used_where_they_give_the_same_bits(some) -> None:
    rows = FewerRows(Kernel(least=0))
    assert [often(rows, some, n).rows for n in (1, 2, 3, 7, 8, 9, 10)] == [1, 2, 3, 7, 8, 10, 10]
    assert [often(rows, some, n, Shape(32, 48)).rows for n in (9, 17, 24, 25)] == [16, 24, 24, 32]
    assert often(rows, some, 1).length == 48


def test_dummies_stay_where_sums_go_another_way(some) -> None:
    rows = FewerRows(Kernel(least=4))
    assert [often(rows, some, n).rows for n in (1, 2, 3, 4, 5)] == [10, 10, 10, 4, 5]


def test_nothing_is_tried_for_what_is_rare(some) -> None:
    kernel = Kernel(least=0)
    rows = FewerRows(kernel)
    assert [rows.shape(some(2), FULL) for _ in range(3)] == [FULL] * 3
    again = some(2)
    assert rows.shape(again, FULL) == Shape(2, 48), "eight texts"
    assert kernel.batches == 1 + 4


def test_the_same_text_again_is_no_new_evidence(some) -> None:
    kernel = Kernel(least=0)
    rows, again = FewerRows(kernel), some(1)
    assert {rows.shape(again, FULL) for _ in range(20)} == {FULL}
    assert kernel.batches == 0


def test_each_length_is_tried_and_each_number_of_threads(some) -> None:
    kernel = Kernel(least=0)
    rows = FewerRows(kernel)
    often(rows, some, 2)
    tried = kernel.batches
    often(rows, some, 2)
    assert kernel.batches == tried
    often(rows, some, 2, Shape(6, 80))
    assert kernel.batches > tried
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert rows.shape(some(2), FULL) == FULL, "not known yet"
    finally:
        torch.set_num_threads(before)


def test_nobody_waits_for_a_trial(some) -> None:
    """While one thread tries, another goes on with dummies."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Kernel):
        def __call__(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> torch.Tensor:
            begun.set()
            assert go_on.wait(10)
            return super().__call__(rows, shape)

    rows = FewerRows(Slow(least=0))
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(rows.shape, some(8), Shape(16, 48))
        assert begun.wait(10)
        assert rows.shape(some(8), Shape(16, 48)) == Shape(16, 48)
        go_on.set()
        assert trial.result(10) == Shape(8, 48)
    assert rows.shape(some(8), Shape(16, 48)) == Shape(8, 48)


@pytest.mark.parametrize("architecture", ["bert", "bart"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_asked_one_by_one_gives_the_bits_of_full_batches(
    build_checkpoint: Callable[..., Path], tmp_path: Path, precision: str, architecture: str
) -> None:
    loaded = load_checkpoint(build_checkpoint(tmp_path / "model", architecture=architecture))
    words = ("good", "bad", "fine", "poor", "dress", "lovely")
    asked = [" ".join(words[(i * j + k) % 6] for j in range(1 + i % 9)) for i in range(18) for k in range(6)]
    asked = list(dict.fromkeys(asked))
    model = loaded if precision == "float32" else loaded.cast(precision)
    with engine_for(model, cache_entries=0, threads=1) as engine:
        whole = engine.predict_proba(asked)  # in full batches but for the last of each length
    with engine_for(model, cache_entries=0, threads=1) as engine:
        apart = np.concatenate([engine.predict_proba([text]) for text in asked])
        computed = engine.totals
    np.testing.assert_array_equal(apart, whole)
    assert len(asked) == computed.forwards
    rows = {shape.rows for shape in computed.shapes}
    assert max(rows) <= model.table.shape(1).rows
    if precision == "bfloat16":
        assert rows == {model.table.shape(shape.length).rows for shape in computed.shapes}, "dummies stay"
