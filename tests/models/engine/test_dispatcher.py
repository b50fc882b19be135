"""Batches, turns, errors, memory and the end of the engine's threads, each pinned down by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from workbench.models.engine.dispatcher import Cancelled, Dispatcher, OutOfRoom
from workbench.models.engine.lanes import Totals
from workbench.models.engine.memory import Memory
from workbench.models.engine.waiting import Entry, Ticket, Waiting


class Lane:
    """Doubles numbers, four at a time by size of ten; remembers its batches; fails on negative numbers."""

    alone = False

    def __init__(self, *, alone: bool = False, gate: threading.Event | None = None) -> None:
        self.totals, self.alone, self.gate = Totals(), alone, gate
        self.batches: list[list[int]] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def shape(self, payload: int) -> int:
        return abs(payload) // 10

    def rows(self, shape: Any) -> int:
        return 4

    def run(self, payloads: Sequence[int]) -> list[int]:
        with self._lock:
            self.batches.append(list(payloads))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        if self.gate is not None:
            assert self.gate.wait(10)
        else:
            time.sleep(0.001)
        with self._lock:
            self.at_once -= 1
        if any(one < 0 for one in payloads):
            raise ArithmeticError(f"{min(payloads)} is negative")
        if 99 in payloads:
            raise MemoryError("no room")
        return [2 * one for one in payloads]


@pytest.fixture
def dispatcher() -> Any:
    made = Dispatcher(1)
    yield made
    made.close()


def ask(dispatcher: Dispatcher, owner: str, lane: Lane, numbers: Sequence[int], memory: Memory | None = None) -> Any:
    keys = [str(number).encode() for number in numbers]
    return dispatcher.wait(dispatcher.submit(owner, lane, numbers, keys, memory)[0])


def test_batches_hold_one_shape_and_no_more_than_its_rows(dispatcher: Dispatcher) -> None:
    lane = Lane()
    assert ask(dispatcher, "a", lane, list(range(15))) == [2 * i for i in range(15)]
    assert all(len(batch) <= 4 and len({n // 10 for n in batch}) == 1 for batch in lane.batches)
    assert len(lane.batches) == 5


def test_requests_of_several_share_a_batch() -> None:
    lane, dispatcher = Lane(), Dispatcher(1)
    for owner in "abcd":
        dispatcher.enter(owner)
    tickets = [dispatcher.submit(owner, lane, [i], [None])[0] for i, owner in enumerate("abcd")]
    assert [dispatcher.wait(ticket) for ticket in tickets] == [[0], [2], [4], [6]]
    assert lane.batches == [[0, 1, 2, 3]]
    dispatcher.close()


def test_whoever_asks_for_the_same_waits_for_the_same() -> None:
    gate = threading.Event()
    lane, dispatcher = Lane(gate=gate), Dispatcher(1)
    first, fresh = dispatcher.submit("a", lane, [1], [b"1"])
    second, again = dispatcher.submit("b", lane, [1], [b"1"])
    gate.set()
    assert dispatcher.wait(first) == dispatcher.wait(second) == [2]
    assert (fresh, again) == (1, 0)
    assert lane.batches == [[1]]
    dispatcher.close()


def test_an_error_reaches_whoever_asked_and_nobody_else() -> None:
    lane, dispatcher = Lane(), Dispatcher(1)
    for owner in "abc":
        dispatcher.enter(owner)
    asked = {"a": [1, 2], "b": [-3], "c": [4]}
    tickets = [dispatcher.submit(who, lane, what, [None] * len(what))[0] for who, what in asked.items()]
    assert dispatcher.wait(tickets[0]) == [2, 4]
    with pytest.raises(ArithmeticError, match="-3 is negative"):
        dispatcher.wait(tickets[1])
    assert dispatcher.wait(tickets[2]) == [8]
    assert lane.batches == [[1, 2, -3, 4], [1], [2], [-3], [4]]
    dispatcher.close()


def test_the_first_error_of_a_request_is_raised_whatever_was_computed_first(dispatcher: Dispatcher) -> None:
    with pytest.raises(ArithmeticError, match="-31"):
        ask(dispatcher, "a", Lane(), [5, -31, -2])


def test_errors_are_not_remembered(dispatcher: Dispatcher) -> None:
    memory, lane = Memory(10), Lane()
    for _ in range(2):
        with pytest.raises(ArithmeticError):
            ask(dispatcher, "a", lane, [-1], memory)
    assert ask(dispatcher, "a", lane, [], memory) == []
    assert len(memory) == 0


def test_no_room_ends_everything_and_is_no_ordinary_exception() -> None:
    lane, dispatcher = Lane(), Dispatcher(2)
    with pytest.raises(OutOfRoom, match="no room"):
        ask(dispatcher, "a", lane, [99])
    with pytest.raises(OutOfRoom):
        ask(dispatcher, "b", lane, [1])
    assert not issubclass(OutOfRoom, Exception), "a library that catches Exception must not swallow it"
    assert not issubclass(Cancelled, Exception)
    dispatcher.close()


def test_cancelling_ends_the_wait_and_drops_what_nobody_else_wants() -> None:
    gate = threading.Event()
    lane, dispatcher = Lane(gate=gate), Dispatcher(1)
    dispatcher.enter("a")
    blocker = dispatcher.submit("z", lane, [50], [None])[0]
    while not lane.batches:
        time.sleep(0.001)
    mine = dispatcher.submit("a", lane, [1, 2], [b"1", b"2"])[0]
    shared = dispatcher.submit("b", lane, [2], [b"2"])[0]
    dispatcher.cancel("a")
    with pytest.raises(Cancelled):
        dispatcher.wait(mine)
    with pytest.raises(Cancelled):
        dispatcher.submit("a", lane, [3], [None])
    gate.set()
    assert dispatcher.wait(shared) == [4]
    assert dispatcher.wait(blocker) == [100]
    assert lane.batches == [[50], [2]]
    dispatcher.leave("a")
    assert ask(dispatcher, "a", lane, [3]) == [6], "a new item of that name starts afresh"
    dispatcher.close()


def test_what_is_given_up_is_not_computed() -> None:
    gate = threading.Event()
    lane, dispatcher = Lane(gate=gate), Dispatcher(1)
    blocker = dispatcher.submit("z", lane, [50], [None])[0]
    while not lane.batches:
        time.sleep(0.001)
    dispatcher.give_up(dispatcher.submit("a", lane, [1], [b"1"])[0])
    gate.set()
    assert dispatcher.wait(blocker) == [100]
    assert ask(dispatcher, "a", lane, [2]) == [4]
    assert lane.batches == [[50], [2]]
    dispatcher.close()


def test_a_lane_may_want_to_be_alone() -> None:
    lane, dispatcher = Lane(alone=True), Dispatcher(3)
    ask(dispatcher, "a", lane, list(range(90)))
    assert lane.most_at_once == 1
    other = Lane()
    ask(dispatcher, "a", other, list(range(90)))
    assert 1 < other.most_at_once <= 3
    dispatcher.close()


def test_closing_wakes_whoever_waits_and_ends_the_threads() -> None:
    gate = threading.Event()
    lane, dispatcher = Lane(gate=gate), Dispatcher(1)
    before = threading.active_count()
    under_way = dispatcher.submit("a", lane, [1], [None])[0]
    while not lane.batches:
        time.sleep(0.001)
    waiting = dispatcher.submit("b", lane, [51], [None])[0]
    closing = threading.Thread(target=dispatcher.close)
    closing.start()
    with pytest.raises(RuntimeError, match="closed"):
        dispatcher.wait(waiting)
    gate.set()
    assert dispatcher.wait(under_way) == [2]
    closing.join(10)
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        dispatcher.submit("a", lane, [1], [None])
    dispatcher.close()


def test_a_defect_leaves_nobody_waiting_for_ever() -> None:
    def prepare() -> None:
        raise OSError("planted")

    dispatcher = Dispatcher(1, prepare=prepare)
    with pytest.raises(OSError, match="planted"):
        ask(dispatcher, "a", Lane(), [1])
    dispatcher.close()

    class Short(Lane):
        def run(self, payloads: Sequence[int]) -> list[int]:
            return []

    dispatcher = Dispatcher(1)
    with pytest.raises(ValueError, match="zip"):
        ask(dispatcher, "a", Short(), [1])
    dispatcher.close()


def test_an_idle_thread_sleeps() -> None:
    lane, dispatcher = Lane(), Dispatcher(2)
    ask(dispatcher, "a", lane, [1])
    dispatcher.enter("somebody who does not ask")
    ask(dispatcher, "a", lane, [2])  # after lingering for a fuller batch
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
    dispatcher.close()


def test_busy_seconds_are_those_inside_the_model(dispatcher: Dispatcher) -> None:
    lane = Lane()
    assert dispatcher.busy_seconds == 0
    start = time.perf_counter()
    ask(dispatcher, "a", lane, list(range(8)))
    assert 0.002 <= dispatcher.busy_seconds <= time.perf_counter() - start
    rested = dispatcher.busy_seconds
    time.sleep(0.01)
    assert dispatcher.busy_seconds == rested


# --- the queue by itself -------------------------------------------------------------------------------------------


def add(waiting: Waiting, lane: Any, owner: str, *numbers: int) -> None:
    for number in numbers:
        entry = Entry(lane, None, number, owner)
        entry.waiters.append((Ticket(owner, 1), 0))
        waiting.add(entry)


def taken(waiting: Waiting, **how: Any) -> list[int] | None:
    batch = waiting.take(**how)
    return None if batch is None else [entry.payload for entry in batch]


def test_owners_take_turns_one_batch_each() -> None:
    waiting, lane = Waiting(), Lane()
    add(waiting, lane, "greedy", *range(9))
    add(waiting, lane, "modest", 9)
    assert taken(waiting, partial=False) == [0, 1, 2, 3]
    assert taken(waiting, partial=False) == [9, 4, 5, 6]
    assert taken(waiting, partial=False) is None
    assert taken(waiting, partial=True) == [7, 8]
    assert not waiting


def test_the_fullest_goes_first_but_nothing_waits_for_ever() -> None:
    waiting, lane = Waiting(), Lane()
    add(waiting, lane, "a", 11)
    overtaken = 0
    while True:
        add(waiting, lane, "b", 1, 2)
        if taken(waiting, partial=True) == [11]:
            break
        overtaken += 1
    assert overtaken == 16


def test_lanes_can_be_passed_over() -> None:
    waiting, one, other = Waiting(), Lane(), Lane()
    add(waiting, one, "a", 1, 2, 3, 4)
    add(waiting, other, "a", 5)
    assert taken(waiting, partial=True, without={id(one)}) == [5]
    assert taken(waiting, partial=True, without={id(one)}) is None
    assert taken(waiting, partial=True) == [1, 2, 3, 4]
