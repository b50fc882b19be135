"""What every way of clipping shares: losses of rows in, sums of clipped gradients out."""

from __future__ import annotations

from collections.abc import Callable

import torch

Losses = Callable[[], torch.Tensor]
"""Runs the network on the rows of some units, each unit's together; returns the loss of each row, (units * rows,)."""

Sums = dict[torch.Tensor, torch.Tensor]
"""Parameter -> the sum over units of their clipped gradients."""

Factors = Callable[[torch.Tensor, float], torch.Tensor]
"""Norms and bound to what each unit's gradient is multiplied with."""


def add_to(sums: Sums, parameter: torch.Tensor, total: torch.Tensor) -> None:
    """Add `total` to the sum of `parameter`; `sums` may keep it."""
    sums[parameter] = sums[parameter].add_(total) if parameter in sums else total


def backward(loss: torch.Tensor, *, keep_graph: bool = False) -> None:
    """Add the gradient of `loss` to whatever needs one; `keep_graph` for another pass."""
    loss.backward(retain_graph=keep_graph)  # type: ignore[no-untyped-call]
