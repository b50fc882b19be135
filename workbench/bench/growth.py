"""How time and memory grow with the number of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from workbench.audit.performance.memory import Peak, peak_memory
from workbench.bench.inputs import Inputs
from workbench.bench.results import Growth, Size
from workbench.bench.targets import MEMORY_GROWTH
from workbench.bench.timing import Say, seconds_of, timed
from workbench.models.engine import engine_for

_FEW, _MANY = 1_000, 10_000


def measure_growth(inputs: Inputs, precision: str, sizes: Sequence[int], repeats: int, say: Say) -> Growth:
    """Predict more and more distinct texts, each number with an engine of its own, several times over.

    Memory is that of the first pass, from few to many: afterwards the process keeps what the largest one needed.
    """
    sizes = [size for size in sizes if size <= len(inputs.everything)]
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    peaks: dict[int, Peak] = {}
    accelerator: dict[int, int] = {}
    _predict(inputs, precision, sizes[0])  # what is allocated once and for all
    for attempt in range(repeats):
        for size in sizes if not attempt else sizes[:-1]:  # the largest takes minutes, and varies least
            _reset(inputs)
            peak = peak_memory(lambda size=size: seconds[size].append(timed(lambda: _predict(inputs, precision, size))))  # type: ignore[misc]
            if not attempt:
                peaks[size] = peak
                accelerator |= _held(inputs, size)
            say(f"growth, {precision}: {size:,} examples in {seconds[size][-1]:.1f} s")
    growth = _memory_growth(peaks)
    return Growth(
        precision=precision,
        sizes=tuple(
            Size(
                examples=size,
                seconds=seconds_of(seconds[size], size),
                peak_bytes=peaks[size].bytes if peaks[size].since_reset else None,
                device_bytes=accelerator.get(size),
            )
            for size in sizes
        ),
        memory_growth=growth,
        memory_growth_target=MEMORY_GROWTH,
        met=None if growth is None else growth < MEMORY_GROWTH,
    )


def _predict(inputs: Inputs, precision: str, size: int) -> None:
    with engine_for(inputs.model, precision=precision) as engine:
        engine.search.predict_proba(inputs.everything[:size])


def _memory_growth(peaks: Mapping[int, Peak]) -> float | None:
    few, many = peaks.get(_FEW), peaks.get(_MANY)
    if few is None or many is None or not (few.since_reset and many.since_reset):
        return None
    return many.bytes / few.bytes - 1


def _reset(inputs: Inputs) -> None:
    if inputs.model.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(inputs.model.device)


def _held(inputs: Inputs, size: int) -> dict[int, int]:
    if not inputs.model.device.startswith("cuda"):
        return {}
    return {size: torch.cuda.max_memory_reserved(inputs.model.device)}
