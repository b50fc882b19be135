"""Peak memory of this process while something runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class Peak(NamedTuple):
    """Peak resident memory, in bytes."""

    bytes: int
    since_reset: bool
    """True: the peak while it ran. False: the process's highest so far, because the system cannot reset the mark."""


def peak_memory(work: Callable[[], object]) -> Peak:
    """Run `work` and return the peak resident memory of the whole process.

    Linux resets the mark (VmHWM) on writing 5 to /proc/self/clear_refs; elsewhere, or where that is forbidden, the
    process's highest resident memory so far is returned.
    """
    reset = _reset()
    work()
    return Peak(_high_water(), True) if reset else Peak(_highest_ever(), False)


def _reset() -> bool:
    try:
        _CLEAR.write_text("5")
        return _high_water() > 0
    except (OSError, ValueError):
        return False


def _high_water() -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("the system does not report VmHWM")


def _highest_ever() -> int:
    import resource
    import sys

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024  # macOS counts bytes, Linux kilobytes
