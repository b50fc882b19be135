"""Our side: one engine, many work items in flight, and what that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from workbench.bench.flops import Cost
from workbench.bench.inputs import Case
from workbench.bench.results import Use
from workbench.engines.local import Threads
from workbench.models.engine import Engine, Totals, engine_for
from workbench.models.engine.threads import streams
from workbench.models.protocols import Classifier

T = TypeVar("T")


class Spent(NamedTuple):
    """What one engine did in its life."""

    seconds: float
    inside: float
    """Seconds in which at least one batch was in the model."""
    totals: Mapping[str, Totals]
    """By precision."""
    slopes: Totals
    """Of these, in float32, what was followed by a backward pass to the embeddings."""
    tokenising: float
    """Processor seconds that texts took to become tokens."""
    cores: int
    """Threads that compute."""


class Done(NamedTuple):
    """Answers, in the order of what was asked, and what they took."""

    answers: Any
    spent: Spent


def metered(model: Classifier, precision: str, work: Callable[[Engine], Any]) -> Done:
    """Make an engine with an empty memory, let `work` use it, and count. Making the engine counts too."""
    start = time.perf_counter()
    with engine_for(model, precision=precision) as engine:
        answers = work(engine)
        seconds = time.perf_counter() - start
        search = engine.search
        totals = {"float32": engine.totals}
        if search is not engine:
            totals["bfloat16"] = search.totals
        threads = streams(str(getattr(model, "device", "cpu"))).threads
        return Done(
            answers,
            Spent(seconds, engine.busy_seconds, totals, engine.slope_totals, engine.tokenising_seconds, threads),
        )


def in_flight(engine: Engine, cases: Sequence[Case], work: Callable[[Engine, Case], T]) -> list[T]:
    """Return what `work` finds on each case, many of them at once, each with a view of the engine."""

    def one(case: Case) -> T:
        with engine.item(case.example.id) as view:
            return work(view, case)

    found = dict(Threads().map(one, cases))
    return [found[index] for index in range(len(cases))]


def use(spent: Spent, *, cost: Cost, slope: Cost, whole: Cost, whole_slope: Cost, peaks: Mapping[str, float]) -> Use:
    """Return what was spent as rates.

    Args:
        spent: by our side.
        cost: operations of one sequence in our network.
        slope: with the backward pass to its embeddings.
        whole: in stock's network.
        whole_slope: in stock's network, with the backward pass.
        peaks: precision -> operations a second of the fastest matrix product.
    """
    operations = {precision: cost.of(totals.lengths) for precision, totals in spent.totals.items()}
    operations["float32"] += slope.of(spent.slopes.lengths) - cost.of(spent.slopes.lengths)
    everything = sum(whole.of(totals.lengths) for totals in spent.totals.values())
    everything += whole_slope.of(spent.slopes.lengths) - whole.of(spent.slopes.lengths)
    at_peak = sum(count / peaks[precision] for precision, count in operations.items() if count)
    return Use(
        seconds=spent.seconds,
        share_inside=spent.inside / spent.seconds,
        occupied=sum(totals.seconds for totals in spent.totals.values()) / (spent.cores * spent.seconds),
        tokenising=spent.tokenising / (spent.cores * spent.seconds),
        forwards=sum(totals.forwards for totals in spent.totals.values()),
        tokens=sum(totals.tokens for totals in spent.totals.values()),
        tokens_computed=sum(totals.padded for totals in spent.totals.values()),
        flops_per_second=sum(operations.values()) / spent.seconds,
        whole_flops_per_second=everything / spent.seconds,
        share_of_peak=at_peak / spent.seconds,
    )
