"""Work items on threads of this process: they mostly wait for the model, so there may be many more than cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")

WORKERS = 32
"""Items in flight: an attack asks for four texts at a time, and full batches of every length need many of them."""


@dataclass(frozen=True)
class Threads:
    """At most `workers` items at once. As `audit.runner.Workers`."""

    workers: int = WORKERS

    def map(
        self,
        function: Callable[[_Given], _Made],
        items: Sequence[_Given],
        cancel: Callable[[int], None] = lambda position: None,
    ) -> Iterator[tuple[int, _Made]]:
        """Yield (position, result) of every item, as they finish.

        If items fail, the error of the first of them, by position, is raised, whatever finished first; `cancel` is told
        the positions whose results are not wanted any more.
        """
        pool = ThreadPoolExecutor(max_workers=max(1, min(self.workers, len(items))), thread_name_prefix="item")
        positions: dict[Future[_Made], int] = {}
        failed: dict[int, BaseException] = {}
        try:
            positions = {pool.submit(function, item): i for i, item in enumerate(items)}
            pending = set(positions)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=positions.__getitem__):
                    if future.cancelled():
                        continue
                    if error := future.exception():
                        failed[positions[future]] = error
                    elif not failed:
                        yield positions[future], future.result()
                if failed:
                    first = min(failed)
                    pending = {future for future in pending if positions[future] < first}
            if failed:
                raise failed[min(failed)]
        finally:
            for future, position in positions.items():
                if not future.done() and not future.cancel():
                    cancel(position)
            pool.shutdown(wait=True, cancel_futures=True)
