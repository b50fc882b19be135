"""Low-rank updates by PEFT, put into a network and merged again, so that it stays the class that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import Misconfigured


def inject(network: Any, *, rank: int, alpha: float, targets: Sequence[str], dropout: float) -> None:
    """Give the layers whose names end in one of `targets` a trainable low-rank update, zero at first.

    Hu et al. 2022. Raises `Misconfigured` where no layer has such a name, or one is of a kind without such an update.
    """
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), lora_dropout=dropout)
    try:
        inject_adapter_in_model(config, network)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise Misconfigured(f"adapter.targets: {', '.join(targets)}: {first}") from error


def merge(network: Any) -> None:
    """Add every update to the weights that it updates, and take it out. Does nothing to a network without."""
    from peft.tuners.lora import LoraLayer

    for name, layer in list(network.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge(safe_merge=True)
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, layer.get_base_layer())
    if hasattr(network, "peft_config"):
        del network.peft_config
