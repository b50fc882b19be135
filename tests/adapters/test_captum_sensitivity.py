"""Sensitivity against its definition, computed by hand from the same draws."""

import numpy as np
import pytest
import torch

from workbench.adapters.captum_sensitivity import sensitivity_max

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]])
TEXT = torch.tensor([[[0.2, 0.4], [-1.0, 0.5], [0.3, 0.3]]], dtype=torch.float64)
NONE = torch.zeros((1, 3), dtype=torch.bool)


def input_x_gradient(points):
    return (points[0].numpy() * WEIGHTS).sum(axis=1)


def gradient(points):
    return np.linalg.norm(WEIGHTS, axis=1)


def test_equals_the_definition():
    share, samples = 0.1, 7
    found = sensitivity_max(input_x_gradient, TEXT, NONE, share=share, samples=samples, rng=np.random.default_rng(4))
    text = TEXT[0].numpy()
    radius = share * np.sqrt((text**2).mean())
    moves = np.random.default_rng(4).uniform(-radius, radius, size=(samples, 3, 2))
    scores = (text * WEIGHTS).sum(axis=1)
    changes = [np.linalg.norm(((text + move) * WEIGHTS).sum(axis=1) - scores) for move in moves]
    assert found == pytest.approx(max(changes) / np.linalg.norm(scores), rel=1e-12)
    assert found > 0.01


def test_a_method_that_ignores_where_the_text_is_does_not_move():
    assert sensitivity_max(gradient, TEXT, NONE, share=0.5, samples=3, rng=np.random.default_rng(0)) == 0


def test_what_is_fixed_stays():
    seen = []

    def watch(points):
        seen.append(points[0].numpy().copy())
        return input_x_gradient(points)

    fixed = torch.tensor([[True, False, True]])
    sensitivity_max(watch, TEXT, fixed, share=0.5, samples=5, rng=np.random.default_rng(0))
    text = TEXT[0].numpy()
    radius = 0.5 * np.sqrt((text[1] ** 2).mean())
    for points in seen[1:]:
        np.testing.assert_array_equal(points[[0, 2]], text[[0, 2]])
        assert 0 < np.abs(points[1] - text[1]).max() <= radius
    assert len(seen) == 6
