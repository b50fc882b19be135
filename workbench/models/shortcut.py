"""Two shortcuts through a frozen network: the same logits for less work. Each is tried out before it is kept.

`take_shortcut`: BERT and its kin classify by the last layer's output at the first token. Queries, attention output and
feed-forward part of that layer are therefore needed there only; keys and values still of every token.

`pack_linears`: oneDNN reads weights faster in an order of its own. That order is a second copy of them, and of their
transpose where gradients are asked for.

One thread of an AMD EPYC, runs/demo (6 layers, width 384), time relative to the step before, medians of 40 interleaved:
6 texts of 88 tokens, float32 0.85 and 0.92, bfloat16 0.88 and 0.93; one text of 30, 0.91 and 0.77, 0.92 and 0.83.
Where torch's own products are made for half as wide registers (an EPYC of the next generation) packed ones take much
less: gradients of 6 texts of 88 tokens 0.55.
Tried and left out: query, key and value in one matrix (0.98 to 1.02), gelu fused into the packed product (0.98 to 1.01,
where the allocator keeps its memory).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

_AGREEMENT = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""How far logits may lie from what they were, relative to max(1, |logit|): float32 gives 1e-6, bfloat16 4e-3."""

_REFUSED = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError)
"""What heads raise that read another position than the first, and what torch raises without oneDNN."""


class _FirstOnly(nn.Module):
    """An encoder layer that answers for the first position only; its modules are the layer's own, under their names."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        for name, child in layer.named_children():
            self.add_module(name, child)
        self.eval()

    def _attend(
        self, attention: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the first position attends to, (batch, 1, width). `mask`: (batch, 1, queries, keys) or None."""
        if self.training:
            raise RuntimeError("a network with a shortcut has no dropout: call eval(), or train the checkpoint itself")
        q, k, v = (x.view(*x.shape[:2], -1, attention.attention_head_size).transpose(1, 2) for x in (query, key, value))
        first = None if mask is None else mask[:, :, :1]
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=first, scale=attention.scaling)
        return attended.transpose(1, 2).flatten(2)


class _FirstOfBert(_FirstOnly):
    """BertLayer and its copies."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any
    ) -> torch.Tensor:
        """Return the layer's output at the first position, (batch, 1, width)."""
        layer: Any = self
        own, first = layer.attention.self, hidden_states[:, :1]
        query, key, value = own.query(first), own.key(hidden_states), own.value(hidden_states)
        attended = layer.attention.output(self._attend(own, query, key, value, attention_mask), first)
        found: torch.Tensor = layer.output(layer.intermediate(attended), attended)
        return found


class _FirstOfDistilBert(_FirstOnly):
    """DistilBERT's TransformerBlock."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any
    ) -> torch.Tensor:
        """Return the layer's output at the first position, (batch, 1, width)."""
        layer: Any = self
        own, first = layer.attention, hidden_states[:, :1]
        query, key, value = own.q_lin(first), own.k_lin(hidden_states), own.v_lin(hidden_states)
        attended = own.out_lin(self._attend(own, query, key, value, attention_mask))
        attended = layer.sa_layer_norm(attended + first)
        found: torch.Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
        return found


_KNOWN: dict[str, type[_FirstOnly]] = {
    "transformers.models.bert.modeling_bert.BertLayer": _FirstOfBert,
    "transformers.models.camembert.modeling_camembert.CamembertLayer": _FirstOfBert,
    "transformers.models.distilbert.modeling_distilbert.TransformerBlock": _FirstOfDistilBert,
    "transformers.models.electra.modeling_electra.ElectraLayer": _FirstOfBert,
    "transformers.models.roberta.modeling_roberta.RobertaLayer": _FirstOfBert,
    "transformers.models.xlm_roberta.modeling_xlm_roberta.XLMRobertaLayer": _FirstOfBert,
}
"""Layers whose forward was read (transformers 5.23). A subclass is none of them: its forward may differ."""


def take_shortcut(network: Any, trial: Callable[[], torch.Tensor]) -> str | None:
    """Let the last encoder layer of `network` compute the first position only, if that changes no logit.

    Parameters stay where they are, under their names, so saving, copying, casting and gradients work as before. Hidden
    states and attentions of the last layer are no longer reported.

    Args:
        network: a Hugging Face sequence classifier in evaluation mode, in float32.
        trial: runs `network` on a padded batch of texts of different lengths; returns its logits.

    Returns the name of the layer's class; None where the network stays as it was, because it is not known, is a
    decoder, or its head reads another position than the first (`trial` then gives other logits, or raises).
    """
    stack = _layers(network)
    if stack is None or network.training:
        return None
    layer = stack[-1]
    kind = _KNOWN.get(f"{type(layer).__module__}.{type(layer).__qualname__}")
    # Other attention implementations hand the layer another kind of mask.
    if kind is None or getattr(layer, "is_decoder", False) or _attention(network) not in ("sdpa", "eager"):
        return None
    whole = _logits(trial)
    stack[-1] = kind(layer)
    agreed = False
    try:
        agreed = _agrees(trial, whole)
    finally:
        if not agreed:
            stack[-1] = layer
    return type(layer).__name__ if agreed else None


class _Kept:
    """A weight's copies in oneDNN's order."""

    def __init__(self, stamp: object, weight: torch.Tensor) -> None:
        self.stamp = stamp
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        self._weight = weight

    @cached_property
    def transposed(self) -> torch.Tensor:
        """That of the transposed weight; made for the first gradient.

        As with any copy here, a change through `weight.data` that keeps the storage goes unnoticed.
        """
        found: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(self._weight.t().contiguous())
        return found


class _PackedProduct(torch.autograd.Function):
    """x W^T + b of frozen weights, and its gradient for x: a product with the transposed weight, packed as well."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kept: _Kept, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.transposed = kept.transposed  # now: the gradient is that of this weight, whatever becomes of it meanwhile
        return _product(x, kept.packed, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _product(gradient.contiguous(), ctx.transposed, None), None, None


def _product(x: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return found


class _Packed(nn.Module):
    """A linear map that keeps its weight in oneDNN's order too. Where the weight itself may learn it is nn.Linear."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._kept: _Kept | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x W^T + b, (..., out)."""
        weight, recorded = self.weight, torch.is_grad_enabled()
        if (
            (recorded and (weight.requires_grad or (self.bias is not None and self.bias.requires_grad)))
            or x.dtype != weight.dtype
            or weight.device.type != "cpu"
            or not _packable(weight.dtype)
            or torch.is_autocast_enabled("cpu")
        ):
            return nn.functional.linear(x, weight, self.bias)
        # Casting makes other storage, changing values in place another version: both make the copy stale.
        stamp = (weight.dtype, weight.data_ptr(), None if weight.is_inference() else weight._version)
        kept = self._kept  # one attribute, so that threads see a stamp together with its copy
        if kept is None or kept.stamp != stamp:
            kept = self._kept = _Kept(stamp, weight.detach())
        if recorded and x.requires_grad:
            found: torch.Tensor = _PackedProduct.apply(x, kept, self.bias)  # type: ignore[no-untyped-call]
            return found
        return _product(x, kept.packed, self.bias)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the copy out: oneDNN's tensors can be neither copied nor pickled, and it is made again when needed."""
        return {**self.__dict__, "_kept": None}


@cache
def _packable(dtype: torch.dtype) -> bool:
    """Return whether this processor multiplies packed weights of `dtype`: not each that runs torch has bfloat16."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def pack_linears(network: Any, trial: Callable[[], torch.Tensor]) -> int:
    """Let every linear map of `network` use a packed copy of its weight wherever that weight is frozen.

    Parameters stay where they are, under their names. Inference needs the memory of the weights twice, gradients for
    the input three times, and they can be differentiated once. Take shortcuts and cast first.

    Args:
        network: in evaluation mode, on the CPU, in float32 or bfloat16.
        trial: as in `take_shortcut`.

    Returns how many maps were packed; 0 where the network stays as it was, because it is elsewhere, torch has no
    oneDNN for it, or its logits changed.
    """
    if network.device.type != "cpu" or not _packable(network.dtype) or network.training:
        return 0
    places = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]
    whole = _logits(trial)
    packed = {id(child): _Packed(child) for _, _, child in places}  # a map in two places stays one
    agreed = False
    try:
        for parent, name, child in places:
            setattr(parent, name, packed[id(child)])
        agreed = _agrees(trial, whole) and all(map(_slopes_agree, _one_a_shape(packed.values())))
    finally:
        if not agreed:
            for parent, name, child in places:
                setattr(parent, name, child)
    return len(packed) if agreed else 0


def packed_product(weight: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Return what multiplies by the transpose of `weight`, (out, in), packed; None where this machine packs none."""
    if weight.device.type != "cpu" or not _packable(weight.dtype):
        return None
    try:
        kept = _Kept(None, weight)
        _product(weight[:1], kept.packed, None)
    except _REFUSED:
        return None
    return lambda x: _product(x, kept.packed, None)


def _logits(trial: Callable[[], torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return trial()


def _agrees(trial: Callable[[], torch.Tensor], before: torch.Tensor) -> bool:
    """Return whether `trial` still gives the logits that it gave `before`."""
    tolerance = _AGREEMENT.get(before.dtype, 0.0)
    try:
        off = (_logits(trial).double() - before.double()).abs()
    except _REFUSED:
        return False
    return bool((off <= tolerance * before.double().abs().clamp(min=1)).all())


def _one_a_shape(maps: Iterable[_Packed]) -> Iterable[_Packed]:
    return {one.weight.shape: one for one in maps}.values()


def _slopes_agree(linear: _Packed) -> bool:
    """Return whether the gradient of a packed map for its input is that of nn.Linear, as far as `_AGREEMENT` goes.

    True where parameters may learn: then it is nn.Linear.
    """
    weight = linear.weight.detach()
    with torch.inference_mode(False), torch.enable_grad():
        x = torch.ones(2, 3, weight.shape[1], dtype=weight.dtype, requires_grad=True)
        try:
            (found,) = torch.autograd.grad(linear(x).sum(), x)
        except _REFUSED:
            return False
        finally:
            linear._kept = None  # a transposed copy is made where gradients are asked for
    expected = weight.double().sum(dim=0)
    # Of a sum, rounding is relative to what was added up, not to what came of it.
    allowed = _AGREEMENT[weight.dtype] * weight.double().abs().sum(dim=0).clamp(min=1)
    return bool(((found.double() - expected).abs() <= allowed).all())


def _layers(network: Any) -> nn.ModuleList | None:
    """Return the encoder's layers, where they are kept as BERT and DistilBERT keep them."""
    body = getattr(network, "base_model", None)
    encoder = getattr(body, "encoder", None) or getattr(body, "transformer", None)
    layers = getattr(encoder, "layer", None)
    return layers if isinstance(layers, nn.ModuleList) and len(layers) else None


def _attention(network: Any) -> str | None:
    return getattr(network.config, "_attn_implementation", None)
