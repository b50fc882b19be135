"""Random numbers that nobody can draw again: from the operating system's cryptographic generator.

Noise that comes from a recorded seed can be subtracted, so nothing here has a seed or leaves one behind. `os.urandom`
is the kernel's generator (ChaCha20 on Linux), seeded from the hardware's entropy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import pi, prod

import numpy as np
import torch
from numpy.typing import NDArray

NAME = "the operating system's cryptographic generator (os.urandom), drawn afresh, never stored"
_BLOCK = 1 << 21
"""Numbers drawn at once: 16 MiB of bytes."""


def uniform(n: int) -> NDArray[np.float64]:
    """Return `n` independent numbers in [0, 1): multiples of 2^-53, each as likely."""
    bits = np.frombuffer(os.urandom(8 * n), dtype=np.uint64)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def coins(n: int, chance: float) -> NDArray[np.bool_]:
    """Return `n` independent coins that each show True with probability `chance`, to 2^-53."""
    return uniform(n) < chance


def normal(shape: Sequence[int], deviation: float, device: torch.device | None = None) -> torch.Tensor:
    """Return independent normal numbers, mean 0, standard deviation `deviation`, float32, of `shape`.

    Box and Muller 1958 in float64, rounded to float32 at the end. Numbers of a computer are not real ones: what the
    lowest bits may tell of the sum that noise is added to (Mironov 2012) is not covered.
    """
    n = prod(shape)
    out = torch.empty(n, dtype=torch.float32)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        half = (stop - start + 1) // 2
        radius = np.sqrt(-2.0 * np.log1p(-uniform(half))) * deviation  # 1 - u lies in (0, 1]
        angle = 2.0 * pi * uniform(half)
        both = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[: stop - start]
        out[start:stop] = torch.from_numpy(both.astype(np.float32))
    found = out.reshape(tuple(shape))
    return found if device is None else found.to(device)
