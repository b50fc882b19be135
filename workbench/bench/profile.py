"""Where the time inside the network goes: what no faster matrix product can save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from workbench.bench.meter import Spent
from workbench.bench.results import Profile
from workbench.models.engine.lanes import Point
from workbench.models.engine.threads import alone
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.shapes import Shape

_REPEATS = 3
_PRODUCTS = ("linear", "mm", "matmul", "einsum")
_ATTENTION = ("attention",)


class _Kind(NamedTuple):
    """Batches of one shape."""

    shape: Shape
    batches: int
    compute: Callable[[], object]


def profiled(model: HuggingFaceTextClassifier, name: str, precision: str, spent: Spent) -> Profile:
    """Return the shares of the network's own time over all batches that the work `name` sent through it.

    One batch of each shape is computed on one thread, as the engine computes it, and weighs as often as the work had
    it: in the precision, and with the backward pass, that those batches had. Times are torch's, of each operation
    without those that it calls.
    """
    kinds = list(_kinds(model, spent))
    seconds: Counter[str] = Counter()
    with alone(model.device):
        for kind in kinds:
            for part, once in _seconds(kind.compute).items():
                seconds[part] += once * kind.batches
    total = sum(seconds.values())
    shapes = sorted({kind.shape for kind in kinds}, key=lambda shape: shape.length)
    return Profile(
        name=name,
        precision=precision,
        batches=sum(kind.batches for kind in kinds),
        shapes=len(shapes),
        shortest=tuple(shapes[0]),
        longest=tuple(shapes[-1]),
        repeats=_REPEATS,
        products=seconds["products"] / total,
        attention=seconds["attention"] / total,
        rest=seconds["rest"] / total,
    )


def _kinds(model: HuggingFaceTextClassifier, spent: Spent) -> Iterator[_Kind]:
    for precision, totals in spent.totals.items():
        network = model if precision == model.precision else model.cast(precision)
        forward = totals.shapes - (spent.slopes.shapes if precision == "float32" else Counter())
        for shape, batches in forward.items():
            rows = [_row(model, shape.length)] * shape.rows
            yield _Kind(shape, batches, lambda one=network, rows=rows, shape=shape: one.probabilities(rows, shape))  # type: ignore[misc]
    for shape, batches in spent.slopes.shapes.items():
        embedded = model.embed(torch.tensor(_row(model, shape.length), device=model.device)).detach().clone()
        point = Point(embedded, torch.ones(shape.length, dtype=torch.int64), 0)
        yield _Kind(shape, batches, lambda point=point, shape=shape: model.gradients([point] * shape.rows, shape))  # type: ignore[misc]


def _row(model: HuggingFaceTextClassifier, length: int) -> tuple[int, ...]:
    vocabulary = int(model.network.get_input_embeddings().num_embeddings)
    return tuple(torch.randint(vocabulary, (length,), generator=torch.Generator().manual_seed(0)).tolist())


def _seconds(compute: Callable[[], object]) -> Counter[str]:
    """Return the seconds of one call by part of the network; the first call warms up."""
    from torch.profiler import ProfilerActivity, profile

    compute()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(_REPEATS):
            compute()
    seconds: Counter[str] = Counter()
    for one in found.key_averages():
        seconds[_part(one.key)] += one.self_cpu_time_total / 1e6 / _REPEATS
    return seconds


def _part(name: str) -> str:
    if any(part in name for part in _ATTENTION):
        return "attention"
    return "products" if any(part in name for part in _PRODUCTS) else "rest"
