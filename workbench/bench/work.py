"""What a work is: the same task done by stock and by us."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from workbench.bench.meter import Done
from workbench.bench.results import Agreement


class Work(Protocol):
    """One library's task on a number of examples."""

    name: ClassVar[str]
    second: ClassVar[str | None]
    """What the second column is: stock with the change that explains most of the difference."""
    precisions: ClassVar[tuple[str, ...]]

    @property
    def n(self) -> int:
        """Examples."""
        ...

    def trial(self) -> object:
        """Do a small part of what stock does, to find its best number of threads."""
        ...

    def stock(self) -> Any:
        """Return stock's answers."""
        ...

    def stock_changed(self) -> Any:
        """Return the answers of the second column."""
        ...

    def ours(self, precision: str) -> Done:
        """Return our answers, searched in `precision`, and what they took."""
        ...

    def agreement(self, stock: Any, ours: Any, precision: str) -> Agreement:
        """Compare the answers."""
        ...
