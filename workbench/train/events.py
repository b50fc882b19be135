"""What a training run tells while it goes. The loop never prints: whoever wants bars draws them from these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["prepare", "augment", "train", "validate", "test", "save", "references"]


@dataclass(frozen=True)
class TrainingEvent:
    """One step of one phase."""

    phase: Phase
    step: int
    """Done in this phase: optimiser steps, or examples rewritten or judged."""
    total: int
    epoch: float = 0.0
    loss: float | None = None
    """Mean loss of this step (train), or over the split (validate, test) once it is known."""
    learning_rate: float | None = None
    examples_per_second: float | None = None
    message: str = ""
    """A sentence for the reader, e.g. 'resumed at step 120'."""


OnEvent = Callable[[TrainingEvent], None]


def silent(event: TrainingEvent) -> None:
    """Tell nobody."""
