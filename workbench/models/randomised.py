"""The same network with random numbers in place of what it learned, from the head down.

For the model-parameter randomisation test of Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3: an
explanation that stays as it was while the model forgets layer after layer does not explain the model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_RANGE = 0.02
"""Standard deviation where the config states none: BERT's initializer_range."""


def groups_of(network: Any) -> tuple[str, ...]:
    """Return names of the parts of `network` from its head down to its embeddings, as `randomise` takes them."""
    return tuple(name for name, _ in _groups(network))


def randomise(network: Any, count: int, seed: int) -> None:
    """Draw the first `count` groups of `network` anew, as an untrained network of its kind begins.

    Linear maps and embeddings from a normal distribution with the config's `initializer_range`, biases 0, layer norms
    the identity; whatever else has parameters, from that same distribution. The draw depends on `seed` only.
    """
    spread = float(getattr(network.config, "initializer_range", _RANGE))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, modules in _groups(network)[:count]:
            for module in modules:
                _draw(module, spread, generator)


def _draw(module: nn.Module, spread: float, generator: torch.Generator) -> None:
    is_norm = "norm" in type(module).__name__.lower()
    for name, parameter in module.named_parameters(recurse=False):
        if name == "bias":
            parameter.zero_()
        elif is_norm:
            parameter.fill_(1.0)
        else:
            drawn = torch.empty(parameter.shape, dtype=torch.float32).normal_(0.0, spread, generator=generator)
            parameter.copy_(drawn)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight[module.padding_idx].zero_()


def _groups(network: Any) -> list[tuple[str, list[nn.Module]]]:
    """Return (name, modules): what lies above the layers, each layer from the last to the first, what lies below."""
    stacks = {name: module for name, module in network.named_modules() if isinstance(module, nn.ModuleList)}
    stack_name = next((name for name, module in stacks.items() if len(module)), None)
    if stack_name is None:
        return [("all", list(network.modules()))]
    stack = stacks[stack_name]
    inside = {id(part) for layer in stack for part in layer.modules()}
    embeddings = {
        id(part)
        for name, module in network.named_modules()
        if "embed" in name or isinstance(module, nn.Embedding)
        for part in module.modules()
    }
    own = [
        module
        for module in network.modules()
        if id(module) not in inside and any(True for _ in module.parameters(recurse=False))
    ]
    layers = [(f"layer {i + 1}", list(layer.modules())) for i, layer in enumerate(stack)]
    return [
        ("head", [module for module in own if id(module) not in embeddings]),
        *reversed(layers),
        ("embeddings", [module for module in own if id(module) in embeddings]),
    ]
