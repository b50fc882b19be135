"""What an attack on privacy measured: a value that says on how many people it rests and how sure it is."""

from __future__ import annotations

from typing import NamedTuple

from workbench.evidence.measurement import Interval


class Estimate(NamedTuple):
    """A value with its n and its interval."""

    value: float
    n: int
    """Number of independent units it rests on."""
    interval: Interval
