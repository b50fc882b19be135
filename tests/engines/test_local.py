from __future__ import annotations

import threading
import time

import pytest

from workbench.engines.local import Threads


def test_every_item_is_done_once_and_many_at_once() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def work(item: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        return item * item

    assert dict(Threads(4).map(work, [5, 6, 7, 8, 9])) == {0: 25, 1: 36, 2: 49, 3: 64, 4: 81}
    assert most == 4
    assert dict(Threads().map(work, [])) == {}


def test_the_first_failure_by_position_is_raised_whatever_failed_first() -> None:
    def work(item: int) -> int:
        if item == 1:
            time.sleep(0.05)
            raise ValueError("item 1")
        if item == 3:
            raise KeyError("item 3")
        return item

    for _ in range(3):
        with pytest.raises(ValueError, match="item 1"):
            dict(Threads(8).map(work, [0, 1, 2, 3]))


def test_whoever_is_not_wanted_any_more_is_cancelled() -> None:
    stop, cancelled = threading.Event(), []

    def work(item: int) -> int:
        if item == 0:
            raise ValueError("planted")
        assert stop.wait(10), "nobody cancelled it"
        return item

    def cancel(position: int) -> None:
        cancelled.append(position)
        stop.set()

    with pytest.raises(ValueError, match="planted"):
        dict(Threads(2).map(work, [0, 1, 2, 3], cancel))
    assert cancelled
    assert 0 not in cancelled


def test_a_consumer_that_stops_ends_the_rest() -> None:
    done = []

    def work(item: int) -> int:
        time.sleep(0.005)
        done.append(item)
        return item

    found = Threads(1).map(work, list(range(100)))
    next(found)
    found.close()
    assert len(done) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("item")]
