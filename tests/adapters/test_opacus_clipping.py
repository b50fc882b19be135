"""Opacus's clipped sums beside ours, on the same rows."""

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from workbench.adapters.opacus_clipping import OpacusGhost, OpacusHooks
from workbench.errors import Misconfigured, Unsupported
from workbench.train.private.clipping import Bookkeeper, factors


@pytest.fixture(scope="module")
def network():
    """Opacus's hooks note nothing in evaluation mode, so dropout is zero instead."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertForSequenceClassification(config).double().train()


@pytest.fixture(scope="module")
def losses(network):
    torch.manual_seed(1)
    ids, labels = torch.randint(1, 12, (8, 11)), torch.randint(0, 3, (8,))
    positions = torch.arange(11).expand(8, -1).contiguous()
    given = {"input_ids": ids, "position_ids": positions, "token_type_ids": torch.zeros_like(ids)}
    return lambda: nn.functional.cross_entropy(network(**given).logits, labels, reduction="none")


@pytest.mark.parametrize(("stock", "rows"), [(OpacusHooks, 1), (OpacusHooks, 4), (OpacusGhost, 1)])
def test_book_keeping_finds_what_opacus_finds(network, losses, stock, rows):
    ours, theirs = {}, {}
    bound = 0.94 if rows == 1 else 1.0
    norms = Bookkeeper(network).add(losses, rows=rows, bound=bound, sums=ours)
    assert float(norms.max()) > bound, "nothing is clipped"
    for times in (1, 2):  # a second batch is added to the first
        found = stock(network, factors).add(losses, rows=rows, bound=bound, sums=theirs)
        torch.testing.assert_close(found, norms, rtol=1e-5, atol=1e-9)  # ghost clipping adds 1e-6 to its norms
        assert set(theirs) == set(ours)
        for parameter, total in ours.items():
            torch.testing.assert_close(theirs[parameter], times * total, rtol=1e-5, atol=1e-9)


def test_nothing_is_left_on_the_network(network, losses):
    before = {name: len(layer._forward_hooks) + len(layer._backward_hooks) for name, layer in network.named_modules()}
    for stock in (OpacusHooks, OpacusGhost):
        stock(network, factors).add(losses, rows=1, bound=1.0, sums={})
    after = {name: len(layer._forward_hooks) + len(layer._backward_hooks) for name, layer in network.named_modules()}
    assert before == after
    assert all(one.grad is None for one in network.parameters())


def test_ghost_clipping_refuses_units_of_several_rows(network, losses):
    with pytest.raises(Misconfigured, match="4 rows of a unit apart"):
        OpacusGhost(network, factors).add(losses, rows=4, bound=1.0, sums={})


def test_batch_normalisation_is_refused():
    with pytest.raises(Unsupported, match="BatchNorm"):
        OpacusHooks(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), factors)


def test_a_layer_that_runs_twice_has_one_gradient_with_hooks():
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 4).double(), torch.randn(3, 4, dtype=torch.float64)
    sums = {}
    OpacusHooks(layer, factors).add(lambda: layer(layer(x)).sum(dim=1), rows=1, bound=1e9, sums=sums)
    whole = torch.autograd.grad(layer(layer(x)).sum(), list(layer.parameters()))
    for parameter, expected in zip(layer.parameters(), whole, strict=True):
        torch.testing.assert_close(sums[parameter], expected, rtol=1e-6, atol=1e-9)
