"""The state of an interrupted run: weights and optimiser as safetensors, the rest as JSON. Nothing pickled.

A run at `runs/base` keeps its state in `runs/.base.training/step-00000120/`. A state appears whole (written beside,
then renamed), so after a kill at any moment the newest folder is a complete one. No random state is stored: batches
and dropout are functions of the seed and the step.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from workbench.errors import BadInput, Misconfigured, Unwritable
from workbench.evidence.cards import AttackRound, EpochPoint
from workbench.evidence.schema import Stored
from workbench.train.early_stopping import Watch
from workbench.train.folders import writing_folder

Weights = Mapping[str, torch.Tensor]

BEGUN = "steps-begun"
"""File of a private run's state that tells how many steps were begun."""
CANARIES = "canaries.safetensors"
"""File of a state that holds the canaries of a private run."""


class Progress(Stored):
    """Where a run stands, apart from its tensors."""

    run: str
    """sha256 of recipe, backbone, data and number of processes: what may not change until the run is resumed."""
    step: int
    best_loss: float | None = None
    best_step: int = 0
    without_improvement: int = 0
    loss_sum: float = 0.0
    """Sum of the steps' training losses since the last evaluation."""
    loss_steps: int = 0
    curve: tuple[EpochPoint, ...] = ()
    seconds: float = 0.0
    resumed: int = 0
    lost: int = 0
    """Private steps that interruptions took back: `step` counts them, too."""
    rewritings: int = 0
    """Rewritten texts that the present epoch learns from."""
    rounds: tuple[AttackRound, ...] = ()
    stopped: str = ""
    """Why the run ended; empty until it did."""

    @property
    def watch(self) -> Watch:
        """The evaluations so far."""
        return Watch(self.best_loss, self.best_step, self.without_improvement)


def state_folder(out: Path) -> Path:
    """Return where the run that will become `out` keeps its state."""
    return out.parent / f".{out.name}.training"


def run_digest(*parts: str) -> str:
    """Return sha256 over `parts`."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def save_state(
    folder: Path,
    progress: Progress,
    weights: Weights,
    moments: Weights,
    best: Weights | None,
    canaries: Weights | None = None,
) -> None:
    """Write one state and remove older ones. Raises `Unwritable`."""
    from safetensors.torch import save_file

    target = folder / f"step-{progress.step:08d}"
    if target.exists():
        return
    with writing_folder(target) as place:
        save_file(_whole(weights), place / "weights.safetensors")
        save_file(_whole(moments), place / "optimiser.safetensors")
        if best is not None:
            save_file(_whole(best), place / "best.safetensors")
        if canaries is not None:
            save_file(_whole(canaries), place / CANARIES)
        (place / "progress.json").write_text(progress.model_dump_json(indent=1), encoding="utf-8")
    for older in sorted(folder.glob("step-*")):
        if older != target:
            shutil.rmtree(older, ignore_errors=True)


def newest_state(folder: Path, *, run: str) -> tuple[Progress, Path] | None:
    """Return the newest state in `folder` and where it lies, or None.

    Raises:
        BadInput: the state cannot be read.
        Misconfigured: it belongs to another recipe or backbone, other data or another number of processes.
    """
    found = sorted(folder.glob("step-*"))
    if not found:
        return None
    try:
        progress = Progress.model_validate_json((found[-1] / "progress.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise BadInput(f"cannot read the state in {found[-1]}: {error}; remove {folder} to start anew") from error
    if progress.run != run:
        raise Misconfigured(
            f"the interrupted run in {folder} had another recipe, backbone, data set or number of processes; "
            "resume it with the same ones, or remove that folder to start anew"
        )
    return progress, found[-1]


def require_no_state(out: Path) -> None:
    """Raise `Unwritable` where an interrupted run waits to be resumed."""
    if any(state_folder(out).glob("step-*")) or (state_folder(out) / BEGUN).exists():
        raise Unwritable(
            f"an interrupted training of {out} waits in {state_folder(out)}; continue it with --resume, or remove that "
            "folder to start anew"
        )


def clear_state(out: Path) -> None:
    """Remove the state of a run that has ended."""
    shutil.rmtree(state_folder(out), ignore_errors=True)


def load_weights(path: Path, device: torch.device) -> dict[str, torch.Tensor]:
    """Return the tensors in a safetensors file. Raises `BadInput`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device=named(device))
    except (OSError, SafetensorError) as error:
        raise BadInput(f"cannot read {path}: {error}; remove {path.parent.parent} to start anew") from error


def named(device: torch.device) -> str:
    """Return what safetensors calls `device`: of several processes on a CPU each has 'cpu:0', which it refuses."""
    return "cpu" if device.type == "cpu" else str(device)


def optimiser_moments(optimiser: torch.optim.Optimizer, network: Any) -> dict[str, torch.Tensor]:
    """Return the optimiser's state as 'parameter name|what' -> tensor."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    return {
        f"{names[parameter]}|{what}": value
        for parameter, held in optimiser.state.items()
        for what, value in held.items()
        if value is not None  # gradient descent without momentum remembers nothing
    }


def restore_moments(optimiser: torch.optim.Optimizer, network: Any, moments: Weights) -> None:
    """Put back what `optimiser_moments` returned."""
    parameters = dict(network.named_parameters())
    for key, value in moments.items():
        name, _, what = key.rpartition("|")
        optimiser.state[parameters[name]][what] = value


def _whole(tensors: Weights) -> dict[str, torch.Tensor]:
    """Return copies that share no memory: tied weights are stored once per name."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
