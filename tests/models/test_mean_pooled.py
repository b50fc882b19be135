"""The classifier of the mean token."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from workbench.data.corpus import Corpus
from workbench.models.hugging_face import load_checkpoint
from workbench.models.protocols import Differentiable
from workbench.train.backbone import prepare
from workbench.train.loop import train
from workbench.train.recipe import Recipe

TEXTS = ["a good dress", "bad", "the dress is not good and it is very bad"]


@pytest.fixture(scope="module")
def trained(tiny_checkpoint, tmp_path_factory, request):
    toy = request.getfixturevalue("toy_mean")
    recipe = Recipe(
        backbone=str(tiny_checkpoint), data="toy", pooling="mean", epochs=6, batch_size=16, learning_rate=5e-3,
        max_length=32, precision="float32",
    )  # fmt: skip
    return train(recipe, toy, tmp_path_factory.mktemp("runs") / "mean")


@pytest.fixture(scope="module")
def toy_mean():
    from workbench.data.corpus import Example

    words = ("dress", "it", "is", "very", "the")
    examples = tuple(
        Example(f"e{i}", f"e{i}", f"{words[i % 5]} {('bad', 'good')[i % 2]} {words[(i // 5) % 5]} {i}", "np"[i % 2])
        for i in range(200)
    )
    return Corpus(examples, ("n", "p"), "toy", "made")


def test_it_learns_and_loads_as_it_was_saved(trained):
    model = load_checkpoint(trained.classifier.folder)
    assert model.card.architecture == "MeanPooledForSequenceClassification"
    assert model.card.base == "tiny"
    assert isinstance(model, Differentiable)
    rows = model.predict_proba(TEXTS)
    assert rows[0, 1] > 0.7
    assert rows[1, 0] > 0.7
    np.testing.assert_array_equal(rows, trained.classifier.predict_proba(TEXTS))


def test_logits_are_those_of_the_mean_token_computed_by_hand(quick_mean):
    network, encoder = quick_mean
    ids = encoder.ids(TEXTS)
    with torch.no_grad():
        together = network(**encoder.inputs(ids, torch.device("cpu"))).logits
        for i, row in enumerate(ids):
            hidden = network.body(input_ids=torch.tensor([row])).last_hidden_state[0]
            by_hand = network.classifier.weight @ hidden.mean(dim=0) + network.classifier.bias
            torch.testing.assert_close(together[i], by_hand, rtol=1e-4, atol=1e-5)


@pytest.fixture
def quick_mean(tiny_checkpoint):
    recipe = Recipe(backbone=str(tiny_checkpoint), data="toy", pooling="mean", max_length=32)
    trainee = prepare(recipe, ("n", "p"))
    return trainee.network.eval(), trainee.encoder


def test_every_parameter_is_used(quick_mean):
    network, encoder = quick_mean
    network(**encoder.inputs(encoder.ids(TEXTS), torch.device("cpu"))).logits.sum().backward()
    assert [name for name, one in network.named_parameters() if one.grad is None] == []


def test_transformers_loads_it_once_workbench_is_imported(trained):
    folder = trained.classifier.folder
    script = (
        "import workbench.models.mean_pooled as m; m.register()\n"
        "from transformers import AutoModelForSequenceClassification\n"
        f"print(type(AutoModelForSequenceClassification.from_pretrained({str(folder)!r})).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "MeanPooledForSequenceClassification"
