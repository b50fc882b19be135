"""Where work items run: what whoever has many of them asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Workers(Protocol):
    """`engines.local.Threads`, for one."""

    def map(
        self,
        function: Callable[[_Given], _Made],
        items: Sequence[_Given],
        cancel: Callable[[int], None] = lambda position: None,
    ) -> Iterator[tuple[int, _Made]]:
        """Yield (position, result) in any order; raise the error of the first item, by position, that failed."""
        ...


class OneByOne:
    """Items one after the other, on the calling thread."""

    def map(
        self,
        function: Callable[[_Given], _Made],
        items: Sequence[_Given],
        cancel: Callable[[int], None] = lambda position: None,
    ) -> Iterator[tuple[int, _Made]]:
        """As `Workers.map`."""
        for position, item in enumerate(items):
            yield position, function(item)
