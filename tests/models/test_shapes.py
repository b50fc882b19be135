from __future__ import annotations

import pytest

from workbench.models.shapes import Shape, ShapeTable, bucket, grouped, tables

BUCKETS = {1: 8, 8: 8, 9: 16, 128: 128, 129: 144, 257: 288, 1025: 1152, 5000: 5120}


@pytest.mark.parametrize(("length", "padded"), BUCKETS.items())
def test_buckets(length: int, padded: int) -> None:
    assert bucket(length) == padded


def test_a_shape_depends_on_the_texts_own_length_only() -> None:
    table = ShapeTable(512, 100)
    assert table.shape(81) == Shape(5, 88)
    assert table.shape(0) == Shape(64, 8), "no tokens at all still need a place"
    assert table.shape(97) == Shape(5, 100), "never longer than the model reads"
    assert table.shape(100) == Shape(5, 100)
    assert ShapeTable(512).shape(3000) == Shape(1, 3072)


def test_padding_is_bounded() -> None:
    for length in range(1, 4097):
        assert length <= bucket(length) < length + max(8, length // 7 + 1)


def test_smaller_tables_end_with_single_texts() -> None:
    for device in ("cpu", "cuda", "never heard of"):
        found = tables(device, 64)
        sizes = [table.tokens for table in found]
        assert sizes == sorted(sizes, reverse=True)
        assert found[-1].shape(40).rows == 1
        assert len({table.name for table in found}) == len(found)


def test_grouping_loses_nothing_and_fills_no_batch_over() -> None:
    table, lengths = ShapeTable(64, 40), [3, 40, 9, 3, 8, 17, 17, 2, 40, 40]
    batches = grouped(lengths, table)
    assert sorted(i for _, indices in batches for i in indices) == list(range(10))
    for shape, indices in batches:
        assert 0 < len(indices) <= shape.rows
        assert {table.shape(lengths[i]) for i in indices} == {shape}
