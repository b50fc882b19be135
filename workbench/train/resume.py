"""Where a run begins: at its start, or where an interrupted one stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from workbench.train.state import (
    Progress,
    Weights,
    load_weights,
    newest_state,
    restore_moments,
    state_folder,
)
from workbench.train.step import Workshop


def begin(shop: Workshop, optimiser: torch.optim.Optimizer, out: Path, *, run: str) -> tuple[Progress, Weights]:
    """Return where to begin; a state left by an interrupted run is put back into network and optimiser."""
    found = newest_state(state_folder(out), run=run)
    if found is None:
        return Progress(run=run, step=0), {}
    progress, place = found
    network = shop.accelerator.unwrap_model(shop.network)
    network.load_state_dict(load_weights(place / "weights.safetensors", shop.device))
    restore_moments(optimiser, network, load_weights(place / "optimiser.safetensors", shop.device))
    best = load_weights(place / "best.safetensors", torch.device("cpu")) if progress.best_loss is not None else {}
    return progress.model_copy(update={"resumed": progress.resumed + 1}), best


def snapshot(network: Any) -> dict[str, torch.Tensor]:
    """Return a copy of the network's weights on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
