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


def in_order(
    workers: Workers,
    function: Callable[[_Given], _Made],
    items: Sequence[_Given],
    cancel: Callable[[int], None] = lambda position: None,
    progress: Callable[[int, int], None] | None = None,
) -> list[_Made]:
    """Return the results in the order of `items`; `progress` is told (items done, items in all) after each."""
    found: dict[int, _Made] = {}
    for position, made in workers.map(function, items, cancel):
        found[position] = made
        if progress is not None:
            progress(len(found), len(items))
    return [found[position] for position in range(len(items))]
