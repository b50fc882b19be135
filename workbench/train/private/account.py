"""How many private steps a run has begun: what its epsilon counts, whether or not their results were kept.

Each step is noted on the disk before its gradient is computed. A killed run has lost the weights since its last state,
but somebody may have seen them, so the steps up to the kill stay paid for.
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import BadInput, Unwritable
from workbench.train.state import BEGUN

_MARK = b"."


class Account:
    """The steps of one run, kept in a file of one byte each."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the state of the run lies."""
        self._place = folder / BEGUN

    def begun(self, *, at_least: int = 0) -> int:
        """Return how many steps were begun.

        `at_least`: what the state says that is kept. Raises `BadInput` where the file tells of fewer: then nobody knows
        what was spent.
        """
        try:
            found = self._place.stat().st_size
        except FileNotFoundError:
            found = 0
        except OSError as error:
            raise BadInput(f"cannot read {self._place}: {error.strerror or error}") from error
        if found < at_least:
            raise BadInput(
                f"{self._place} tells of {found} private steps, but the state beside it was left by step {at_least}: "
                f"what was spent is not known any more; remove {self._place.parent} and start anew"
            )
        return found

    def begin(self) -> None:
        """Note one more step, on the disk before this returns. Raises `Unwritable`."""
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            with self._place.open("ab") as file:
                file.write(_MARK)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unwritable(
                f"cannot write {self._place}: {error.strerror or error}; free some space, then resume"
            ) from error
