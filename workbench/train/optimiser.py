"""AdamW (Loshchilov & Hutter 2019), or gradient descent with momentum; a linear warm-up, then a decay or none."""

from __future__ import annotations

from typing import Any

import torch

from workbench.train.recipe import Recipe

MOMENTUM = 0.9
"""Of gradient descent, where a recipe names none."""


def make_optimiser(network: Any, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over the trainable parameters; biases and normalisation layers do not decay."""
    decaying: list[torch.nn.Parameter] = []
    free: list[torch.nn.Parameter] = []
    for parameter in network.parameters():
        if parameter.requires_grad:
            (decaying if parameter.dim() > 1 else free).append(parameter)
    groups = [{"params": decaying, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if recipe.optimiser == "sgd":
        momentum = MOMENTUM if recipe.momentum is None else recipe.momentum
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=momentum)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def rate_at(step: int, total: int, recipe: Recipe) -> float:
    """Return the learning rate of the `step`-th of `total` steps, counted from 0.

    With W = floor(warmup * total):  peak * (step + 1) / (W + 1)  for step < W, peak * (total - step) / (total - W)
    from then on: the peak is reached at step W, and neither the first nor the last step is wasted on a rate of zero.
    With the constant schedule the peak is kept.
    """
    warm = int(recipe.warmup * total)
    if step < warm:
        return recipe.learning_rate * (step + 1) / (warm + 1)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * (total - step) / (total - warm)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step of `optimiser` use `rate`."""
    for group in optimiser.param_groups:
        group["lr"] = rate
