"""Forward and backward passes over one batch: as it is, or with its embeddings perturbed against the model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from workbench.models.embeddings import require_embeddings as require_agreement
from workbench.train.augmentation import Embedding
from workbench.train.place import autocast, seeded

Inputs = dict[str, torch.Tensor]
Loss = Callable[[torch.Tensor], torch.Tensor]
"""Logits, (rows, n_labels), to the batch's part of the loss."""


@dataclass(frozen=True)
class Passes:
    """How one batch is computed."""

    accelerator: Any
    network: Any
    """As accelerate prepared it."""
    precision: str
    adversary: Embedding | None

    def backward(
        self, inputs: Inputs, targets: torch.Tensor, weights: torch.Tensor, *, seed: int, last: bool
    ) -> torch.Tensor:
        """Add the gradient of sum(weights * loss of each row) to the parameters; return that sum.

        Args:
            inputs: what the network's forward takes, (rows, tokens).
            targets: true columns, (rows,).
            weights: (rows,).
            seed: of dropout and of where perturbations start.
            last: whether this is the step's last batch, after which processes exchange gradients.
        """

        def loss(logits: torch.Tensor) -> torch.Tensor:
            return (functional.cross_entropy(logits, targets, reduction="none") * weights).sum()

        if self.adversary is None:
            return self._add(lambda: loss(self._logits(inputs, seed)), last)
        if self.adversary.method == "freelb":
            return self._freelb(self.adversary, inputs, loss, seed, last)
        return self._against(self.adversary, inputs, loss, weights, seed, last)

    def _freelb(self, how: Embedding, inputs: Inputs, loss: Loss, seed: int, last: bool) -> torch.Tensor:
        """Zhu et al. 2020, algorithm 1: each ascent step's gradient of the parameters counts, one K-th of it."""
        point = Point(self._plain, inputs, how, starts(self._plain, inputs, seed))
        total = torch.zeros((), device=point.delta.device)
        for k in range(how.steps):
            delta = point.delta.requires_grad_()
            total += self._add(
                lambda: loss(self._logits(point.inputs(point.delta), seed)) / how.steps, last and k == how.steps - 1
            )
            assert delta.grad is not None
            point.climb(delta.grad)
        return total

    def _against(
        self, how: Embedding, inputs: Inputs, loss: Loss, weights: torch.Tensor, seed: int, last: bool
    ) -> torch.Tensor:
        """Find the worst perturbation first; then learn from the text as it is and from the perturbed one.

        'pgd' (Madry et al. 2018; for texts Miyato et al. 2017): half the loss of either. 'virtual' (Miyato et al.
        2019): the loss of the text, and the divergence KL(text || perturbed), which needs no true label.
        """
        point = Point(self._plain, inputs, how, starts(self._plain, inputs, seed))
        with torch.no_grad():
            clean = _log(self._logits(inputs, seed, plain=True)) if how.method == "virtual" else None

        def apart(logits: torch.Tensor) -> torch.Tensor:
            if clean is None:
                return loss(logits)
            return how.weight * ((clean.exp() * (clean - _log(logits))).sum(dim=-1) * weights).sum()

        for _ in range(how.steps):
            delta = point.delta.requires_grad_()
            (gradient,) = torch.autograd.grad(apart(self._logits(point.inputs(delta), seed, plain=True)), delta)
            point.climb(gradient)
        share, delta = 0.5 if how.method == "pgd" else 1.0, point.delta
        total = self._add(lambda: share * loss(self._logits(inputs, seed)), False)
        return total + self._add(lambda: share * apart(self._logits(point.inputs(delta), seed)), last)

    @property
    def _plain(self) -> Any:
        return self.accelerator.unwrap_model(self.network)

    def _logits(self, inputs: Inputs, seed: int, *, plain: bool = False) -> torch.Tensor:
        """Return logits in float32; the same `seed` drops out the same units. `plain`: no process waits for others."""
        network, device = (self._plain if plain else self.network), inputs["attention_mask"].device
        with seeded(seed, device), autocast(self.precision, device):
            logits: torch.Tensor = network(**inputs).logits
        return logits.float()

    def _add(self, forward: Callable[[], torch.Tensor], exchange: bool) -> torch.Tensor:
        """Run `forward` and add its gradient to the parameters; processes `exchange` theirs, or wait with that."""
        apart: AbstractContextManager[Any] = nullcontext() if exchange else self.accelerator.no_sync(self.network)
        with apart:
            found = forward()
            # Processes' gradients are averaged, and we want their sum.
            self.accelerator.backward(found * self.accelerator.num_processes)
        return found.detach()


def _log(logits: torch.Tensor) -> torch.Tensor:
    return functional.log_softmax(logits, dim=-1)


def starts(network: Any, inputs: Inputs, seed: int) -> torch.Tensor:
    """Return numbers in [-1, 1) from one `seed` for all texts of `inputs`, (rows, tokens, width)."""
    ids = inputs["input_ids"]
    with seeded(seed, ids.device):
        return torch.empty(*ids.shape, network.get_input_embeddings().weight.shape[1], device=ids.device).uniform_(
            -1, 1
        )


def moved(network: Any, inputs: Inputs, delta: torch.Tensor) -> Inputs:
    """Return what `network` takes for the texts of `inputs` with `delta` added to the embeddings of their tokens."""
    rest = {name: tensor for name, tensor in inputs.items() if name != "input_ids"}
    embedded = network.get_input_embeddings()(inputs["input_ids"])
    return {"inputs_embeds": embedded + delta * inputs["attention_mask"].unsqueeze(-1), **rest}


class Point:
    """Where in embedding space the adversary stands: a perturbation of each text, (rows, tokens, width)."""

    def __init__(self, network: Any, inputs: Inputs, how: Embedding, start: torch.Tensor) -> None:
        """`start`: numbers in [-1, 1), (rows, tokens, width)."""
        self._how, self._network, self._inputs = how, network, inputs
        self._mask = inputs["attention_mask"].unsqueeze(-1)
        weight = network.get_input_embeddings().weight.detach()
        self._unit = float(weight.norm(dim=-1).mean())
        lengths = self._mask.sum(dim=(1, 2), keepdim=True) * weight.shape[1]
        self.delta = self._inside(start * self._mask * how.step_size * self._unit / lengths.sqrt())

    def inputs(self, delta: torch.Tensor) -> Inputs:
        """Return what the network takes for the texts moved by `delta`."""
        return moved(self._network, self._inputs, delta)

    def climb(self, gradient: torch.Tensor) -> None:
        """Take one step of fixed length along each text's gradient, and stay inside the ball."""
        length = gradient.norm(dim=(1, 2), keepdim=True).clamp_min(1e-12)
        step = self._how.step_size * self._unit * gradient / length
        self.delta = self._inside(self.delta.detach() + step * self._mask)

    def _inside(self, delta: torch.Tensor) -> torch.Tensor:
        length = delta.norm(dim=(1, 2), keepdim=True).clamp_min(1e-12)
        inside: torch.Tensor = (delta * (self._how.radius * self._unit / length).clamp(max=1)).detach()
        return inside


def require_embeddings(network: Any, inputs: Inputs) -> None:
    """Raise `Unsupported` for a network, in evaluation mode, whose logits from embeddings are not those from ids."""
    rest = {name: tensor for name, tensor in inputs.items() if name != "input_ids"}
    require_agreement(
        lambda: network(**inputs).logits,
        lambda: network(inputs_embeds=network.get_input_embeddings()(inputs["input_ids"]), **rest).logits,
        what=f"augmentation of embeddings: {type(network).__name__}",
        instead="; choose the kind 'adversarial' or 'edits'",
    )
