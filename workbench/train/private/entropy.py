"""Random numbers that nobody can draw again: from a cryptographic generator without a seed of ours.

Noise that comes from a recorded seed can be subtracted, so nothing here has a seed or leaves one behind.
`ssl.RAND_bytes` is OpenSSL's generator (AES in counter mode, NIST SP 800-90A), which takes its seeds from the operating
system's entropy, anew after a fork; it gives bytes about four times as fast as the kernel does.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from math import pi, prod

import numpy as np
import torch
from numpy.typing import NDArray

NAME = (
    "a cryptographic generator (OpenSSL's, by ssl.RAND_bytes, seeded from the operating system's entropy), made normal "
    "in float64 (Box and Muller 1958), drawn afresh, never stored"
)
_BLOCK = 1 << 18
"""Numbers drawn at once: 2 MiB, which a processor's cache holds."""


def uniform(n: int) -> NDArray[np.float64]:
    """Return `n` independent numbers in [0, 1): multiples of 2^-53, each as likely."""
    bits = np.frombuffer(ssl.RAND_bytes(8 * n), dtype=np.uint64)
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
        first, second = torch.from_numpy(uniform(2 * half)).chunk(2)
        radius = torch.log1p(-first).mul_(-2.0).sqrt_().mul_(deviation)  # 1 - u lies in (0, 1]
        angle = second.mul_(2.0 * pi)
        out[start : start + half] = radius * torch.cos(angle)
        out[start + half : stop] = (radius * torch.sin(angle))[: stop - start - half]
    found = out.reshape(tuple(shape))
    return found if device is None else found.to(device)
