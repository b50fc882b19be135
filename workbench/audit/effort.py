"""What each step of an audit cost: texts asked, sequences computed, seconds. It says how the audit would scale."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from workbench.evidence.effort import Effort
from workbench.models.engine import Engine, Totals


@dataclass
class Note:
    """What a step under way has to say about itself."""

    name: str
    complete: bool = True

    def skipped(self) -> None:
        """Take note that a part of the step was finished before, so what is counted now is not all of it."""
        self.complete = False


@dataclass
class Meter:
    """Counts what an engine does, step by step."""

    efforts: list[Effort] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, engine: Engine, *, grows: bool) -> Iterator[Note]:
        """Count what happens inside the block. `grows`: whether its work grows with the data."""
        note = Note(name)
        before, queries, busy, start = _totals(engine), _queries(engine), engine.busy_seconds, time.perf_counter()
        try:
            yield note
        finally:
            after = _totals(engine)
            self.efforts.append(
                Effort(
                    step=name,
                    grows=grows,
                    complete=note.complete,
                    asked=_queries(engine) - queries,
                    sequences=after.forwards - before.forwards,
                    tokens=after.tokens - before.tokens,
                    computed_tokens=after.padded - before.padded,
                    seconds=time.perf_counter() - start,
                    model_seconds=engine.busy_seconds - busy,
                )
            )

    def left_out(self, name: str) -> None:
        """Take note that the step `name` was finished in an earlier run and is not counted."""
        self.efforts.append(
            Effort(
                step=name, grows=False, complete=False, asked=0, sequences=0, tokens=0, computed_tokens=0,
                seconds=0, model_seconds=0,
            )
        )  # fmt: skip


def _totals(engine: Engine) -> Totals:
    """Return what the model and its twin have computed so far."""
    return engine.totals if engine.search is engine else engine.totals.plus(engine.search.totals)


def _queries(engine: Engine) -> int:
    return engine.total_queries
