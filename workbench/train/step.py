"""One optimiser step, and one pass over held-out texts: the arithmetic of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.errors import Misconfigured
from workbench.models.batches import token_batches
from workbench.models.protocols import FloatArray
from workbench.models.tokens import TextEncoder
from workbench.seeds import Streams
from workbench.train.evaluation import evaluating
from workbench.train.place import autocast, seeded
from workbench.train.recipe import Recipe


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

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        device: torch.device = self.accelerator.device
        return device


def optimise(
    shop: Workshop,
    optimiser: torch.optim.Optimizer,
    texts: Sequence[tuple[Sequence[Sequence[int]], Sequence[int]]],
    *,
    step: int,
) -> float:
    """Take one step on `texts`, a list of batches of (token ids, label ids); return their weighted mean loss.

    The loss is sum(w_i * l_i) / sum(w_i) over *all* batches and processes, so neither accumulation nor the number of
    processes changes the gradient. Raises `Misconfigured` when the loss is not finite; the weights are then untouched.
    """
    world, rank = shop.accelerator.num_processes, shop.accelerator.process_index
    weights = shop.class_weights
    norm = float(sum(weights[list(labels)].sum() for _, labels in texts))
    total = torch.zeros((), device=shop.device)
    for micro, (ids, labels) in enumerate(texts):
        mine = range(rank, len(ids), world) or range(1)  # a batch smaller than the world: run one row, weigh it 0
        share = 1.0 if rank < len(ids) else 0.0
        inputs = shop.encoder.inputs([ids[i] for i in mine], shop.device)
        targets = torch.tensor([labels[i] for i in mine], device=shop.device)
        last = micro == len(texts) - 1
        with nullcontext() if last else shop.accelerator.no_sync(shop.network):
            seed = shop.streams.seed("train", "dropout", str(step), str(micro), str(rank))
            with seeded(seed, shop.device), autocast(shop.precision, shop.device):
                logits = shop.network(**inputs).logits
            each = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
            loss = share * (each * weights[targets]).sum() / norm
            shop.accelerator.backward(loss * world)  # processes' gradients are averaged, and we want their sum
        total += loss.detach()
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
