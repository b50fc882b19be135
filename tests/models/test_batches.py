from __future__ import annotations

import numpy as np

from workbench.models.batches import token_batches

LENGTHS = np.random.default_rng(0).integers(3, 200, size=1_003).tolist()


def test_batches_keep_to_the_budget() -> None:
    rows = [[i] * length for i, length in enumerate(LENGTHS)]
    for device, budget in {"cpu": 2_048, "xpu": 2_048, "cuda": 65_536}.items():
        batches = token_batches(rows, device)
        assert sorted(i for batch in batches for i in batch) == list(range(1_003))
        assert all(len(batch) * max(len(rows[i]) for i in batch) <= budget for batch in batches)
    assert token_batches([[0] * 5_000], "cpu") == [[0]]
    assert token_batches([], "cpu") == []


def test_row_order_does_not_change_who_shares_a_batch() -> None:
    rows = [[i] * length for i, length in enumerate(LENGTHS)]
    expected = [[rows[i] for i in batch] for batch in token_batches(rows, "cpu")]
    rows.reverse()
    assert [[rows[i] for i in batch] for batch in token_batches(rows, "cpu")] == expected
