"""What a layer's inputs and returned gradients say of each unit's gradient: its norm, and the sum after clipping.

Shapes: a unit has S positions (tokens of all its rows), `entered` is (units, S, in), `returned` is (units, S, out). The
gradient of a linear layer's weight for unit u is the sum over its positions of returned[u, s] x entered[u, s].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from workbench.errors import Unsupported

Added = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Parameters, and what is added to the sums of each."""


class Rule(NamedTuple):
    """How one kind of layer is reckoned with."""

    square: Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]
    """Layer, entered, returned -> the squared norm of each unit's gradient, (units,)."""
    total: Callable[[Any, torch.Tensor, torch.Tensor], Added]
    """Layer, entered, returned (each unit's already multiplied with its factor) -> the sums over units."""


def require_rows_apart(network: nn.Module) -> None:
    """Raise `Unsupported` for layers that mix rows, or keep something of them, whether they are trained or frozen."""
    for name, layer in network.named_modules():
        keeps = isinstance(layer, nn.modules.instancenorm._InstanceNorm) and layer.track_running_stats
        if keeps or isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise Unsupported(
                f"private training: {name or 'the network'} is a {type(layer).__name__}, which mixes all texts of a "
                "batch into each one's answer and keeps their means in the released model without noise, also where "
                "its parameters are frozen; replace it by GroupNorm or LayerNorm (Opacus: ModuleValidator.fix) and "
                "save the backbone again, or choose another backbone"
            )


def trainable_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that have trainable parameters of their own, by name.

    Raises `Unsupported` for kinds of layers without a rule, and for parameters that two layers share.
    """
    found: dict[str, nn.Module] = {}
    owner: dict[nn.Parameter, str] = {}
    for name, layer in network.named_modules():
        own = [one for one in layer.parameters(recurse=False) if one.requires_grad]
        if not own:
            continue
        if type(layer) not in RULES or not _plain(layer):
            kind = str(layer) if type(layer) in RULES else type(layer).__name__
            raise Unsupported(
                f"private training: {name or 'the network'} is a {kind}"
                ', for which no rule for clipped sums is known; freeze it, or set clipping to "hooks"'
            )
        for one in own:
            if one in owner:
                raise Unsupported(
                    f"private training: {name} and {owner[one]} share a parameter, so its gradient is no single sum of "
                    "outer products; untie them, or freeze both"
                )
            owner[one] = name
        found[name] = layer
    return found


def _plain(layer: Any) -> bool:
    """Return whether `layer` has none of the options that change what its gradient is."""
    if isinstance(layer, nn.Embedding):
        return layer.max_norm is None and not layer.scale_grad_by_freq and not layer.sparse
    return not isinstance(layer, nn.LayerNorm) or len(layer.normalized_shape) == 1


def _linear_square(layer: nn.Linear, entered: torch.Tensor, returned: torch.Tensor) -> torch.Tensor:
    """|sum_s r_s x e_s|^2 = sum_st (e_s . e_t)(r_s . r_t), or from the gradients themselves where these are smaller."""
    found = torch.zeros(len(entered), dtype=returned.dtype, device=returned.device)
    if layer.weight.requires_grad:
        positions, wide, out = entered.shape[1], entered.shape[2], returned.shape[2]
        if positions * (wide + out) < wide * out:
            found = found + ((entered @ entered.mT) * (returned @ returned.mT)).sum(dim=(1, 2))
        else:
            found = found + torch.bmm(returned.mT, entered).square().sum(dim=(1, 2))
    if layer.bias is not None and layer.bias.requires_grad:
        found = found + returned.sum(dim=1).square().sum(dim=1)
    return found


def _linear_total(layer: nn.Linear, entered: torch.Tensor, returned: torch.Tensor) -> Added:
    if layer.weight.requires_grad:
        yield layer.weight, returned.flatten(0, 1).mT @ entered.flatten(0, 1)
    if layer.bias is not None and layer.bias.requires_grad:
        yield layer.bias, returned.sum(dim=(0, 1))


def _embedding_square(layer: nn.Embedding, entered: torch.Tensor, returned: torch.Tensor) -> torch.Tensor:
    """Positions with one id share a row: the norm is that of their sum, sum_st [id_s = id_t] (r_s . r_t)."""
    ids, kept = entered.squeeze(-1), _without_padding(layer, entered, returned)
    return ((ids.unsqueeze(1) == ids.unsqueeze(2)) * (kept @ kept.mT)).sum(dim=(1, 2))


def _embedding_total(layer: nn.Embedding, entered: torch.Tensor, returned: torch.Tensor) -> Added:
    kept = _without_padding(layer, entered, returned)
    yield layer.weight, torch.zeros_like(layer.weight).index_add_(0, entered.flatten(), kept.flatten(0, 1))


def _without_padding(layer: nn.Embedding, entered: torch.Tensor, returned: torch.Tensor) -> torch.Tensor:
    """Return `returned` with zeros for the padding token, whose row no gradient reaches in torch either."""
    return returned if layer.padding_idx is None else returned * (entered != layer.padding_idx)


def _norm_square(layer: nn.LayerNorm, entered: torch.Tensor, returned: torch.Tensor) -> torch.Tensor:
    found = torch.zeros(len(entered), dtype=returned.dtype, device=returned.device)
    if layer.weight.requires_grad:
        found = found + (returned * _normal(layer, entered)).sum(dim=1).square().sum(dim=1)
    if layer.bias is not None and layer.bias.requires_grad:
        found = found + returned.sum(dim=1).square().sum(dim=1)
    return found


def _norm_total(layer: nn.LayerNorm, entered: torch.Tensor, returned: torch.Tensor) -> Added:
    if layer.weight.requires_grad:
        yield layer.weight, (returned * _normal(layer, entered)).sum(dim=(0, 1))
    if layer.bias is not None and layer.bias.requires_grad:
        yield layer.bias, returned.sum(dim=(0, 1))


def _normal(layer: nn.LayerNorm, entered: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(entered, layer.normalized_shape, None, None, layer.eps)


RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: Rule(_linear_square, _linear_total),
    nn.Embedding: Rule(_embedding_square, _embedding_total),
    nn.LayerNorm: Rule(_norm_square, _norm_total),
}
"""Kinds of layers that clipped sums are known for; a subclass may compute something else, so it is none of them."""
