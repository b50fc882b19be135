"""One root seed, many independent named streams.

A stream is named by what it is for (`"attack", example.id`), never by when it is asked for, so the order of work,
shard sizes, thread counts and engines cannot change a result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random streams below one root seed."""

    root: int

    def seed(self, *name: str) -> int:
        """Return a 64-bit seed for the stream `name`: sha256 of the root and the name's parts."""
        digest = hashlib.sha256(str(self.root).encode())
        for part in name:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big"))  # length first: ("ab", "c") is not ("a", "bc")
            digest.update(encoded)
        return int.from_bytes(digest.digest()[:8], "big")

    def stream(self, *name: str) -> np.random.Generator:
        """Return a fresh NumPy generator for the stream `name`."""
        return np.random.default_rng(self.seed(*name))
