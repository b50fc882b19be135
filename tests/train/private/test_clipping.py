"""Sums of clipped gradients against gradients computed one unit at a time, and against Opacus."""

import warnings

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from workbench.errors import Unsupported
from workbench.train.private.clipping import MARGIN, Bookkeeper, factors

VOCABULARY = 50


@pytest.fixture
def network():
    """A small BERT in float64, in evaluation mode: dropout would make two passes differ."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, num_labels=3,
    )  # fmt: skip
    return BertForSequenceClassification(config).double().eval()


def batch(rows, tokens, seed=1):
    """Rows of different lengths, filled up with padding."""
    torch.manual_seed(seed)
    ids = torch.randint(1, 12, (rows, tokens))  # few ids, so many repeat
    lengths = torch.randint(2, tokens + 1, (rows,))
    mask = (torch.arange(tokens) < lengths.unsqueeze(1)).long()
    return {
        "input_ids": ids * mask,
        "attention_mask": mask,
        "token_type_ids": torch.zeros_like(ids),
        "position_ids": torch.arange(tokens).expand(rows, -1).contiguous(),
    }, torch.randint(0, 3, (rows,))


def losses(network, inputs, targets, weight=1.0):
    def run():
        return nn.functional.cross_entropy(network(**inputs).logits, targets, reduction="none") * weight

    return run


def one_by_one(network, inputs, targets, *, rows, weight=1.0):
    """Each unit's gradient by autograd, unit after unit: list of {parameter: gradient}."""
    trained = [one for one in network.parameters() if one.requires_grad]
    found = []
    for start in range(0, len(targets), rows):
        part = {name: tensor[start : start + rows] for name, tensor in inputs.items()}
        loss = losses(network, part, targets[start : start + rows], weight)().sum()
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
        found.append({p: torch.zeros_like(p) if g is None else g for p, g in zip(trained, gradients, strict=True)})
    return found


def length(gradients):
    return torch.sqrt(sum(g.square().sum() for g in gradients.values()))


def freeze(network, *parts):
    for name, parameter in network.named_parameters():
        if any(part in name for part in parts):
            parameter.requires_grad_(False)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("tokens", [5, 30])  # 30: a linear layer's own gradient is smaller than its positions
@pytest.mark.parametrize("frozen", [(), ("word_embeddings",), ("embeddings", "layer.0", "bias")])
def test_norms_and_clipped_sums_are_those_of_units_one_by_one(network, rows, tokens, frozen):
    freeze(network, *frozen)
    inputs, targets = batch(6 * rows, tokens)
    reference = one_by_one(network, inputs, targets, rows=rows)
    expected = torch.stack([length(one) for one in reference])
    bound = float(expected.mean())  # some are clipped, some are not
    sums = {}
    norms = Bookkeeper(network).add(losses(network, inputs, targets), rows=rows, bound=bound, sums=sums)
    torch.testing.assert_close(norms, expected, rtol=1e-9, atol=1e-12)
    scale = factors(expected, bound)
    assert (scale < 1).any()
    assert (scale == 1).any()
    for parameter in reference[0]:
        total = sum(s * one[parameter] for s, one in zip(scale, reference, strict=True))
        torch.testing.assert_close(sums.get(parameter, torch.zeros_like(parameter)), total, rtol=1e-9, atol=1e-12)
    assert set(sums) <= set(reference[0]), "a frozen parameter has a gradient"


def test_sums_add_up_over_batches_and_gradients_are_left_alone(network):
    inputs, targets = batch(6, 9)
    keeper, at_once, in_parts = Bookkeeper(network), {}, {}
    keeper.add(losses(network, inputs, targets), rows=1, bound=0.5, sums=at_once)
    for start in (0, 2, 4):
        part = {name: tensor[start : start + 2] for name, tensor in inputs.items()}
        keeper.add(losses(network, part, targets[start : start + 2]), rows=1, bound=0.5, sums=in_parts)
    for parameter, total in at_once.items():
        torch.testing.assert_close(in_parts[parameter], total, rtol=1e-9, atol=1e-12)
    assert all(one.grad is None and one.requires_grad for one in network.parameters())


def test_norms_agree_with_opacus(network):
    from opacus.grad_sample import GradSampleModule

    inputs, targets = batch(5, 9)
    norms = Bookkeeper(network).add(losses(network, inputs, targets), rows=1, bound=1.0, sums={})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: full backward hooks on inputs without gradients
        stock = GradSampleModule(network.train(), loss_reduction="sum", strict=False)
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        losses(stock, inputs, targets)().sum().backward()
    theirs = torch.stack([p.grad_sample.flatten(1).norm(dim=1) for p in network.parameters() if p.requires_grad])
    torch.testing.assert_close(norms, theirs.norm(dim=0), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("bound", [1e-6, 0.1, 1.0, 1e6])
def test_in_float32_no_unit_adds_more_than_the_bound(network, bound):
    network.float()
    inputs, targets = batch(8, 30)
    keeper = Bookkeeper(network)
    for unit in range(8):
        part = {name: tensor[unit : unit + 1] for name, tensor in inputs.items()}
        sums = {}
        keeper.add(losses(network, part, targets[unit : unit + 1], weight=50.0), rows=1, bound=bound, sums=sums)
        added = torch.sqrt(sum(total.double().square().sum() for total in sums.values()))
        assert float(added) <= bound


def test_float32_norms_are_within_the_margin(network):
    inputs, targets = batch(8, 30)
    exact = Bookkeeper(network).add(losses(network, inputs, targets), rows=2, bound=1.0, sums={})
    network.float()
    rounded = Bookkeeper(network).add(losses(network, inputs, targets), rows=2, bound=1.0, sums={})
    assert float(((rounded.double() - exact) / exact).abs().max()) < MARGIN / 20


def test_a_unit_whose_gradient_is_not_finite_adds_nothing_to_the_factor():
    scale = factors(torch.tensor([0.0, 0.5, 2.0, float("inf"), float("nan")]), 1.0)
    torch.testing.assert_close(scale, torch.tensor([1.0, 1.0, 0.5 / (1 + MARGIN), 0.0, 0.0]))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x))


def test_a_layer_that_sees_one_row_for_all_is_refused(network):
    inputs, targets = batch(4, 9)
    del inputs["position_ids"]  # BERT then looks its position embeddings up once for the whole batch
    with pytest.raises(Unsupported, match="sees 1 rows where the batch has 4"):
        Bookkeeper(network).add(losses(network, inputs, targets), rows=1, bound=1.0, sums={})


def test_what_has_no_rule_is_refused_with_the_reason():
    x = torch.randn(3, 4)
    with pytest.raises(Unsupported, match="BatchNorm1d"):
        Bookkeeper(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    with pytest.raises(Unsupported, match="share a parameter"):
        Bookkeeper(tied)
    with pytest.raises(Unsupported, match="Embedding"):
        Bookkeeper(nn.Embedding(5, 4, max_norm=1.0))
    twice = Twice()
    with pytest.raises(Unsupported, match="runs twice"):
        Bookkeeper(twice).add(lambda: twice(x).sum(dim=1), rows=1, bound=1.0, sums={})
    assert all(one.requires_grad for one in twice.parameters())
    frozen = nn.Linear(4, 4).requires_grad_(False)
    with pytest.raises(Unsupported, match="no trainable parameter"):
        Bookkeeper(frozen).add(lambda: frozen(x).sum(dim=1), rows=1, bound=1.0, sums={})
