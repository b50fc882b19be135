"""Sums of clipped gradients, one clip for each privacy unit, in one forward and one backward pass.

The gradient of a linear layer is a sum of outer products of what went in and of what came back, so both its norm for
each unit and the sum of all units' clipped gradients follow from these two, without a gradient of any unit's own, and
without a second backward pass ("book-keeping", Bu et al. 2022; the norms: Goodfellow 2015, Li et al. 2022, section 4).
Opacus has the norms ("ghost clipping"), but goes backward twice, and clips rows: all rows of a unit (its records, their
rewritings) must share one clip, or its influence grows with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from workbench.adapters.clipped_sums import Losses, Sums, add_to, backward
from workbench.errors import Unsupported
from workbench.train.private.layers import RULES, trainable_layers

MARGIN = 1e-3
"""Norms are taken for so much larger, relatively: no unit's gradient passes the bound because a norm was rounded."""


class Clipper(Protocol):
    """Something that adds units' clipped gradients up."""

    def add(self, losses: Losses, *, rows: int, bound: float, sums: Sums) -> torch.Tensor:
        """Add the clipped gradients of some units to `sums`; return each unit's norm before clipping, (units,).

        Args:
            losses: of rows that lie together by unit.
            rows: of each unit. The gradient of a unit is that of the *sum* of its rows' losses.
            bound: the longest gradient that a unit may add (Euclidean norm over all trainable parameters).
            sums: added to; a parameter that is not there yet starts at zero.
        """
        ...


def factors(norms: torch.Tensor, bound: float) -> torch.Tensor:
    """Return what each unit's gradient is multiplied with: min(1, bound / norm), less `MARGIN`; 0 if not finite."""
    scale = (bound / (norms * (1 + MARGIN)).clamp_min(1e-30)).clamp(max=1.0)
    return torch.where(torch.isfinite(norms), scale, torch.zeros_like(scale))


@dataclass
class _Passed:
    """What went into a layer, and what came back; by unit once it is all known."""

    layer: nn.Module
    entered: torch.Tensor
    returned: torch.Tensor | None = None

    def by_unit(self, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both as (units, positions, width), in float32 at least.

        The network may compute in bfloat16. Norms and sums may not: a norm rounded to bfloat16 can be too small by
        more than `MARGIN`, and a rounded sum can change by more than one unit's bound when that unit leaves.
        """
        assert self.returned is not None
        entered = self.entered.unsqueeze(-1) if isinstance(self.layer, nn.Embedding) else _exact(self.entered)
        return _by_unit(entered, rows), _by_unit(_exact(self.returned), rows)


class Bookkeeper:
    """Clipped sums for networks whose trainable parameters all belong to linear, embedding and norm layers."""

    def __init__(self, network: nn.Module) -> None:
        """Raises `Unsupported` for parameters of other layers, and for parameters that two layers share."""
        self._layers = trainable_layers(network)

    def add(self, losses: Losses, *, rows: int, bound: float, sums: Sums) -> torch.Tensor:
        """As `Clipper.add`. Raises `Unsupported` where a layer runs twice."""
        with self._recording() as passed:
            found = losses()
            if not found.requires_grad:
                raise Unsupported("private training: the loss depends on no trainable parameter; train some")
            for one in passed:
                if len(one.entered) != len(found):
                    raise Unsupported(
                        f"private training: a {type(one.layer).__name__} sees {len(one.entered)} rows where the batch "
                        f"has {len(found)}, so whose gradient is whose cannot be told; freeze that layer"
                    )
            backward(found.sum())
        reached = [one for one in passed if one.returned is not None]
        squares = [RULES[type(one.layer)].square(one.layer, *one.by_unit(rows)) for one in reached]
        norms = torch.stack(squares).sum(dim=0).clamp_min(0).sqrt()
        scale = factors(norms, bound).reshape(-1, 1, 1)
        for one in reached:
            entered, returned = one.by_unit(rows)
            clipped = torch.where(scale > 0, returned * scale, 0)  # 0 * inf is no number
            for parameter, total in RULES[type(one.layer)].total(one.layer, entered, clipped):
                add_to(sums, parameter, total)
        return norms

    @contextmanager
    def _recording(self) -> Iterator[list[_Passed]]:
        """Note what passes through the layers inside the block; autograd computes no parameter's gradient there."""
        passed: list[_Passed] = []

        def note(layer: nn.Module, entered: tuple[Any, ...], left: torch.Tensor) -> None:
            if any(one.layer is layer for one in passed):
                raise Unsupported(
                    f"private training: a {type(layer).__name__} runs twice in one pass, so its gradient is no single "
                    'sum of outer products; set clipping to "hooks"'
                )
            one = _Passed(layer, entered[0].detach())
            passed.append(one)
            if not left.requires_grad:
                left.requires_grad_()
            left.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: setattr(one, "returned", gradient.detach())
            )

        layers = self._layers.values()
        trained = [one for layer in layers for one in layer.parameters(recurse=False) if one.requires_grad]
        hooks = [layer.register_forward_hook(note) for layer in layers]
        for one in trained:
            one.requires_grad_(False)
        try:
            yield passed
        finally:
            for hook in hooks:
                hook.remove()
            for one in trained:
                one.requires_grad_()


def _exact(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _by_unit(rows: torch.Tensor, each: int) -> torch.Tensor:
    """Return (rows, ..., width) as (units, positions, width)."""
    return rows.reshape(len(rows) // each, -1, rows.shape[-1])
