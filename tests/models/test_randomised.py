"""What is random is drawn anew, from the head down; the rest stays bit for bit; a draw depends on its seed only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.randomised import groups_of

TEXTS = ["good dress", "the dress is very bad and too small"]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> HuggingFaceTextClassifier:
    return load_checkpoint(tiny_checkpoint)


def changed(one: HuggingFaceTextClassifier, other: HuggingFaceTextClassifier) -> set[str]:
    theirs = dict(other.network.named_parameters())
    return {name for name, value in one.network.named_parameters() if not torch.equal(value, theirs[name])}


def test_parts_run_from_the_head_to_the_embeddings(model: HuggingFaceTextClassifier) -> None:
    assert model.groups[0] == "head"
    assert model.groups[-1] == "embeddings"
    assert [name for name in model.groups if name.startswith("layer")] == sorted(model.groups[1:-1], reverse=True)


def test_the_cascade_goes_down_part_by_part(model: HuggingFaceTextClassifier) -> None:
    plain = model.randomised(0, 1)
    np.testing.assert_allclose(plain.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)
    before: set[str] = set()
    for count in range(1, len(model.groups) + 1):
        now = changed(model.randomised(count, 1), plain)
        assert before < now
        before = now
    head = changed(model.randomised(1, 1), plain)
    assert head
    assert not any("embeddings" in name or "layer." in name for name in head)
    # Biases and norms of an untrained network are what this tiny one still has: 0 and 1.
    assert {name for name in before if name.endswith("weight") and "LayerNorm" not in name} == {
        name for name, _ in plain.network.named_parameters() if name.endswith("weight") and "LayerNorm" not in name
    }


def test_a_draw_depends_on_its_seed_only(model: HuggingFaceTextClassifier) -> None:
    torch.manual_seed(0)
    one = model.randomised(99, 5)
    torch.manual_seed(1)
    assert not changed(one, model.randomised(99, 5))
    assert changed(one, model.randomised(99, 6))
    weight = one.network.get_input_embeddings().weight
    assert float(weight.std()) == pytest.approx(one.network.config.initializer_range, rel=0.2)


def test_the_trained_model_stays_as_it_was(model: HuggingFaceTextClassifier) -> None:
    before = model.predict_proba(TEXTS)
    model.randomised(99, 5)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), before)


def test_a_network_without_layers_is_one_part() -> None:
    assert groups_of(torch.nn.Linear(2, 2)) == ("all",)
