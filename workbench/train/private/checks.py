"""A private run checks its own mechanism before the first step, and its result at the end.

A private model that was trained wrongly looks like one that was trained rightly: the loss falls, epsilon is counted. So
every run looks at the very objects that it will use, with made-up texts in place of private ones, and stops
where one does not do what the statement says. A check that fails raises `GuaranteeBroken` with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from workbench.adapters.clipped_sums import Sums
from workbench.errors import BadInput, GuaranteeBroken, Misconfigured
from workbench.train.private.account import Account
from workbench.train.private.step import Mechanism
from workbench.train.private.units import Units
from workbench.train.step import Workshop

_ALPHA = 1e-9
"""Chance that a correct run fails a statistical check."""
_LOUD = 1e4
"""Share of a row that makes its gradient long enough to be clipped, whatever the network."""
_DRAWS, _UNITS = 400, 50
"""Samples of the sampler, and made-up units that it chooses from."""


def before(shop: Workshop, mechanism: Mechanism, units: Units, rate: float) -> tuple[str, ...]:
    """Run the checks that need no private example; return their names. Raises `GuaranteeBroken`."""
    checks: Mapping[str, Callable[[], None]] = {
        "one unit adds at most max_grad_norm": lambda: _bounded(shop, mechanism),
        "all rows of a unit share one clip": lambda: _together(shop, mechanism),
        "noise has the stated deviation": lambda: _noisy(shop, mechanism),
        "sums are divided by the expected batch": lambda: _divided(shop, mechanism),
        "units take part by independent coins": lambda: _sampled(units, rate),
        "every begun step is counted": _counted,
    }
    for name, check in checks.items():
        try:
            check()
        except GuaranteeBroken as error:
            raise GuaranteeBroken(f"check {name!r} failed: {error}; nothing was trained") from error
    return tuple(checks)


def snapshot_of(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return what `after` and `untouched` compare with."""
    return [one.detach().clone() for one in tensors]


def untouched(buffers: Sequence[torch.Tensor], start: Sequence[torch.Tensor]) -> tuple[str, ...]:
    """Check that nothing else changed: what a layer keeps of its texts (running means) is released without noise."""
    name = "nothing but trainable parameters moved"
    if changed := sum(not torch.equal(one, was) for one, was in zip(buffers, start, strict=True)):
        raise GuaranteeBroken(
            f"check {name!r} failed: {changed} of {len(buffers)} buffers of the network are not what they were, and no "
            "noise was added to them"
        )
    return (name,)


def after(parameters: Sequence[nn.Parameter], start: Sequence[torch.Tensor]) -> tuple[str, ...]:
    """Check that training changed what it was to change: a parameter without noise was never part of the mechanism."""
    name = "every trainable parameter moved"
    still = sum(torch.equal(one.detach(), was) for one, was in zip(parameters, start, strict=True))
    if still:
        raise GuaranteeBroken(
            f"check {name!r} failed: {still} of {len(parameters)} trainable parameters are what they were before; "
            "noise alone would have moved them"
        )
    return (name,)


def _length(sums: Sums) -> float:
    return sqrt(sum(float(total.double().square().sum()) for total in sums.values()))


def _bounded(shop: Workshop, mechanism: Mechanism) -> None:
    """One loud unit: clipping is off, or a parameter is left out of the norm, where its gradient is too long."""
    for seed in range(3):
        sums = mechanism.clipped_sum(shop, {0: mechanism.feed.made_up(1, share=_LOUD, seed=seed)})
        _require_within(sums, mechanism, shop)
        if not sums and shop.accelerator.num_processes > 1:
            continue  # the unit is another process's, which looks
        if missing := [one for one in mechanism.parameters if one not in sums]:
            raise GuaranteeBroken(
                f"{len(missing)} of {len(mechanism.parameters)} trainable parameters got no gradient from a made-up "
                "text"
            )


def _together(shop: Workshop, mechanism: Mechanism) -> None:
    """A loud unit of several like rows: clipped apart, their sum is longer than one clip allows."""
    (row,) = mechanism.feed.made_up(1, share=_LOUD, seed=3)
    try:
        sums = mechanism.clipped_sum(shop, {0: [row] * 3})
    except Misconfigured:
        return  # a way that refuses such units clips none apart
    _require_within(sums, mechanism, shop)


def _require_within(sums: Sums, mechanism: Mechanism, shop: Workshop) -> None:
    if shop.accelerator.num_processes > 1 and not sums:
        return  # the unit is another process's
    found, bound = _length(sums), mechanism.how.max_grad_norm
    if not bound * 0.9 <= found <= bound * (1 + 1e-6):
        raise GuaranteeBroken(f"a unit with a gradient far longer than the bound {bound:g} adds {found:.6g}")


def _noisy(shop: Workshop, mechanism: Mechanism) -> None:
    """A step in which nobody takes part: what is released is noise alone, of a known deviation in each parameter."""
    mechanism.released(shop, {})
    deviation = mechanism.noise_multiplier * mechanism.how.max_grad_norm / mechanism.how.batch
    held = []
    for one in mechanism.parameters:
        assert one.grad is not None
        held.append((f"a parameter of shape {tuple(one.shape)}", one.numel(), float(one.grad.double().square().sum())))
        one.grad = None
    # Of n independent normal numbers, the sum of squares over the variance is chi-squared with n degrees of freedom.
    # All together show a scale that is slightly off; each by itself shows that a small one was left out.
    held.insert(0, ("all parameters", sum(n for _, n, _ in held), sum(square for _, _, square in held)))
    rare = _ALPHA / len(held)
    low, high = stats.chi2.ppf(np.array([[rare / 2], [1 - rare / 2]]), [n for _, n, _ in held])
    for (which, n, square), least, most in zip(held, low, high, strict=True):
        if not least <= square / deviation**2 <= most:
            raise GuaranteeBroken(
                f"noise should have the standard deviation {deviation:.4g} and has {sqrt(square / n):.4g} in {which} "
                f"(n = {n:,})"
            )


def _divided(shop: Workshop, mechanism: Mechanism) -> None:
    """Twice as many units in a step: what is released doubles, because the divisor does not depend on them."""
    quiet = replace(mechanism, noise_multiplier=0.0)
    rows = mechanism.feed.made_up(1, share=1.0, seed=4)
    found = []
    for units in (1, 2):
        sums = quiet.clipped_sum(shop, dict.fromkeys(range(units), rows))
        # of all processes: each has summed a part of the units
        expected = [shop.accelerator.reduce(sums.get(one, torch.zeros_like(one)), "sum") for one in quiet.parameters]
        expected = [total.clone() for total in expected]
        quiet.released(shop, sums)
        for one, total in zip(quiet.parameters, expected, strict=True):
            assert one.grad is not None
            found.append((one.grad * quiet.how.batch, total))
            one.grad = None
    if not all(torch.allclose(a, b, rtol=1e-4, atol=1e-7) for a, b in found):
        raise GuaranteeBroken(
            f"what is released is not the sum over the expected batch ({quiet.how.batch}); a divisor that depends on "
            "who takes part tells of the data"
        )


def _sampled(units: Units, rate: float) -> None:
    """The sampler itself, on made-up units: how many take part, and how often each does, vary as with own coins."""
    few = replace(units, members=tuple((i,) for i in range(_UNITS)))
    chance = min(max(rate, 0.02), 0.5)
    taken = np.zeros((_DRAWS, _UNITS), dtype=bool)
    for draw in taken:
        draw[few.sample(chance)] = True
    times = int(taken.sum())
    total = stats.binomtest(times, taken.size, chance).pvalue
    # Shuffled batches have one size; a sampler with favourites takes some units more often than others.
    if total < _ALPHA or not all(_like_coins(taken.sum(axis=axis), taken.shape[axis], chance) for axis in (0, 1)):
        raise GuaranteeBroken(
            f"units should take part with probability {chance:g}, independently; in {_DRAWS} draws of {_UNITS} they "
            f"took part {times} times, {_range(taken.sum(axis=1))} in a draw and {_range(taken.sum(axis=0))} draws each"
        )


def _like_coins(sums: NDArray[np.int64], n: int, chance: float) -> bool:
    """Tell whether `sums` vary as those of `n` coins do, by n q (1 - q)."""
    spread = float(((sums - n * chance) ** 2).sum()) / (n * chance * (1 - chance))
    low, high = stats.chi2.ppf((_ALPHA / 2, 1 - _ALPHA / 2), len(sums))
    return bool(low * 0.5 <= spread <= high * 1.5)  # coins are not quite normal


def _range(sums: NDArray[np.int64]) -> str:
    return f"{sums.min()} to {sums.max()}"


def _counted() -> None:
    """An account in a place of its own: steps are counted one by one, and a file that lost some is refused."""
    with TemporaryDirectory() as place:
        account = Account(Path(place))
        for expected in range(1, 4):
            account.begin()
            if (found := Account(Path(place)).begun()) != expected:
                raise GuaranteeBroken(f"{expected} steps were begun and {found} were counted")
        try:
            account.begun(at_least=4)
        except BadInput:
            return
        raise GuaranteeBroken("steps that the account has lost go unnoticed")
