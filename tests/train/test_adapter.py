"""Which parameters training may change, and what is left of an adapter at the end."""

import pytest
import torch
from pydantic import TypeAdapter

from workbench.errors import Misconfigured
from workbench.train.adapter import Adapter, adapt, encoder_layers, plain
from workbench.train.backbone import prepare
from workbench.train.recipe import Recipe

IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 10, 3]])


@pytest.fixture
def network(quick: Recipe):
    return prepare(quick, ("negative", "positive")).network.eval()


def made(**how):
    return TypeAdapter(Adapter).validate_python(how)


def trainable(network):
    return {name for name, one in network.named_parameters() if one.requires_grad}


def test_low_rank_updates_start_at_nothing_and_end_in_the_weights(network):
    names, before = set(network.state_dict()), network(input_ids=IDS).logits
    adapt(network, made(kind="lora", rank=2))
    assert torch.equal(network(input_ids=IDS).logits, before)
    updates = {name for name in trainable(network) if "lora" in name}
    assert len(updates) == 4 * len(encoder_layers(network.bert)), "two matrices for query and for value of each layer"
    assert {name.split(".")[0] for name in trainable(network) - updates} == {"bert", "classifier"}
    assert all("pooler" in name or "classifier" in name for name in trainable(network) - updates)
    torch.manual_seed(0)
    for name, one in network.named_parameters():
        if name in updates:
            torch.nn.init.normal_(one)
    moved = network(input_ids=IDS).logits
    assert not torch.allclose(moved, before, atol=1e-3)
    plain(network)
    torch.testing.assert_close(network(input_ids=IDS).logits, moved, rtol=1e-5, atol=1e-5)
    assert set(network.state_dict()) == names
    assert not hasattr(network, "peft_config")


@pytest.mark.parametrize("layers", [0, 1])
def test_the_last_layers_and_what_comes_after(network, layers):
    adapt(network, made(kind="last_layers", layers=layers))
    last = len(encoder_layers(network.bert)) - 1
    parts = {"classifier", "pooler"} | ({f"encoder.layer.{last}."} if layers else set())
    found = trainable(network)
    assert all(any(part in name for part in parts) for name in found)
    assert all(any(part in name for name in found) for part in parts)


def test_frozen_embeddings(network):
    everything = trainable(network)
    adapt(network, made(kind="frozen_embeddings"))
    left = everything - trainable(network)
    assert left
    assert all(name.endswith("embeddings.weight") for name in left)


def test_no_adapter_leaves_all_trainable(network):
    everything = trainable(network)
    adapt(network, None)
    plain(network)
    assert trainable(network) == everything


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kind": "lora", "targets": ["qvery"]}, "qvery"),
        ({"kind": "last_layers", "layers": 99}, "the encoder has"),
    ],
)
def test_what_cannot_be_is_refused(network, how, message):
    with pytest.raises(Misconfigured, match=message):
        adapt(network, made(**how))
