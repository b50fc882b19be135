"""Libraries that draw from the process-wide generators take turns, and each keeps its own stream of numbers.

TextAttack and SHAP draw from the generators of `random`, NumPy and torch. Many of their searches are under way at once,
each in a thread of its own, but only one computes at a time: whoever waits for the model steps aside, takes the state
of the generators along, and puts it back when it goes on. So a search draws the very numbers that it would draw alone.
(Python's own lock lets only one thread compute anyway; taking turns costs nothing.)
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_TURN = threading.Lock()
_under_way: list[Any] = []
"""The generators' states from before the first of the searches under way, once for each of these. Guarded by _TURN."""


class Turn:
    """The right to compute, held by one thread. Use `turn`."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others compute inside the block; afterwards go on with the generators as they were before it."""
        state = _state()
        _TURN.release()
        try:
            yield
        finally:
            _TURN.acquire()
            _restore(state)


@contextmanager
def turn(seed: int) -> Iterator[Turn]:
    """Wait for the turn and seed the three process-wide generators with `seed`; the last to leave puts them back."""
    with _TURN:
        _under_way.append(_under_way[0] if _under_way else _state())
        try:
            _seed(seed)
            yield Turn()
        finally:
            _restore(_under_way.pop())


def _seed(seed: int) -> None:
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed % 2**63)


def _state() -> tuple[Any, Any, Any]:
    import torch

    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _restore(state: tuple[Any, Any, Any]) -> None:
    import torch

    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])
