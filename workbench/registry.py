"""Names to things: `name@version -> factory`, explicit, refusing duplicates, open to outsiders.

The version is part of the name, so a stored record means the same thing next year. Outsiders add theirs through the
entry-point group given at construction (`workbench.probes`): the entry point's name is the registered name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from workbench.errors import Misconfigured, NotFound

T = TypeVar("T")
_NAME = re.compile(r"^[a-z][a-z0-9_.-]*@[1-9][0-9]*$")


class Registry(Generic[T]):
    """A table of `name@version` to `T`. Each name is registered once."""

    def __init__(self, kind: str, *, group: str | None = None) -> None:
        self._kind = kind
        self._group = group
        self._table: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under `name`; a second use of a name raises."""
        if not _NAME.match(name):
            raise Misconfigured(f"{self._kind} name {name!r} must look like 'pillar.name@1'")

        def add(thing: T) -> T:
            if name in self._table:
                raise Misconfigured(f"{self._kind} {name!r} is registered twice")
            self._table[name] = thing
            return thing

        return add

    def __getitem__(self, name: str) -> T:
        """Return what `name` stands for; the version may be left out when only one exists."""
        self._load_outsiders()
        if name in self._table:
            return self._table[name]
        versions = [known for known in self._table if known.split("@")[0] == name]
        if len(versions) == 1:
            return self._table[versions[0]]
        raise NotFound.among(self._kind, name, self._table)

    def __iter__(self) -> Iterator[str]:
        self._load_outsiders()
        return iter(sorted(self._table))

    def __contains__(self, name: str) -> bool:
        self._load_outsiders()
        return name in self._table

    def _load_outsiders(self) -> None:
        group, self._group = self._group, None  # once
        if group is None:
            return
        for point in entry_points(group=group):
            self.register(point.name)(point.load())
