"""Networks that some ways of clipping stumble over: another way is taken, or the run is refused with the reasons."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
)

from workbench.errors import Unsupported
from workbench.train.private.clippers import clipper_for
from workbench.train.private.feed import Row, spelled_out
from workbench.train.private.units import Units

UNITS = Units("example", tuple((i,) for i in range(5)), 0)
WORDS = {"vocab_size": 50, "num_labels": 3}
SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": 80,
}  # fmt: skip


def modernbert():
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    return ModernBertForSequenceClassification(ModernBertConfig(**WORDS, **SMALL, **special))


def albert():
    return AlbertForSequenceClassification(AlbertConfig(**WORDS, **SMALL, embedding_size=8))


def gpt2():
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 80, "pad_token_id": 0}
    special = {"bos_token_id": 1, "eos_token_id": 2}
    return GPT2ForSequenceClassification(GPT2Config(**WORDS, **sizes, **special))


def mpnet():
    return MPNetForSequenceClassification(MPNetConfig(**WORDS, **SMALL))


class Feed:
    copies = 1

    def __init__(self, network):
        self.network = network

    def made_up(self, n, *, share, seed, tokens=12):
        drawn = torch.Generator().manual_seed(seed)
        ids = torch.randint(3, 50, (n, tokens), generator=drawn)
        return [Row(tuple(row.tolist()), i % 3, share) for i, row in enumerate(ids)]

    def ready(self, rows):
        ids, labels = torch.tensor([row.ids for row in rows]), torch.tensor([row.label for row in rows])
        inputs = spelled_out(self.network, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        return lambda: nn.functional.cross_entropy(self.network(**inputs).logits, labels, reduction="none")


def tried(make, asked):
    torch.manual_seed(0)
    network = make().train()
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    shop = SimpleNamespace(
        accelerator=SimpleNamespace(unwrap_model=lambda one: one), network=network, precision="float32"
    )
    return network, *clipper_for(asked, shop, Feed(network), UNITS)


@pytest.mark.parametrize(("make", "way"), [(modernbert, "bookkeeping"), (albert, "hooks"), (gpt2, "hooks")])
def test_a_way_that_works_is_found_and_finds_the_right_norms(make, way):
    network, found, clipper = tried(make, "auto")
    assert found == way
    trained = list(network.parameters())
    assert all(one.grad is None and getattr(one, "grad_sample", None) is None for one in trained), "nothing is left"
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in network.modules())
    feed = Feed(network)
    rows = feed.made_up(3, share=1.0, seed=1)
    alone = []
    for row in rows:
        parts = torch.autograd.grad(feed.ready([row])().sum(), trained, allow_unused=True)
        alone.append(sum(float(one.square().sum()) for one in parts if one is not None) ** 0.5)
    norms = clipper.add(feed.ready(rows), rows=1, bound=1.0, sums={})
    assert norms.tolist() == pytest.approx(alone, rel=1e-3)


@pytest.mark.parametrize(("make", "asked"), [(modernbert, "hooks"), (albert, "ghost"), (mpnet, "hooks")])
def test_a_way_asked_for_that_does_not_work_is_refused(make, asked):
    with pytest.raises(Unsupported, match=f'clipping "{asked}" cannot be computed for a '):
        tried(make, asked)


def test_where_no_way_works_all_reasons_are_told():
    with pytest.raises(Unsupported, match=r"bookkeeping: .*; ghost: .*; hooks: "):
        tried(mpnet, "auto")
