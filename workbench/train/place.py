"""Where training runs: processes, device, precision, threads. Borrowed from the machine, given back afterwards."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from workbench.errors import Misconfigured, MissingResource, NotFound, Unsupported

TRACKERS = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}
"""Experiment trackers by name, and the package that each needs."""


def make_accelerator(track: str | None, logs: str) -> Any:
    """Return accelerate's handle on this process's device and its fellow processes.

    Precision is ours (autocast without a scaler), so that one process can train several times with different ones.

    Raises:
        NotFound, MissingResource: an unknown tracker, or its package is missing.
        Unsupported: sharded training (FSDP, DeepSpeed): states and checkpoints here are whole.
    """
    from accelerate import Accelerator
    from accelerate.utils import DistributedType

    require_tracker(track)
    accelerator = Accelerator(mixed_precision="no", log_with=track, project_dir=logs if track else None)
    if accelerator.distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM):
        raise Unsupported(
            f"{accelerator.distributed_type} training is not supported; launch with plain data parallelism: "
            "torchrun --nproc_per_node N, or accelerate launch --multi_gpu"
        )
    return accelerator


def require_tracker(track: str | None) -> None:
    """Raise unless `track` is None or a tracker whose package is installed."""
    if track is None:
        return
    if track not in TRACKERS:
        raise NotFound.among("tracker", track, TRACKERS, where="--track")
    if importlib.util.find_spec(TRACKERS[track]) is None:
        raise MissingResource(f"--track {track} needs the package {TRACKERS[track]}: pip install {TRACKERS[track]}")


def resolve_precision(asked: str, device: torch.device) -> str:
    """Return 'float32' or 'bfloat16' for `asked`; 'auto' is bfloat16 where `device` multiplies it in hardware.

    By capability, not by a stopwatch: a busy moment must not change the result. Raises `Misconfigured`.
    """
    if device.type == "cuda":
        has = torch.cuda.is_bf16_supported(including_emulation=False)
        if asked == "bfloat16" and not has:
            raise Misconfigured("precision bfloat16: this GPU does not have it; set precision to float32")
    else:
        capable = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        has = bool(capable.get("amx_bf16") or capable.get("avx512_bf16"))
    if asked == "auto":
        return "bfloat16" if has else "float32"
    return asked


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which the network runs."""
    if precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def training_threads(processes_here: int) -> Iterator[None]:
    """Use this process's share of the physical cores inside the block; an explicit OMP_NUM_THREADS is respected."""
    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, _physical_cores() // max(1, processes_here)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw torch's random numbers from `seed` inside the block; afterwards the generators are as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _physical_cores() -> int:
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed))
