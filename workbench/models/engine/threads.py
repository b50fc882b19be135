"""How many threads compute at once: on a processor one a core, each computing alone.

Many small batches side by side beat one batch on all cores: two cores of an AVX-512 machine compute MiniLM at 155
GFLOP/s in float32 and 300 in bfloat16 this way, and at 136 and 230 the other way, because nobody waits for the slower
half of every matrix product. And only so is a text's answer independent of its place in the batch: split over two
threads, matrix products of the same size gave other bits for 2 of 469 rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

_MOST = 16
"""More threads than this would wait for Python's lock between two matrix products."""


_setting = threading.Lock()
"""Held while the default is another than it should be."""


class Streams(NamedTuple):
    """Threads that compute, and what each does first."""

    threads: int
    prepare: Callable[[], None]


def streams(device: str, threads: int | None = None) -> Streams:
    """Return the threads for torch's device `device`; `threads`: how many, where somebody knows better."""
    if torch.device(device).type != "cpu":
        return Streams(threads or 1, lambda: None)
    return Streams(threads or max(1, min(torch.get_num_threads(), _MOST)), one_core)


def one_core() -> None:
    """Let the calling thread compute alone, and no other.

    Torch makes what any thread sets the default of threads that come later. So one that ends at once sets it back:
    else a model asked without an engine would answer with other bits in a new thread while an engine is open.
    """
    with _setting:
        default = torch.get_num_threads()
        torch.set_num_threads(1)
        back = threading.Thread(target=torch.set_num_threads, args=(default,), name="default-threads")
        back.start()
        back.join()


@contextmanager
def alone(device: str) -> Iterator[None]:
    """Compute inside the block as the engine's threads do: on one core of a processor."""
    before = torch.get_num_threads()
    if torch.device(device).type == "cpu":
        one_core()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def lacks_memory(error: BaseException) -> bool:
    """Return whether `error` says that a batch did not fit into memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
