"""Stock, ours, stock, ours, …: one work from its first repetition to its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workbench.bench.flops import Cost
from workbench.bench.gemm import Shape
from workbench.bench.meter import Done, Spent, use
from workbench.bench.results import Ratio, Result, Second, Use
from workbench.bench.targets import EXAMPLES, PREDICTED, PREDICTIONS, TARGETS, TITLES, Target
from workbench.bench.timing import Say, best_threads, intra_op, middle, ratio_of, seconds_of, timed
from workbench.bench.work import Work


class Limits(NamedTuple):
    """What operations cost and how fast the machine can be."""

    cost: Cost
    """Of one sequence in our network."""
    slope: Cost
    """With the backward pass to its embeddings."""
    whole: Cost
    """In stock's network."""
    whole_slope: Cost
    """In stock's network, with the backward pass."""
    peaks: Mapping[str, float]
    """Precision -> operations a second of the fastest matrix product."""
    fastest: Mapping[str, Shape]
    """Precision -> that product."""


class Compared(NamedTuple):
    """A work at one precision, and what our side spent in its median repetition."""

    result: Result
    spent: Spent


def compare(work: Work, precisions: Sequence[str], repeats: int, limits: Limits, say: Say) -> list[Compared]:
    """Return one result for each of `precisions`; all share stock's repetitions."""
    title = TITLES[work.name]
    threads = best_threads(work.trial)
    say(f"{title}: {work.n} examples; stock is fastest with {threads.chosen} threads")
    stock: list[float] = []
    changed: list[float] = []
    spent: dict[str, list[Spent]] = {precision: [] for precision in precisions}
    answers: dict[str, Any] = {}
    theirs: Any = None
    for attempt in range(1, repeats + 1):
        found: list[Any] = []
        with intra_op(threads.chosen):
            stock.append(timed(lambda: found.append(work.stock())))  # noqa: B023 - called at once
            theirs = found[0]
            say(f"{title}: {attempt} of {repeats}: stock {stock[-1] / work.n:.3g} s an example")
            if work.second and attempt == 1:  # a side remark, and dear: once is enough
                changed.append(timed(work.stock_changed))
                say(f"{title}: {attempt} of {repeats}: {work.second} {changed[-1] / work.n:.3g} s")
        for precision in precisions:
            done: Done = work.ours(precision)
            spent[precision].append(done.spent)
            answers[precision] = done.answers
            say(f"{title}: {attempt} of {repeats}: workbench, {precision} {done.spent.seconds / work.n:.3g} s")
    results = []
    for precision in precisions:
        ours = [one.seconds for one in spent[precision]]
        median = spent[precision][middle(ours)]
        ratios, target = ratio_of(stock, ours), TARGETS.get((work.name, precision))
        result = Result(
            name=work.name,
            title=title,
            precision=precision,
            n=work.n,
            stock_seconds_per_example=seconds_of(stock, work.n).median,
            workbench_seconds_per_example=seconds_of(ours, work.n).median,
            ratio=ratios.value,
            agreement=work.agreement(theirs, answers[precision], precision),
            stock=seconds_of(stock, work.n),
            stock_threads=threads.chosen,
            stock_threads_tried=threads.tried,
            workbench=seconds_of(ours, work.n),
            ratios=ratios,
            second=_second(work, changed, ours),
            target=None if target is None else target.least,
            aim=None if target is None else target.aim,
            met=_met(work, ratios, target),
            use=_use(median, limits),
        )
        results.append(Compared(result, median))
    return results


def _second(work: Work, changed: Sequence[float], ours: Sequence[float]) -> Second | None:
    if not work.second:
        return None
    return Second(name=work.second, seconds=seconds_of(changed, work.n), ratio=ratio_of(changed, ours[: len(changed)]))


def _met(work: Work, ratios: Ratio, target: Target | None) -> bool | None:
    """Return whether the target is met; None where there is none, or too few examples to say so."""
    enough = PREDICTED if work.name == PREDICTIONS else EXAMPLES
    if target is None or work.n < enough:
        return None
    return ratios.value >= target.least


def _use(spent: Spent, limits: Limits) -> Use:
    return use(
        spent,
        cost=limits.cost,
        slope=limits.slope,
        whole=limits.whole,
        whole_slope=limits.whole_slope,
        peaks=limits.peaks,
    )
