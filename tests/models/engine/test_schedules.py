"""Whatever threads do, at any interleaving: the answers of one at a time, errors to whoever asked, and nobody hangs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from workbench.models.engine import Cancelled, Engine, engine_for
from workbench.models.engine.lanes import Point, Slope
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import FloatArray
from workbench.models.shapes import Shape, ShapeTable

WORDS = ("good", "bad", "fine", "poor", "soft", "rough")
POISON = "poison"
LONGEST = 12


class Unreadable(Exception):
    """What the model raises on a poisoned text."""


class Shaped(LinearTextClassifier):
    """A linear model that is computed in shapes, raises on poison, and takes its time."""

    def setup(self, rng: random.Random) -> Shaped:
        self.table = ShapeTable(rng.choice((1, 16, 40)), LONGEST)
        self.nap = rng.choice((0.0, 0.0, 0.0005))
        self.asked: list[tuple[int, ...]] = []
        self.overfull = 0
        return self

    def tokenise(self, inputs: Sequence[str]) -> list[tuple[int, ...]]:
        names = (*WORDS, POISON)
        return [tuple(names.index(word) for word in text.split()[:LONGEST]) for text in inputs]

    def probabilities(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> FloatArray:
        if self.nap:
            time.sleep(self.nap)
        self.overfull += len(rows) > shape.rows or any(len(row) > shape.length for row in rows)
        self.overfull += len({self.table.shape(len(row)) for row in rows} | {shape}) > 1
        if any(len(WORDS) in row for row in rows):
            raise Unreadable(POISON)
        self.asked.extend(rows)
        return super().predict_proba([" ".join(WORDS[i] for i in row) for row in rows])

    def fitted(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> Shape:
        return shape

    def gradients(self, points: Sequence[Point], shape: Shape) -> list[Slope]:
        raise NotImplementedError


def made(rng: random.Random, kind: type[LinearTextClassifier]) -> Any:
    weights = {word: (0.0, (-1.0) ** i * (i + 1) / 3) for i, word in enumerate(WORDS)}
    model = kind(weights, ("no", "yes"))
    return model.setup(rng) if isinstance(model, Shaped) else model


def text(rng: random.Random) -> str:
    """Return a text: empty, short, much too long, often one that somebody else asks about too."""
    n = rng.choice((0, 1, 2, 3, 5, 8, 11, 40))
    return " ".join(rng.choice(WORDS) for _ in range(n))


def one_schedule(seed: int) -> dict[str, int]:
    """Run 1 to 32 workers over one engine in a random order of events; return what happened."""
    rng = random.Random(seed)
    model = made(rng, rng.choice((Shaped, Shaped, Shaped, LinearTextClassifier)))
    shaped = isinstance(model, Shaped)
    plain = made(rng, LinearTextClassifier)
    pool = [text(rng) for _ in range(rng.randint(1, 30))]
    happened = {"answers": 0, "errors": 0, "cancelled": 0}
    problems: list[str] = []
    lock = threading.Lock()

    def expected(asked: Sequence[str]) -> FloatArray:
        return plain.predict_proba([" ".join(one.split()[:LONGEST]) if shaped else one for one in asked])

    def worker(engine: Engine, name: str, plan: list[list[str]], naps: list[float]) -> None:
        try:
            with engine.item(name) as view:
                for asked, nap in zip(plan, naps, strict=True):
                    if nap:
                        time.sleep(nap)
                    poisoned = shaped and any(POISON in one.split()[:LONGEST] for one in asked)
                    try:
                        got = view.predict_proba(asked)
                    except Unreadable:
                        with lock:
                            happened["errors"] += 1
                            if not poisoned:
                                problems.append(f"{name} got an error that was not its own")
                        continue
                    with lock:
                        happened["answers"] += 1
                        if poisoned:
                            problems.append(f"{name} got an answer for poison")
                        if not np.array_equal(got, expected(asked)):
                            problems.append(f"{name} got a wrong answer")
        except Cancelled:
            with lock:
                happened["cancelled"] += 1
                if name not in doomed:
                    problems.append(f"{name} was cancelled, and nobody had asked for that")

    count = rng.randint(1, 32)
    doomed = {f"item {i}" for i in range(count) if rng.random() < 0.1}
    plans = []
    for _ in range(count):
        plan = [[rng.choice(pool) for _ in range(rng.choice((0, 1, 4, 4, 9, 60)))] for _ in range(rng.randint(1, 4))]
        if shaped and rng.random() < 0.2:
            plan[0].append(f"good {POISON} bad")
        plans.append((plan, [rng.choice((0, 0, 0.001)) for _ in plan]))
    with engine_for(model, threads=rng.choice((1, 2, 3)), cache_entries=rng.choice((0, 3, 1000))) as engine:
        threads = [
            threading.Thread(target=worker, args=(engine, f"item {i}", *plan), daemon=True)
            for i, plan in enumerate(plans)
        ]
        for thread in threads:
            thread.start()
        for name in doomed:
            engine.cancel(name)
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), f"schedule {seed} hangs"
        assert engine.counts.queries <= sum(len(asked) for plan, _ in plans for asked in plan)
    assert not problems, f"schedule {seed}: {problems[:3]}"
    if shaped:
        assert not model.overfull, f"schedule {seed}: a batch was not of the shape of its texts"
    return happened


@pytest.mark.parametrize("seed", range(40))
def test_any_interleaving(seed: int) -> None:
    one_schedule(seed)


@pytest.mark.slow
def test_a_thousand_interleavings() -> None:
    total = {"answers": 0, "errors": 0, "cancelled": 0}
    for seed in range(40, 1040):
        for what, times in one_schedule(seed).items():
            total[what] += times
    assert min(total.values()) > 100, f"the schedules must contain everything: {total}"
