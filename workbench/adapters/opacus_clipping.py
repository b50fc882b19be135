"""Clipped sums by Opacus: from gradients of each row ("hooks"), or from their norms and a second pass ("ghost").

The stock ways, beside the book-keeping of `workbench.train.private.clipping`: the reference that it is tested against,
and what stays for layers that it has no rule for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from workbench.adapters.clipped_sums import Factors, Losses, Sums, add_to, backward
from workbench.errors import Misconfigured, Unsupported


class _Opacus:
    """A network that Opacus takes."""

    def __init__(self, network: nn.Module, factors: Factors) -> None:
        """Raises `Unsupported` for what Opacus refuses, such as batch normalisation."""
        self._network, self._factors = network, factors
        self._trained = [one for one in network.parameters() if one.requires_grad]
        require_valid(network)


class OpacusHooks(_Opacus):
    """Gradients of each row by `GradSampleModule`, added up by unit, then clipped. Needs a gradient's room per row."""

    def add(self, losses: Losses, *, rows: int, bound: float, sums: Sums) -> torch.Tensor:
        """Add the clipped gradients of some units to `sums`; return each unit's norm before, (units,).

        As `workbench.train.private.clipping.Clipper.add`.
        """
        from opacus.grad_sample import GradSampleModule

        with _hooked(lambda: GradSampleModule(self._network, loss_reduction="sum", strict=False)):
            backward(losses().sum())
            units = {one: _by_unit(one, rows) for one in self._trained if _rows_of(one) is not None}
        norms: torch.Tensor = torch.stack([found.flatten(1).norm(dim=1) for found in units.values()]).norm(dim=0)
        scale = self._factors(norms, bound)
        for parameter, found in units.items():
            add_to(sums, parameter, torch.einsum("u,u...->...", scale, found))
        for one in self._trained:
            one.grad = one.grad_sample = None  # type: ignore[attr-defined]
        return norms


class OpacusGhost(_Opacus):
    """Norms of each row by `GradSampleModuleFastGradientClipping`, then a second backward pass of the clipped losses.

    Li et al. 2022, section 4. Clips rows, so it is for units of one row only.
    """

    def add(self, losses: Losses, *, rows: int, bound: float, sums: Sums) -> torch.Tensor:
        """As `OpacusHooks.add`. Raises `Misconfigured` for units of several rows."""
        from opacus.grad_sample import GradSampleModuleFastGradientClipping

        if rows != 1:
            raise Misconfigured(
                f'clipping "ghost" clips each of the {rows} rows of a unit apart, which multiplies its influence; '
                'choose "auto"'
            )
        with _hooked(
            lambda: GradSampleModuleFastGradientClipping(
                self._network, loss_reduction="sum", strict=False, max_grad_norm=bound
            )
        ) as stock:
            found = losses()
            backward(found.sum(), keep_graph=True)
            norms: torch.Tensor = stock.get_norm_sample().detach()
            for one in self._trained:
                one.grad = None
            stock.disable_hooks()
            backward((found * self._factors(norms, bound)).sum())
        for one in self._trained:
            if one.grad is not None:
                add_to(sums, one, one.grad)
            one.grad = None
        return norms


def require_valid(network: nn.Module) -> None:
    """Raise `Unsupported` where Opacus knows that a layer mixes examples or hides gradients."""
    from opacus.validators import ModuleValidator

    was = network.training
    network.train()
    errors = ModuleValidator.validate(network, strict=False)
    network.train(was)
    if errors:
        raise Unsupported(
            f"private training: {'; '.join(str(error).splitlines()[0] for error in errors)}; replace or freeze it"
        )


@contextmanager
def _hooked(make: Callable[[], Any]) -> Iterator[Any]:
    """Hold Opacus's hooks on the network inside the block, and leave none behind."""
    with warnings.catch_warnings():
        # torch warns that hooks fire for inputs that need no gradient, such as token ids.
        warnings.filterwarnings("ignore", message="Full backward hook", category=UserWarning)
        stock = make()
        try:
            yield stock
        except Exception:
            for one in stock._module.parameters():  # of a pass that broke off
                one.grad = one.grad_sample = None
            raise
        finally:
            stock.remove_hooks()
            for layer in stock._module.modules():
                if hasattr(layer, "activations"):
                    del layer.activations


def _rows_of(parameter: nn.Parameter) -> Any:
    return getattr(parameter, "grad_sample", None)


def _by_unit(parameter: nn.Parameter, rows: int) -> torch.Tensor:
    held = _rows_of(parameter)
    found: torch.Tensor = torch.stack(held).sum(dim=0) if isinstance(held, list) else held
    return found.reshape(len(found) // rows, rows, *found.shape[1:]).sum(dim=1)
