"""The fastest matrix product of this machine: what no network can exceed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from workbench.bench.results import Gemm
from workbench.models.shortcut import packed_product

Product = Callable[[], object]

_SQUARES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
_REPEATS = 5
_SECONDS = 0.15
"""Of each repetition, at least."""
_SMALL = 0.05
"""Layers with less than this share of the largest one's weights (heads) are not worth measuring."""

FASTER = 1.2
"""bfloat16 is faster where the model's products gain a fifth: noise must not choose."""


class Shape(NamedTuple):
    """(rows, inner) times (inner, columns)."""

    rows: int
    inner: int
    columns: int
    of: str


def shapes_of(network: Any, tokens: int) -> list[Shape]:
    """Return the products of the network's large linear layers for a batch of `tokens` tokens."""
    layers = {
        (module.in_features, module.out_features) for module in network.modules() if isinstance(module, torch.nn.Linear)
    }
    largest = max((a * b for a, b in layers), default=0)
    return [Shape(tokens, a, b, "the model's") for a, b in sorted(layers) if a * b >= _SMALL * largest]


def squares(device: str) -> list[Shape]:
    """Return large square products, which a machine is best at."""
    return [Shape(n, n, n, "square") for n in _SQUARES.get(torch.device(device).type, _SQUARES["cpu"])]


def measure(shape: Shape, precision: str, device: str) -> Gemm:
    """Return the speed of one product, on a processor in the best of four arrangements.

    All cores in one product or one product a core; torch's own product, or weights packed as the engine packs them:
    on some processors each is twice as fast as the other.
    """
    kind, cores = torch.device(device).type, torch.get_num_threads()
    dtype = getattr(torch, precision)
    x = torch.randn(shape.rows, shape.inner).to(device, dtype)
    weight = torch.randn(shape.columns, shape.inner).to(device, dtype)
    packed = packed_product(weight)
    products: dict[str, Product] = {"": partial(torch.nn.functional.linear, x, weight)}
    if packed is not None:
        products[", weights packed"] = partial(packed, x)
    arrangements = {
        f"{name}{how}": (threads, product)
        for name, threads in (("all cores in one product", 1), ("one product a core", cores))
        if threads == 1 or (kind == "cpu" and cores > 1)
        for how, product in products.items()
    }
    best: Gemm | None = None
    for name, (threads, product) in arrangements.items():
        rates = _rates(product, shape, device, threads)
        found = Gemm(
            precision=precision, rows=shape.rows, inner=shape.inner, columns=shape.columns, of=shape.of,
            flops_per_second=max(rates), low=min(rates), repeats=len(rates), arrangement=name,
        )  # fmt: skip
        best = found if best is None or found.flops_per_second > best.flops_per_second else best
    assert best is not None
    return best


def speedup(gemms: list[Gemm]) -> float:
    """Return how much less time the model's own products take in bfloat16."""
    seconds = dict.fromkeys(("float32", "bfloat16"), 0.0)
    for gemm in gemms:
        if gemm.of != "square":
            seconds[gemm.precision] += 2 * gemm.rows * gemm.inner * gemm.columns / gemm.flops_per_second
    return seconds["float32"] / seconds["bfloat16"]


def _rates(product: Product, shape: Shape, device: str, threads: int) -> list[float]:
    """Return operations a second of `threads` products side by side, repetition by repetition."""

    def finish() -> None:
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize(device)

    with torch.inference_mode():
        product()
        finish()
        start = time.perf_counter()
        product()
        finish()
        count = max(1, int(_SECONDS / max(time.perf_counter() - start, 1e-7)))
        operations = 2 * shape.rows * shape.inner * shape.columns * count * threads
        return [operations / _seconds(product, finish, count, threads) for _ in range(_REPEATS)]


def _seconds(product: Product, finish: Callable[[], None], count: int, threads: int) -> float:
    if threads == 1:
        start = time.perf_counter()
        for _ in range(count):
            product()
        finish()
        return time.perf_counter() - start
    before = torch.get_num_threads()
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            ready.wait()
            for _ in range(count):
                product()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - start
    torch.set_num_threads(before)  # a thread's setting is the default for those that come later
    return elapsed
