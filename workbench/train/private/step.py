"""One private step: who takes part, the sum of their clipped gradients, noise, and what the weights make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.adapters.clipped_sums import Sums
from workbench.errors import Misconfigured
from workbench.train.privacy import Privacy
from workbench.train.private.canaries import Canaries
from workbench.train.private.clipping import Clipper
from workbench.train.private.entropy import normal
from workbench.train.private.feed import Feed, Row
from workbench.train.private.units import Shape, groups_of
from workbench.train.step import Workshop


@dataclass(frozen=True)
class Mechanism:
    """What turns the units of a step into a gradient that is safe to use."""

    how: Privacy
    noise_multiplier: float
    clipper: Clipper
    feed: Feed
    parameters: tuple[nn.Parameter, ...]
    """Those that training may change."""

    def clipped_sum(self, shop: Workshop, taking_part: Mapping[int, Sequence[Row]]) -> Sums:
        """Return the sum of the clipped gradients of the units `taking_part`: unit -> its rows; maybe of none.

        Without one of them, the sum moves by at most `max_grad_norm` (Euclidean norm over all parameters).
        """
        copies = self.feed.copies
        shapes = {
            unit: Shape(len(rows) * copies, max(len(row.ids) for row in rows)) for unit, rows in taking_part.items()
        }
        groups = groups_of(shapes, tokens=self.how.physical_tokens)
        world, rank = shop.accelerator.num_processes, shop.accelerator.process_index
        sums: Sums = {}
        for group in groups[rank::world]:
            rows = [row for unit in group for row in taking_part[unit]]
            self.clipper.add(
                self.feed.ready(rows),
                rows=shapes[group[0]].rows,
                bound=self.how.max_grad_norm,
                sums=sums,
            )
        return sums

    def released(self, shop: Workshop, sums: Sums) -> None:
        """Put the gradient that may be used into the parameters: (sum over processes + noise) / expected batch.

        The noise's standard deviation is `noise_multiplier * max_grad_norm` in every coordinate, drawn once for all
        processes. Raises `Misconfigured` when it is not finite.
        """
        deviation = self.noise_multiplier * self.how.max_grad_norm
        for parameter in self.parameters:
            total = sums.get(parameter)
            total = torch.zeros_like(parameter) if total is None else total
            if shop.accelerator.is_main_process:
                total = total + normal(parameter.shape, deviation, parameter.device)
            gradient = shop.accelerator.reduce(total, reduction="sum") / self.how.batch
            if not torch.isfinite(gradient).all():
                raise Misconfigured(
                    f"private training diverged: a gradient is not finite; lower learning_rate "
                    f"({shop.recipe.learning_rate:g})"
                )
            parameter.grad = gradient

    def step(
        self,
        shop: Workshop,
        optimiser: torch.optim.Optimizer,
        taking_part: Mapping[int, Sequence[Row]],
        *,
        canaries: Canaries | None = None,
        rate: float = 0.0,
    ) -> None:
        """Take one step; also when nobody takes part, as noise alone must then hide.

        `canaries`, if there are any, take part with the chance `rate`.
        """
        sums = self.clipped_sum(shop, taking_part)
        if canaries is not None and shop.accelerator.is_main_process:
            canaries.add(sums, self.parameters, rate=rate, bound=self.how.max_grad_norm)
        self.released(shop, sums)
        if canaries is not None:
            canaries.observe(self.parameters, batch=self.how.batch)
        optimiser.step()
        optimiser.zero_grad()


def together(shop: Workshop, value: Any) -> Any:
    """Return the main process's `value` in every process."""
    if shop.accelerator.num_processes == 1:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]
