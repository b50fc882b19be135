"""Progress of long calls in a notebook: tqdm's bar, the usual one there. Elsewhere a library keeps silent."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

DELAY = 2.0
"""Seconds that a call takes before it shows a bar: its next step does."""

Counted = Callable[[int, int], None]
"""Told (done, in all)."""
_T = TypeVar("_T")


def in_notebook() -> bool:
    """Return whether this process answers a notebook's cells."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@contextmanager
def counting(progress: Counted | None, what: str) -> Iterator[Counted | None]:
    """Yield `progress`; without one, in a notebook, what shows a bar named `what`; elsewhere None."""
    if progress is not None or not in_notebook():
        yield progress
        return
    with _bar() as show:
        yield lambda done, total: show(what, done, total)


@contextmanager
def stepping(
    progress: Callable[[_T], None] | None, read: Callable[[_T], tuple[str, int, int | None]]
) -> Iterator[Callable[[_T], None] | None]:
    """As `counting`, for callbacks told of steps; `read` makes of one its name, how much is done and of how much."""
    if progress is not None or not in_notebook():
        yield progress
        return
    with _bar() as show:
        yield lambda step: show(*read(step))


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield what shows (name, done, in all): one bar, begun again where the name changes; none before `DELAY`."""
    with ExitStack() as opened:
        begun, bar, named = time.monotonic(), None, ""

        def show(name: str, done: int, total: int | None) -> None:
            nonlocal bar, named
            if bar is None:
                if time.monotonic() - begun < DELAY:
                    return
                bar = opened.enter_context(_tqdm(total))
            if name != named:
                named = name
                bar.set_description(name, refresh=False)
                bar.reset(total=total)
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _tqdm(total: int | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets tqdm warns, and writes its bar as text
        from tqdm.auto import tqdm
    return tqdm(total=total, leave=False)
