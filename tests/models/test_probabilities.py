"""Rows that sum to 1, whatever they were computed in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.models.probabilities import normalised


def test_rows_sum_to_one_in_float64_and_keep_their_proportions():
    rows = np.array([[0.1, 0.3], [0.7, 0.3], [0.2, 0.2]], dtype=np.float32) * np.float32(1.00001)
    found = normalised(rows)
    assert found.dtype == np.float64
    assert found.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-15)
    assert found[:, 0] / found[:, 1] == pytest.approx(rows[:, 0].astype(float) / rows[:, 1], rel=1e-12)
    assert normalised(rows.tolist()) == pytest.approx(found, abs=1e-7)
    assert normalised(np.zeros((0, 2))).shape == (0, 2)


def test_textattack_searches_on_other_scores_where_sums_are_off(textattack):
    """The reason for it: a sum off by 2e-6 turns 0.9 into 0.69."""
    goal = textattack.goal_functions.UntargetedClassification.__new__(
        textattack.goal_functions.UntargetedClassification
    )
    rows = np.array([[0.1, 0.900002]])
    seen = [goal._process_model_outputs(["a text"], scores) for scores in (rows, normalised(rows))]
    torch.testing.assert_close(seen[0], torch.softmax(torch.tensor(rows), dim=1))
    assert float(seen[0][0, 1]) == pytest.approx(0.69, abs=0.001)
    assert float(seen[1][0, 1]) == pytest.approx(0.9, abs=1e-5)
