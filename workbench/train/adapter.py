"""What a recipe may say about which parameters training may change: its table `[adapter]`.

Fewer of them cost less time and memory, and under privacy less noise: every trainable coordinate gets its own. Whatever
is chosen, the result is a plain checkpoint: low-rank updates are merged into the weights that they update.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import nn

from workbench.adapters.peft_lora import inject, merge
from workbench.errors import Misconfigured
from workbench.evidence.schema import Stored


class LoRA(Stored):
    """Low-rank updates of some linear layers (Hu et al. 2022), and the head."""

    kind: Literal["lora"]
    rank: int = Field(default=8, ge=1)
    alpha: float = Field(default=16.0, gt=0)
    """Updates are multiplied with alpha / rank."""
    targets: tuple[str, ...] = ("query", "value")
    """Endings of the names of the layers that are updated."""
    dropout: float = Field(default=0.0, ge=0, lt=1)


class LastLayers(Stored):
    """The last layers of the encoder, and whatever comes after them."""

    kind: Literal["last_layers"]
    layers: int = Field(default=1, ge=0)
    """How many of the encoder's layers; 0: the head and what feeds it only."""


class FrozenEmbeddings(Stored):
    """Everything but the embedding tables, which hold half of a small model's parameters."""

    kind: Literal["frozen_embeddings"]


Adapter = Annotated[LoRA | LastLayers | FrozenEmbeddings, Field(discriminator="kind")]


def adapt(network: Any, how: LoRA | LastLayers | FrozenEmbeddings | None) -> None:
    """Let training change what `how` says, and nothing else; None: all of it. Raises `Misconfigured`."""
    if how is None:
        return
    body = getattr(network, network.base_model_prefix, None)
    if body is None:
        raise Misconfigured(f"adapter: {type(network).__name__} has no body of its own; leave the adapter out")
    head = [one for name, one in network.named_parameters() if not name.startswith(f"{network.base_model_prefix}.")]
    if isinstance(how, FrozenEmbeddings):
        for layer in network.modules():
            if isinstance(layer, nn.Embedding):
                layer.requires_grad_(False)
        return
    network.requires_grad_(False)
    if isinstance(how, LoRA):
        inject(network, rank=how.rank, alpha=how.alpha, targets=how.targets, dropout=how.dropout)
    else:
        layers = encoder_layers(body)
        if how.layers > len(layers):
            raise Misconfigured(f"adapter.layers is {how.layers}, but the encoder has {len(layers)}; lower it")
        for layer in layers[len(layers) - how.layers :]:
            layer.requires_grad_(True)
    for name, part in body.named_children():
        if "pooler" in name:
            part.requires_grad_(True)
    for one in head:
        one.requires_grad_(True)


def plain(network: Any) -> None:
    """Merge what `adapt` added into the weights that it updates: the network is then as its class says."""
    merge(network)


def encoder_layers(body: nn.Module) -> list[nn.Module]:
    """Return the encoder's layers, first to last: the longest list of modules of one class. Raises `Misconfigured`."""
    lists = [list(one) for one in body.modules() if isinstance(one, nn.ModuleList)]
    alike = [found for found in lists if found and len({type(layer) for layer in found}) == 1]
    if not alike:
        raise Misconfigured(f"adapter: {type(body).__name__} has no list of like layers; choose another kind")
    return max(alike, key=len)
