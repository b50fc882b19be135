"""One optimiser step, and one pass over held-out texts: the arithmetic of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from workbench.errors import Misconfigured
from workbench.models.batches import token_batches
from workbench.models.protocols import FloatArray
from workbench.models.tokens import TextEncoder
from workbench.seeds import Streams
from workbench.train.augmentation import Embedding
from workbench.train.evaluation import evaluating
from workbench.train.passes import Passes
from workbench.train.place import autocast
from workbench.train.recipe import Recipe


class Batch(NamedTuple):
    """What goes through the network at once: rows of token ids."""

    ids: Sequence[Sequence[int]]
    labels: Sequence[int]
    """The true column of each row."""
    shares: Sequence[float]
    """What part of its example each row is: an example and its rewritings share 1."""
    weights: Sequence[float]
    """How much the example of each row counts; its label's weight comes on top."""


@dataclass(frozen=True)
class Workshop:
    """What every step needs: the network as accelerate prepared it, and what surrounds it."""

    recipe: Recipe
    accelerator: Any
    network: Any
    encoder: TextEncoder
    class_weights: torch.Tensor
    """(n_labels,) on the device."""
    precision: str
    streams: Streams
    mean_weight: float = 1.0
    """What the training examples weigh on average, labels and groups together. Private runs never count it."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def passes(self) -> Passes:
        """How batches are computed."""
        adversary = self.recipe.augmentation
        return Passes(
            self.accelerator, self.network, self.precision, adversary if isinstance(adversary, Embedding) else None
        )


def optimise(shop: Workshop, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], *, step: int) -> float:
    """Take one step on `batches`; return their weighted mean loss.

    The loss is sum(s_i * w_i * l_i) / (sum(s_i) * mean weight) over *all* batches and processes, so neither
    accumulation nor the number of processes changes the gradient; s_i is the row's share and w_i what its label and
    its example weigh. The mean weight is that of the training split: divided by its own weights, a batch would take
    back what they say, and all of it where it holds one example. Raises `Misconfigured` when the loss is not finite;
    the weights are then untouched.
    """
    world, rank = shop.accelerator.num_processes, shop.accelerator.process_index
    passes = shop.passes
    shares = [_column(shop, batch.shares) for batch in batches]
    norm = float(sum(share.sum() for share in shares)) * shop.mean_weight
    weights = [
        shop.class_weights[list(batch.labels)] * _column(shop, batch.weights) * share
        for batch, share in zip(batches, shares, strict=True)
    ]
    total = torch.zeros((), device=shop.device)
    for micro, (batch, weight) in enumerate(zip(batches, weights, strict=True)):
        mine = range(rank, len(batch.ids), world) or range(1)  # smaller than the world: run one row, weigh it 0
        share = 1.0 if rank < len(batch.ids) else 0.0
        total += passes.backward(
            shop.encoder.inputs([batch.ids[i] for i in mine], shop.device),
            torch.tensor([batch.labels[i] for i in mine], device=shop.device),
            share * weight[list(mine)] / norm,
            seed=shop.streams.seed("train", "dropout", str(step), str(micro), str(rank)),
            last=micro == len(batches) - 1,
        )
    mean = float(shop.accelerator.reduce(total, reduction="sum"))
    if not math.isfinite(mean):
        raise Misconfigured(
            f"training diverged: the loss at step {step + 1} is {mean}; lower learning_rate "
            f"({shop.recipe.learning_rate:g}), or set gradient_clipping ({shop.recipe.gradient_clipping})"
        )
    if shop.recipe.gradient_clipping is not None:
        shop.accelerator.clip_grad_norm_(shop.network.parameters(), shop.recipe.gradient_clipping)
    optimiser.step()
    optimiser.zero_grad()
    return mean


def predict(shop: Workshop, ids: Sequence[Sequence[int]], *, precision: str, tell: Callable[[int], None]) -> FloatArray:
    """Return probabilities, (n, n_labels), for tokenised texts; processes share the work and all get the result."""
    from accelerate.utils import gather_object

    world, rank = shop.accelerator.num_processes, shop.accelerator.process_index
    network = shop.accelerator.unwrap_model(shop.network)  # the wrapper's forward waits for every process each time
    batches = token_batches(ids, shop.device.type)
    found: list[tuple[int, list[float]]] = []
    with evaluating(network), torch.inference_mode(), autocast(precision, shop.device):
        for batch in batches[rank::world]:
            logits = network(**shop.encoder.inputs([ids[i] for i in batch], shop.device)).logits
            rows = torch.softmax(logits.float().cpu().double(), dim=-1).tolist()
            found += zip(batch, rows, strict=True)
            tell(len(found) * world)
    if world > 1:
        found = gather_object(found)
    rows_by_index = dict(found)
    probabilities = np.array([rows_by_index[i] for i in range(len(ids))], dtype=np.float64)
    return probabilities.reshape(len(ids), len(shop.class_weights))


def _column(shop: Workshop, values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values, device=shop.device)
