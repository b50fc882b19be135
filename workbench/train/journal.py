"""A file to which lines are added as they are found; whatever a kill cuts off is the last line, and is dropped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import Unwritable

Keep = Callable[[Mapping[str, Any]], None]


def read_lines(place: Path) -> list[dict[str, Any]]:
    """Return the whole lines of `place`; none where there is no such file."""
    if not place.is_file():
        return []
    return [json.loads(line) for line in place.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]


@contextmanager
def appending(place: Path) -> Iterator[Keep]:
    """Yield what adds a line to `place`; each is on the disk before the call returns. Raises `Unwritable`."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        before = "".join(json.dumps(line) + "\n" for line in read_lines(place))
        with place.open("w", encoding="utf-8") as file:
            file.write(before)

            def keep(line: Mapping[str, Any]) -> None:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())

            yield keep
    except OSError as error:
        raise Unwritable(f"cannot write {place}: {error.strerror or error}; free some space, then resume") from error
