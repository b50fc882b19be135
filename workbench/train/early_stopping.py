"""Which evaluation was the best so far, and when to give up hoping for a better one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Watch:
    """What is known after some evaluations."""

    best_loss: float | None = None
    best_step: int = 0
    without_improvement: int = 0
    """Evaluations since the loss last fell by more than the demanded difference."""

    def after(self, loss: float, *, step: int, min_delta: float = 0.0) -> Watch:
        """Return what is known after another evaluation. The lowest loss is the best, however small the difference."""
        if self.best_loss is None or loss < self.best_loss - min_delta:
            return Watch(loss, step, 0)
        if loss < self.best_loss:
            return Watch(loss, step, self.without_improvement + 1)
        return Watch(self.best_loss, self.best_step, self.without_improvement + 1)

    def exhausted(self, patience: int | None) -> bool:
        """Whether there were `patience` evaluations without improvement (None: never)."""
        return patience is not None and self.without_improvement >= patience
