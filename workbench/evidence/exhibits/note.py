"""A sentence that belongs to numbers."""

from __future__ import annotations

import re
from typing import Literal

from workbench.evidence.schema import Stored


class Note(Stored):
    """A sentence that a reader of the numbers must know, e.g. a caveat found while measuring."""

    kind: Literal["note"] = "note"
    text: str

    @property
    def not_given(self) -> tuple[str, ...]:
        """The metrics that it says are missing: it begins '<metric> is not given', or 'does not apply'."""
        found = _MISSING.match(self.text)
        return () if found is None else tuple(re.split(", | and ", found["metrics"]))

    @property
    def by_nature(self) -> bool:
        """Whether they are missing because they do not apply to this model or these texts."""
        found = _MISSING.match(self.text)
        return found is not None and found["why"].endswith("apply")


_MISSING = re.compile(
    r"(?P<metrics>[a-z][a-z0-9_]*(?:(?:, | and )[a-z][a-z0-9_]*)*) "
    r"(?P<why>(?:is|are) not given|(?:does|do) not apply)\b"
)
