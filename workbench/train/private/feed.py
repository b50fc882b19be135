"""What goes through the trained part of the network: texts, or what the frozen part made of them once and for all."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from workbench.adapters.clipped_sums import Losses
from workbench.data.corpus import Corpus
from workbench.models.batches import token_batches
from workbench.train.evaluation import evaluating
from workbench.train.place import autocast, seeded
from workbench.train.private.kept import kept
from workbench.train.step import Workshop


class Row(NamedTuple):
    """One text of a unit: an example's, or a rewriting of it."""

    ids: tuple[int, ...]
    """Its tokens, or the number of its features."""
    label: int
    share: float
    """Of its unit's loss. A unit's shares add up to one, so neither records nor rewritings make it count more."""


class Feed(Protocol):
    """Where rows come from, and what the network makes of them."""

    copies: int
    """How many rows of the network one row becomes, which share its share: perturbed ones."""

    def rows(self, example: int, rewritings: Sequence[str], *, share: float, instead: bool = False) -> list[Row]:
        """Return the rows of one training example and of its rewritings, which divide `share` equally.

        `instead`: the rewritings take the example's place.
        """
        ...

    def made_up(self, n: int, *, share: float, seed: int, tokens: int = 12) -> list[Row]:
        """Return `n` rows that hold nothing of any example, with `share` each; texts of so many `tokens`."""
        ...

    def ready(self, rows: Sequence[Row]) -> Losses:
        """Do what must be done before a pass over `rows`, and return what runs it.

        That returns the loss of each row times its share and its label's weight, (rows * copies,), the copies of each
        row together.
        """
        ...


class TextFeed:
    """Texts, through all of the network."""

    copies = 1

    def __init__(self, shop: Workshop, train: Corpus) -> None:
        self._shop, self._labels = shop, train.label_ids.tolist()
        self._ids = shop.encoder.ids(train.inputs)

    def rows(self, example: int, rewritings: Sequence[str], *, share: float, instead: bool = False) -> list[Row]:
        """As `Feed.rows`."""
        copies = [*([] if instead else [self._ids[example]]), *self._shop.encoder.ids(rewritings)]
        return [Row(ids, self._labels[example], share / len(copies)) for ids in copies]

    def made_up(self, n: int, *, share: float, seed: int, tokens: int = 12) -> list[Row]:
        """As `Feed.made_up`: random tokens."""
        rng = np.random.default_rng(seed)
        network = self._shop.accelerator.unwrap_model(self._shop.network)
        vocabulary = int(network.get_input_embeddings().weight.shape[0])
        length = min(tokens, self._shop.encoder.max_length or tokens)
        labels = len(self._shop.class_weights)
        return [
            Row(tuple(rng.integers(0, vocabulary, length).tolist()), int(rng.integers(labels)), share) for _ in range(n)
        ]

    def ready(self, rows: Sequence[Row]) -> Losses:
        """As `Feed.ready`."""
        return partial(self.losses, rows)

    def losses(self, rows: Sequence[Row]) -> torch.Tensor:
        """Return the weighed loss of each row, (rows,)."""
        shop = self._shop
        network = shop.accelerator.unwrap_model(shop.network)
        inputs = spelled_out(network, shop.encoder.inputs([row.ids for row in rows], shop.device))
        with seeded(secrets.randbits(63), shop.device), autocast(shop.precision, shop.device):
            logits = network(**inputs).logits
        return weighed(shop, logits, rows)


class FeatureFeed:
    """What enters the head, computed once: everything before it is frozen, and nothing is dropped out."""

    copies = 1

    def __init__(self, shop: Workshop, train: Corpus, head: nn.Linear) -> None:
        self._shop, self._head, self._labels = shop, head, train.label_ids.tolist()
        network, ids = shop.accelerator.unwrap_model(shop.network), shop.encoder.ids(train.inputs)
        made = kept(network, head, ids, shop.precision, lambda: features(shop, train.inputs, head))
        self._features = list(made)
        self._known: dict[str, int] = {}

    def rows(self, example: int, rewritings: Sequence[str], *, share: float, instead: bool = False) -> list[Row]:
        """As `Feed.rows`."""
        if new := [text for text in rewritings if text not in self._known]:
            self._known |= {text: len(self._features) + i for i, text in enumerate(new)}
            self._features += features(self._shop, new, self._head)
        copies = [*([] if instead else [example]), *(self._known[text] for text in rewritings)]
        return [Row((i,), self._labels[example], share / len(copies)) for i in copies]

    def made_up(self, n: int, *, share: float, seed: int, tokens: int = 12) -> list[Row]:
        """As `Feed.made_up`: random features, kept beside the others."""
        rng = np.random.default_rng(seed)
        start = len(self._features)
        made = torch.from_numpy(rng.standard_normal((n, self._head.in_features), dtype=np.float32))
        self._features += made.to(self._shop.device)
        labels = len(self._shop.class_weights)
        return [Row((start + i,), int(rng.integers(labels)), share) for i in range(n)]

    def ready(self, rows: Sequence[Row]) -> Losses:
        """As `Feed.ready`."""
        return partial(self.losses, rows)

    def losses(self, rows: Sequence[Row]) -> torch.Tensor:
        """Return the weighed loss of each row, (rows,)."""
        return weighed(self._shop, self._head(torch.stack([self._features[row.ids[0]] for row in rows])), rows)


def head_of(network: nn.Module) -> nn.Linear | None:
    """Return the layer that all trainable parameters belong to, if it is one linear layer that ends the network."""
    trained = [
        layer for layer in network.modules() if any(one.requires_grad for one in layer.parameters(recurse=False))
    ]
    last = list(network.children())[-1]
    if len(trained) == 1 and trained[0] is last and isinstance(last, nn.Linear):
        return last
    return None


def features(shop: Workshop, texts: Sequence[str], head: nn.Linear) -> torch.Tensor:
    """Return what enters `head` for each of `texts`, (n, width), float32, with nothing dropped out."""
    network = shop.accelerator.unwrap_model(shop.network)
    ids = shop.encoder.ids(texts)
    found = torch.zeros(len(ids), head.in_features, device=shop.device)
    entered: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, given: entered.append(given[0].detach().float()))
    try:
        with evaluating(network), torch.no_grad(), autocast(shop.precision, shop.device):
            for batch in token_batches(ids, shop.device.type):
                entered.clear()
                network(**shop.encoder.inputs([ids[i] for i in batch], shop.device))
                found[list(batch)] = entered[0]
    finally:
        hook.remove()
    return found


def spelled_out(network: Any, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return `inputs` with positions and token types for each row, where the network would make one row for all.

    A layer that sees one row for the whole batch leaves no trace of whose gradient is whose.
    """
    ids = inputs["input_ids"]
    takes = inspect.signature(network.forward).parameters
    more = {}
    if "token_type_ids" in takes and "token_type_ids" not in inputs:
        more["token_type_ids"] = torch.zeros_like(ids)
    if "position_ids" in takes and "position_ids" not in inputs and not _counts_from_padding(network):
        more["position_ids"] = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape).contiguous()
    return {**inputs, **more}


def _counts_from_padding(network: Any) -> bool:
    """Return whether the network reads positions off each row's padding, as RoBERTa does."""
    return any(
        isinstance(layer, nn.Embedding) and name.endswith("position_embeddings") and layer.padding_idx is not None
        for name, layer in network.named_modules()
    )


def weighed(shop: Workshop, logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    """Return the cross-entropy of each row times its share and its label's weight, (rows,)."""
    labels = torch.tensor([row.label for row in rows], device=shop.device)
    shares = torch.tensor([row.share for row in rows], device=shop.device)
    return functional.cross_entropy(logits.float(), labels, reduction="none") * shares * shop.class_weights[labels]
