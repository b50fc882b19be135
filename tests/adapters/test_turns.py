"""Searches that draw from the process-wide generators, many at once, each with its own stream of numbers."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from workbench.adapters import turns
from workbench.adapters.turns import turn


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def state():
    return (
        random.getstate(),
        np.random.get_state()[1].tobytes(),
        np.random.get_state()[2],
        torch.get_rng_state().tolist(),
    )


def search(seed, wait=lambda: None):
    """Draw, step aside, draw: six times."""
    found = []
    with turn(seed) as mine:
        for _ in range(6):
            found.append(draw())
            with mine.aside():
                wait()
    return found


@pytest.fixture(autouse=True)
def _generators_of_the_test_run():
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])
    torch.set_rng_state(before[2])


def test_the_stream_is_that_of_the_seeded_generators():
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = [draw() for _ in range(6)]
    assert search(5) == expected
    assert search(6) != expected


def test_each_search_draws_what_it_would_draw_alone_however_they_interleave():
    alone = [search(seed) for seed in range(8)]
    together = threading.Barrier(8, timeout=60)  # so that every search is under way before any goes on
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda seed: search(seed, together.wait), range(8))) == alone


def test_one_computes_at_a_time_and_others_only_while_it_steps_aside():
    events, inside, asked = [], threading.Event(), threading.Event()

    def other():
        inside.wait(60)
        asked.set()
        with turn(2):
            events.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    with turn(1) as mine:
        inside.set()
        asked.wait(60)
        thread.join(0.05)  # time enough to break in
        events.append("mine")
        with mine.aside():
            thread.join(60)
        events.append("mine again")
    assert events == ["mine", "other", "mine again"]


def test_the_generators_are_given_back_as_they_were():
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    before = state()
    search(7)
    assert state() == before
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(search, range(8)))
    assert state() == before


def test_whoever_leaves_last_puts_them_back():
    before = state()
    with turn(1) as first:
        draw()
        with first.aside(), ThreadPoolExecutor(1) as pool:
            pool.submit(search, 2).result(60)
        inner = draw()
    assert state() == before
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    draw()
    assert inner == draw()


@pytest.mark.parametrize("is_aside", [False, True], ids=["in its turn", "aside"])
def test_after_an_exception_the_turn_is_free_and_the_generators_are_back(is_aside):
    before = state()

    def fail():
        raise ValueError("the model broke")

    def broken():
        with turn(3) as mine:
            draw()
            if is_aside:
                with mine.aside():
                    draw()  # by whoever computes meanwhile
                    fail()
            fail()

    with pytest.raises(ValueError, match="the model broke"):
        broken()
    assert state() == before
    assert not turns._TURN.locked()
    assert not turns._under_way
    assert search(4) == search(4)


def test_a_search_that_survives_an_exception_aside_goes_on_in_its_stream():
    def no_answer(mine):
        with mine.aside():
            draw()
            raise ValueError("no answer")

    with turn(9) as mine:
        draw()
        with pytest.raises(ValueError, match="no answer"):
            no_answer(mine)
        second = draw()
    assert second == search(9)[1]


def test_seeds_of_any_size():
    assert search(2**70 + 1) == search(2**70 + 1)
