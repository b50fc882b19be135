"""Floating-point operations of one sequence through a network: counted, not estimated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

_LENGTHS = (8, 16, 24)
"""Three points determine a parabola; every network reads so many tokens."""


class Cost(NamedTuple):
    """Operations of one sequence of n tokens: constant + linear n + quadratic n².

    Exact for encoders: products with weights are linear in the length, attention is quadratic, a head on one position
    is constant. A multiplication and an addition are two operations; everything but matrix products is left out.
    """

    constant: Fraction
    linear: Fraction
    quadratic: Fraction

    def __call__(self, length: int) -> int:
        return int(self.constant + self.linear * length + self.quadratic * length**2)

    def of(self, lengths: Mapping[int, int]) -> int:
        """Return the operations of many sequences: tokens of a sequence -> sequences."""
        return sum(count * self(length) for length, count in lengths.items())


def cost_of(network: Any, *, slope: bool = False) -> Cost:
    """Count what `network`, a Hugging Face encoder with a head, does with one sequence of each of three lengths.

    `slope`: a forward pass from the embeddings, and a backward pass to them that computes no parameter's gradient.
    """
    counted = _slope if slope else _counted
    (x1, y1), (x2, y2), (x3, y3) = ((n, counted(network, n)) for n in _LENGTHS)
    slope1, slope2 = Fraction(y2 - y1, x2 - x1), Fraction(y3 - y2, x3 - x2)
    quadratic = (slope2 - slope1) / (x3 - x1)
    linear = slope1 - quadratic * (x1 + x2)
    return Cost(y1 - linear * x1 - quadratic * x1**2, linear, quadratic)


def _counted(network: Any, length: int) -> int:
    import torch

    ids = torch.ones(1, length, dtype=torch.int64, device=next(network.parameters()).device)
    with torch.inference_mode(False), torch.no_grad(), _counter() as counter:
        network(input_ids=ids, attention_mask=torch.ones_like(ids))
    return int(counter.get_total_flops())


def _slope(network: Any, length: int) -> int:
    import torch

    ids = torch.ones(1, length, dtype=torch.int64, device=next(network.parameters()).device)
    trained = [one for one in network.parameters() if one.requires_grad]
    for one in trained:
        one.requires_grad_(False)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            embedded = network.get_input_embeddings()(ids).detach().clone().requires_grad_()
            with _counter() as counter:
                network(inputs_embeds=embedded, attention_mask=torch.ones_like(ids)).logits[0, 0].backward()
        assert embedded.grad is not None
    finally:
        for one in trained:
            one.requires_grad_()
    return int(counter.get_total_flops())


def _counter() -> Any:
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]

    def backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_backward_flop_count(gradient, query, key, value))  # type: ignore[no-untyped-call]

    def packed(x: Sequence[int], *_: Any, out_shape: Sequence[int], **__: Any) -> int:
        return 2 * math.prod(x) * out_shape[-1]

    # torch 2.13 counts attention on CUDA only, and products with packed weights nowhere.
    more = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention,
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }
    if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        more[torch.ops.mkldnn._linear_pointwise] = packed
    return FlopCounterMode(display=False, custom_mapping=more)
