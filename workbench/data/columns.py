"""Which columns of a table mean what."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import Misconfigured


@dataclass(frozen=True)
class Columns:
    """Which columns of a file or hub data set hold what. Text and label default to columns of those names."""

    text: tuple[str, ...] = ()
    """Joined by a line break; empty ones are left out. A row needs one that is not empty."""
    label: str | None = None
    groups: tuple[str, ...] = ()
    """Sensitive attributes."""
    id: str | None = None
    person: str | None = None
    """Whose record a row is: people stay together in splits and in resampling."""

    def __post_init__(self) -> None:
        for group in self.groups:
            if group == self.label or group in self.text:
                what = "label" if group == self.label else "text"
                raise Misconfigured(
                    f"column {group!r} is named both as {what} and as group: groups are who the text is about or from; "
                    "name another column with --group-column"
                )
        if self.label is not None and self.label in self.text:
            raise Misconfigured(
                f"column {self.label!r} is named both as text and as label: the model would read the answer; "
                "name different columns with --text-column and --label-column"
            )
