"""An exception in one sentence, for the record: what was raised, and where."""

from __future__ import annotations

import traceback
from pathlib import Path

from workbench.errors import WorkbenchError


def raised(error: Exception) -> str:
    """Return type, message and place of `error`: file name and line, never a full path.

    Our own errors go without the place: their message is written for the reader.
    """
    message = str(error) or "no message"
    if isinstance(error, WorkbenchError):
        return f"{type(error).__name__}: {message}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message}{place}"
