"""What to measure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workbench.bench.targets import PRECISIONS, TITLES
from workbench.errors import Misconfigured, NotFound

SIZES = (100, 1_000, 10_000)
"""Examples whose cost is measured one after the other."""

GROWTH = "growth"
PARTS = (GROWTH, *TITLES)
"""What --only knows."""


@dataclass(frozen=True)
class Settings:
    """The flags of one run."""

    model: str = "runs/demo"
    device: str = "cpu"
    examples: int = 20
    attacks: int = 60
    """More than are explained: at least twenty that resisted are searched again in float32, and of a small number that
    would be all."""
    predictions: int = 2_000
    repeats: int = 3
    precisions: tuple[str, ...] = PRECISIONS
    only: tuple[str, ...] = ()
    """Parts; empty: all."""
    sizes: tuple[int, ...] = SIZES
    command: str = ""
    trial: bool = False
    """Too little is measured for any figure to be one."""

    def __post_init__(self) -> None:
        for name in ("examples", "attacks", "predictions", "repeats"):
            if getattr(self, name) < 1:
                raise Misconfigured(f"--{name} must be at least 1; got {getattr(self, name)}")
        for part in self.only:
            if part not in PARTS:
                raise NotFound.among("work", part, PARTS)

    def quick(self) -> Settings:
        """Return the same with so little to do that it takes minutes: to see that all of it works."""
        return replace(
            self,
            examples=min(self.examples, 2),
            attacks=min(self.attacks, 2),
            predictions=min(self.predictions, 128),
            repeats=1,
            sizes=SIZES[:2],
            trial=True,
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.trial and not self.only and set(self.precisions) == set(PRECISIONS)

    def wants(self, part: str) -> bool:
        return not self.only or part in self.only
