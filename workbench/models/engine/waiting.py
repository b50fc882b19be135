"""What waits for the model: who asked for it, in which shape it goes, and what goes next.

A plain data structure; whoever uses it holds the dispatcher's lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.models.engine.lanes import Lane
    from workbench.models.engine.memory import Memory

_PATIENCE = 16
"""Batches that may overtake a waiting text for being fuller than its own."""


class Ticket:
    """One request under way: its answers by position, and the event that they are complete."""

    def __init__(self, owner: Hashable, size: int) -> None:
        self.owner = owner
        self.answers: list[Any] = [None] * size
        self.errors: dict[int, BaseException] = {}
        self.missing = size
        self.complete = threading.Event()
        if not size:
            self.complete.set()

    def settle(self, position: int, answer: Any, error: BaseException | None) -> None:
        """Take the answer (or the error) for one position."""
        self.answers[position] = answer
        if error is not None:
            self.errors[position] = error
        self.missing -= 1
        if self.missing == 0:
            self.complete.set()

    def abandon(self, error: BaseException) -> None:
        """End the request with `error`, whatever is still missing."""
        self.errors = {0: error}
        self.missing = -1
        self.complete.set()

    @property
    def abandoned(self) -> bool:
        return self.missing < 0


@dataclass(eq=False, slots=True)
class Entry:
    """One thing to compute, once, for all who asked for it."""

    lane: Lane
    key: bytes | None
    """Content hash; None for what is never asked twice."""
    payload: Any
    owner: Hashable
    """Who asked first: its turn is spent on it."""
    memory: Memory | None = None
    """Where its answer is kept."""
    waiters: list[tuple[Ticket, int]] = field(default_factory=list)
    arrived: int = 0

    @property
    def wanted(self) -> bool:
        return any(not ticket.abandoned for ticket, _ in self.waiters)


@dataclass(eq=False, slots=True)
class _Bucket:
    """Everything that waits for one lane in one shape, by owner."""

    rows: int
    queues: OrderedDict[Hashable, deque[Entry]] = field(default_factory=OrderedDict)
    size: int = 0

    def oldest(self) -> int:
        return min(queue[0].arrived for queue in self.queues.values())


class Waiting:
    """The queue of entries. Fair: owners take turns, one batch each."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, Hashable], _Bucket] = {}
        self._by_key: dict[tuple[int, bytes], Entry] = {}
        self._taken = 0
        """Batches taken so far: the clock by which entries age."""

    def find(self, lane: Lane, key: bytes | None) -> Entry | None:
        """Return the entry for `key` that is waiting or being computed, so that another can wait for it too."""
        return None if key is None else self._by_key.get((id(lane), key))

    def add(self, entry: Entry) -> None:
        """Append `entry` to its owner's queue in its bucket."""
        shape = entry.lane.shape(entry.payload)
        bucket = self._buckets.setdefault((id(entry.lane), shape), _Bucket(entry.lane.rows(shape)))
        entry.arrived = self._taken
        bucket.queues.setdefault(entry.owner, deque()).append(entry)
        bucket.size += 1
        if entry.key is not None:
            self._by_key[id(entry.lane), entry.key] = entry

    def take(self, *, partial: bool, without: Collection[int] = ()) -> list[Entry] | None:
        """Return the entries of the next batch, or None: a full one; with `partial`, else the fullest.

        An entry that was overtaken too often goes first. `without`: ids of lanes to pass over.
        """
        chosen = self._choose(partial, without)
        if chosen is None:
            return None
        bucket = self._buckets[chosen]
        batch: list[Entry] = []
        while bucket.queues and len(batch) < bucket.rows:
            owner, queue = next(iter(bucket.queues.items()))
            while queue and len(batch) < bucket.rows:
                batch.append(queue.popleft())
            if queue:
                bucket.queues.move_to_end(owner)  # its turn is over
            else:
                del bucket.queues[owner]
        bucket.size -= len(batch)
        if not bucket.size:
            del self._buckets[chosen]
        self._taken += 1
        return batch

    def _choose(self, partial: bool, without: Collection[int]) -> tuple[int, Hashable] | None:
        allowed = [(at, bucket) for at, bucket in self._buckets.items() if at[0] not in without]
        open_ = [(bucket.oldest(), i, at) for i, (at, bucket) in enumerate(allowed)]
        if not open_:
            return None
        oldest, _, at = min(open_)
        if partial and oldest + _PATIENCE <= self._taken:
            return at
        if full := [(old, i, at) for old, i, at in open_ if self._buckets[at].size >= self._buckets[at].rows]:
            return min(full)[2]
        if not partial:
            return None
        return max((self._buckets[at].size / self._buckets[at].rows, -old, -i, at) for old, i, at in open_)[3]

    def forget(self, entry: Entry) -> None:
        """Take note that `entry` is computed: whoever asks now asks anew."""
        if entry.key is not None:
            self._by_key.pop((id(entry.lane), entry.key), None)

    def purge(self) -> None:
        """Drop entries that nobody waits for any more."""
        for at, bucket in list(self._buckets.items()):
            for owner, queue in list(bucket.queues.items()):
                kept = deque(entry for entry in queue if entry.wanted)
                for entry in queue:
                    if not entry.wanted:
                        self.forget(entry)
                bucket.size -= len(queue) - len(kept)
                if kept:
                    bucket.queues[owner] = kept
                else:
                    del bucket.queues[owner]
            if not bucket.size:
                del self._buckets[at]

    def drain(self) -> Iterator[Entry]:
        """Remove and return every waiting entry."""
        while (batch := self.take(partial=True)) is not None:
            yield from batch

    def __bool__(self) -> bool:
        return bool(self._buckets)
