"""Gradient canaries: made-up units of a private run, to see what training gives away of whether they took part.

Each canary's gradient points along one parameter coordinate of its own and is far longer than the clipping bound, so it
adds exactly that bound where the mechanism is right. Half of them, by a fair coin each, are units of the run and take
part in its steps like all others. Whoever sees every released gradient guesses the coins from the sum along each
coordinate: what an adversary who may look at all weights on the way could do (Steinke, Nasr and Jagielski 2023, section
6; Dirac canaries: Nasr et al. 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from workbench.adapters.clipped_sums import Sums
from workbench.errors import Misconfigured
from workbench.evidence.cards import CanaryRun
from workbench.train.private import clipping
from workbench.train.private.entropy import coins, uniform

_LOUD = 100.0
"""Length of a canary's gradient before clipping, in units of the bound: where clipping is off, it is heard."""


@dataclass
class Canaries:
    """The canaries of one run: where each points, whether it is a unit, and what was seen of it so far."""

    places: tuple[tuple[int, int], ...]
    """Canary -> number of the parameter, and place in it."""
    included: tuple[bool, ...]
    seen: torch.Tensor
    """(canaries,) sums of what was released along each coordinate, times the divisor; float64."""

    def add(self, sums: Sums, parameters: Sequence[nn.Parameter], *, rate: float, bound: float) -> None:
        """Let the canaries that are units take part in a step, each by a coin of chance `rate`."""
        takes = coins(len(self.places), rate) & np.asarray(self.included, dtype=bool)
        scale = float(clipping.factors(torch.tensor([_LOUD * bound]), bound)[0])
        for i in np.flatnonzero(takes).tolist():
            number, place = self.places[i]
            parameter = parameters[number]
            if parameter not in sums:
                sums[parameter] = torch.zeros_like(parameter)
            sums[parameter].view(-1)[place] += scale * _LOUD * bound

    def observe(self, parameters: Sequence[nn.Parameter], *, batch: int) -> None:
        """Note what the step released, which lies in the parameters' gradients."""
        numbers, places = torch.tensor(self.places, dtype=torch.int64).reshape(-1, 2).unbind(dim=1)
        for number in sorted({number for number, _ in self.places}):
            gradient = parameters[number].grad
            assert gradient is not None, "a step was released"
            here = numbers == number
            self.seen[here] += gradient.view(-1)[places[here]].double().cpu() * batch

    def run(self, *, guesses: int, epsilon: float, delta: float, steps: int) -> CanaryRun:
        """Return what a later audit needs: coins, scores, and the number of guesses that was fixed before."""
        return CanaryRun(
            kind="gradient",
            included=self.included,
            scores=tuple(self.seen.tolist()),
            positive_guesses=(guesses + 1) // 2,
            negative_guesses=guesses // 2,
            epsilon=epsilon,
            delta=delta,
            steps=steps,
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything as tensors, for the state of the run."""
        return {
            "places": torch.tensor(self.places, dtype=torch.int64),
            "included": torch.tensor(self.included),
            "seen": self.seen,
        }

    @classmethod
    def of_tensors(cls, held: dict[str, torch.Tensor]) -> Canaries:
        """Return what `tensors` was made from."""
        places = tuple((int(number), int(place)) for number, place in held["places"].tolist())
        return cls(places, tuple(held["included"].tolist()), held["seen"].clone())


def plant(n: int, parameters: Sequence[nn.Parameter]) -> Canaries:
    """Return `n` canaries at coordinates of their own, with fair coins from a cryptographic generator.

    Raises `Misconfigured` where there are not twice as many trainable coordinates.
    """
    sizes = [one.numel() for one in parameters]
    total = sum(sizes)
    if 2 * n > total:
        raise Misconfigured(
            f"privacy.canaries: {n:,} need at least {2 * n:,} trainable parameters, one coordinate each and as many "
            f"left alone; there are {total:,}: plant fewer, or train more"
        )
    ends = np.cumsum(sizes)
    chosen = np.argsort(uniform(total))[:n]
    numbers = np.searchsorted(ends, chosen, side="right")
    places = tuple((int(k), int(at - (ends[k - 1] if k else 0))) for k, at in zip(numbers, chosen, strict=True))
    return Canaries(places, tuple(coins(n, 0.5).tolist()), torch.zeros(n, dtype=torch.float64))
