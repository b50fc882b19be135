"""The threads that compute. Whoever asks waits on an event; whoever computes sleeps until there is something to do.

Nothing here can deadlock: those who compute never wait for those who ask longer than `_LINGER`, and those who ask hold
no lock while they wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from workbench.models.engine.lanes import Lane
from workbench.models.engine.memory import Memory
from workbench.models.engine.waiting import Entry, Ticket, Waiting

_LINGER = 0.01
"""Seconds that an idle thread waits for a fuller batch while somebody may still ask: a tenth of a batch's own time."""


class Cancelled(BaseException):
    """The work item was cancelled while it waited for the model. No library's `except Exception` may swallow that."""


class OutOfRoom(BaseException):
    """A batch did not fit into memory; everything must be asked again in smaller shapes. As hard to swallow."""


class Dispatcher:
    """A queue of entries and the threads that work it off."""

    def __init__(
        self,
        threads: int,
        *,
        prepare: Callable[[], None] = lambda: None,
        lacks_memory: Callable[[BaseException], bool] = lambda error: isinstance(error, MemoryError),
    ) -> None:
        """Make `threads` threads when the first entry comes; each calls `prepare` first.

        `lacks_memory` tells errors that smaller batches may avoid.
        """
        self.lock = threading.Lock()
        self._work = threading.Condition(self.lock)
        self._waiting = Waiting()
        self._size, self._prepare, self._lacks_memory = threads, prepare, lacks_memory
        self._threads: list[threading.Thread] = []
        self._alone: set[int] = set()
        """Lanes that allow one batch at a time and have one under way."""
        self._tickets: dict[Hashable, set[Ticket]] = {}
        self._open: set[Hashable] = set()
        self._blocked: dict[Hashable, int] = {}
        self._cancelled: set[Hashable] = set()
        self._running, self._since, self._busy = 0, 0.0, 0.0
        self._ended: BaseException | None = None

    def enter(self, owner: Hashable) -> None:
        """Take note that the work item `owner` is under way and may ask."""
        with self.lock:
            self._open.add(owner)

    def leave(self, owner: Hashable) -> None:
        """Take note that `owner` will not ask any more."""
        with self._work:
            self._open.discard(owner)
            self._cancelled.discard(owner)
            self._work.notify_all()

    def submit(
        self,
        owner: Hashable,
        lane: Lane,
        payloads: Sequence[Any],
        keys: Sequence[bytes | None],
        memory: Memory | None = None,
    ) -> tuple[Ticket, int]:
        """Queue `payloads`; return the ticket for their answers, and how many of them must be computed for it.

        `keys` are their content hashes; what `memory` holds, or somebody else is waiting for, is not computed again.
        """
        ticket, fresh = Ticket(owner, len(payloads)), 0
        with self._work:
            if self._ended is not None:
                raise self._ended
            if owner in self._cancelled:
                raise Cancelled(f"{owner} was cancelled")
            self._tickets.setdefault(owner, set()).add(ticket)
            for position, (payload, key) in enumerate(zip(payloads, keys, strict=True)):
                if memory is not None and key is not None and (answer := memory.get(key)) is not None:
                    ticket.settle(position, answer, None)
                    continue
                entry = self._waiting.find(lane, key)
                if entry is None:
                    entry = Entry(lane, key, payload, owner, memory)
                    self._waiting.add(entry)
                    fresh += 1
                entry.waiters.append((ticket, position))
            self._start()
            self._work.notify_all()
        return ticket, fresh

    def wait(self, ticket: Ticket) -> list[Any]:
        """Return the ticket's answers. Raises the error of its first position that has one."""
        with self._work:
            self._blocked[ticket.owner] = self._blocked.get(ticket.owner, 0) + 1
            self._work.notify_all()
        try:
            ticket.complete.wait()
        finally:
            with self._work:
                self._blocked[ticket.owner] -= 1
                if not self._blocked[ticket.owner]:
                    del self._blocked[ticket.owner]
                self._release(ticket)
        if ticket.errors:
            raise ticket.errors[min(ticket.errors)]
        return ticket.answers

    def give_up(self, ticket: Ticket) -> None:
        """Take note that nobody will wait for `ticket`: what only it asked for is not computed."""
        with self._work:
            if not ticket.complete.is_set():
                ticket.abandon(Cancelled("given up"))
            self._release(ticket)
            self._waiting.purge()
            self._work.notify_all()

    def cancel(self, owner: Hashable) -> None:
        """End whatever `owner` waits for with `Cancelled`, and whatever it asks from now on, until it leaves."""
        with self._work:
            if owner in self._open:
                self._cancelled.add(owner)
            for ticket in self._tickets.pop(owner, set()):
                if not ticket.complete.is_set():
                    ticket.abandon(Cancelled(f"{owner} was cancelled"))
            self._waiting.purge()
            self._work.notify_all()

    @property
    def busy_seconds(self) -> float:
        """Wall-clock seconds during which at least one batch was being computed."""
        with self.lock:
            return self._busy + (time.perf_counter() - self._since if self._running else 0.0)

    def close(self) -> None:
        """Let batches under way finish, end every request with an error, and wait for the threads to end."""
        with self._work:
            self._end(RuntimeError("the inference engine is closed"))
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()

    # --- under the lock ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        while len(self._threads) < self._size:
            # Daemons: a process that is told to end does not wait for a batch.
            thread = threading.Thread(target=self._loop, name=f"inference-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _release(self, ticket: Ticket) -> None:
        held = self._tickets.get(ticket.owner)
        if held is not None:
            held.discard(ticket)
            if not held:
                del self._tickets[ticket.owner]

    def _end(self, error: BaseException) -> None:
        self._ended = self._ended or error
        for entry in self._waiting.drain():
            self._settle(entry, None, self._ended)
        self._work.notify_all()

    def _settle(self, entry: Entry, answer: Any, error: BaseException | None) -> None:
        self._waiting.forget(entry)
        if error is None and entry.memory is not None and entry.key is not None:
            entry.memory.put(entry.key, answer)
        waiters, entry.waiters = entry.waiters, []
        for ticket, position in waiters:
            if not ticket.abandoned:
                ticket.settle(position, answer, error)

    def _next(self) -> list[Entry] | None:
        """Return the next batch as soon as it is worth computing; None when the dispatcher has ended."""
        deadline: float | None = None
        while self._ended is None:
            batch = self._waiting.take(partial=False, without=self._alone)
            if batch is None and self._waiting:
                # Somebody who is neither waiting nor gone may be about to ask for what would fill this batch.
                quiet = all(owner in self._blocked for owner in self._open)
                now = time.perf_counter()
                if quiet or (deadline is not None and now >= deadline):
                    batch = self._waiting.take(partial=True, without=self._alone)
                elif deadline is None:
                    deadline = now + _LINGER
            if batch is not None:
                return batch
            self._work.wait(None if deadline is None else max(0.0, deadline - time.perf_counter()) or None)
            if not self._waiting:
                deadline = None
        return None

    # --- on the computing threads --------------------------------------------------------------------------------

    def _loop(self) -> None:
        batch: list[Entry] | None = None
        try:
            self._prepare()
            while True:
                with self._work:
                    batch = self._next()
                    if batch is None:
                        return
                    self._begin(batch[0].lane)
                found = self._compute(batch)
                with self._work:
                    self._finish(batch[0].lane)
                    for entry, (answer, error) in zip(batch, found, strict=True):
                        if error is not None and self._lacks_memory(error):
                            self._end(OutOfRoom(f"{type(error).__name__}: {error}"))
                            error = self._ended
                        self._settle(entry, answer, error)
                    self._work.notify_all()
        except BaseException as error:  # noqa: BLE001 - a defect of ours must not leave anybody waiting for ever
            with self._work:
                self._end(error)
                for entry in batch or ():
                    self._settle(entry, None, error)

    def _begin(self, lane: Lane) -> None:
        if lane.alone:
            self._alone.add(id(lane))
        if self._running == 0:
            self._since = time.perf_counter()
        self._running += 1

    def _finish(self, lane: Lane) -> None:
        self._alone.discard(id(lane))
        self._running -= 1
        if self._running == 0:
            self._busy += time.perf_counter() - self._since

    def _compute(self, batch: Sequence[Entry]) -> list[tuple[Any, BaseException | None]]:
        """Return (answer, error) per entry. A batch that fails is computed one by one: whose fault is it?"""
        lane = batch[0].lane
        try:
            return [(answer, None) for answer in lane.run([entry.payload for entry in batch])]
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
            if len(batch) == 1 or self._lacks_memory(error):
                return [(None, error)] * len(batch)
        return [self._compute([entry])[0] for entry in batch]
