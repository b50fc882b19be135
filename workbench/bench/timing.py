"""Timing two sides fairly: in turns, several times, stock with the number of threads that suits it best."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch

from workbench.bench.results import Ratio, Seconds

Say = Callable[[str], None]
"""Told about progress, line by line."""

_TRIALS = 3


class Threads(NamedTuple):
    """How many intra-op threads suit stock best."""

    chosen: int
    tried: dict[str, float]
    """Threads -> median seconds of a small part of the work."""


def timed(work: Callable[[], object]) -> float:
    """Return the wall-clock seconds of `work`."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def intra_op(threads: int) -> Iterator[None]:
    """Let torch use so many threads for one operation inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_threads(trial: Callable[[], object]) -> Threads:
    """Try `trial` with 1, 2, 4, … threads up to all cores, in turns; return the fastest number."""
    cores = torch.get_num_threads()
    numbers = sorted({min(2**power, cores) for power in range(cores.bit_length() + 1)})
    seconds: dict[int, list[float]] = {number: [] for number in numbers}
    for attempt in range(_TRIALS + 1):
        for number in numbers:
            with intra_op(number):
                elapsed = timed(trial)
            if attempt:  # the first one warms up
                seconds[number].append(elapsed)
    medians = {number: statistics.median(found) for number, found in seconds.items()}
    return Threads(min(numbers, key=lambda number: medians[number]), {str(n): s for n, s in medians.items()})


def seconds_of(repetitions: Sequence[float], examples: int) -> Seconds:
    """Return the seconds for one example, given those of the whole work in each repetition."""
    each = [one / examples for one in repetitions]
    return Seconds(median=statistics.median(each), low=min(each), high=max(each), repeats=len(each))


def ratio_of(stock: Sequence[float], ours: Sequence[float]) -> Ratio:
    """Return how many times faster we are; repetitions are paired, because they stood side by side."""
    pairs = [a / b for a, b in zip(stock, ours, strict=True)]
    value = statistics.median(stock) / statistics.median(ours)
    return Ratio(value=value, low=min(*pairs, value), high=max(*pairs, value), repeats=len(pairs))


def middle(repetitions: Sequence[float]) -> int:
    """Return which repetition is the median one (of an even number, the faster of the middle two)."""
    return sorted(range(len(repetitions)), key=lambda i: repetitions[i])[(len(repetitions) - 1) // 2]
