"""How long a private step takes beside the plain one on the same batch, and how much memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

from workbench.audit.performance.memory import peak_memory
from workbench.bench.private_shop import shop_of
from workbench.data.corpus import Corpus
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.models.batches import token_batches
from workbench.train.optimiser import make_optimiser
from workbench.train.privacy import Privacy
from workbench.train.private.clippers import WAYS
from workbench.train.private.entropy import NAME, normal
from workbench.train.private.feed import TextFeed
from workbench.train.private.step import Mechanism
from workbench.train.recipe import Recipe
from workbench.train.rows import Rows
from workbench.train.step import Workshop, optimise
from workbench.train.variants import Variants

Say = Callable[[str], None]
BATCH, REPEATS = 192, 3
"""Reviews of a step, and how often the plain step and ours take it, in turns, after one to warm up."""
TOKENS = {"bookkeeping": 2_048, "ghost": 2_048, "hooks": 512}
"""That go through the network at once, as in the plain step; the stock hooks keep a gradient for each text, and would
need some 10 GB."""
FEW = 64
"""Reviews of the step whose memory is measured: it peaks in the largest group, of some 25."""
STOCK = ("ghost", "hooks")
"""Opacus's own ways take the step once, for comparison."""
NUMBERS = 22_700_000
"""Normal numbers of a full step's noise: the backbone's parameters."""
KINDS: dict[str, dict[str, Any]] = {
    "all parameters": {},
    "low-rank updates": {"adapter": {"kind": "lora", "rank": 8}},
}
TARGETS = {"all parameters": 1.7, "low-rank updates": 1.2}
"""A private step over a plain one, at most."""
MEMORY_TARGET = 1.3
WAYS_MEASURED = {"all parameters": ("bookkeeping", "ghost", "hooks"), "low-rank updates": ("bookkeeping", "hooks")}


def measure_steps(*, say: Say) -> list[dict[str, Any]]:
    """Return a row for each kind of training and way of clipping: seconds, ratio to the plain step, peak memory."""
    corpus = split(load_corpus("reviews"), "train").sample(BATCH)
    return [row for kind in KINDS for row in _kind(kind, corpus, say)]


def measure_noise(*, say: Say) -> dict[str, Any]:
    """Return how long the noise of a full step takes to draw, beside torch's own numbers, which have a seed."""
    ours, torchs = (
        min(_seconds(draw) for _ in range(REPEATS))
        for draw in (lambda: normal((NUMBERS,), 1.0), lambda: torch.randn(NUMBERS))
    )
    say(f"noise: {ours:.2f} s for {NUMBERS:,} numbers, {ours / torchs:.1f} times torch.randn")
    return {"numbers": NUMBERS, "seconds": ours, "torch_seconds": torchs, "ratio": ours / torchs, "source": NAME}


def _seconds(draw: Callable[[], torch.Tensor]) -> float:
    start = time.perf_counter()
    draw()
    return time.perf_counter() - start


def peaks_of(kind: str, *, say: Say) -> dict[str, int]:
    """Return the peak memory of a step in each way, in bytes: each in a process of its own, for memory is kept."""
    peaks = {}
    for name in ("plain", *WAYS_MEASURED[kind]):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            peaks[name] = alone.submit(_peak, kind, name).result()
        say(f"steps: {kind}, {name}: peak memory {peaks[name] / 1e6:,.0f} MB")
    return peaks


def _peak(kind: str, name: str) -> int:
    corpus = split(load_corpus("reviews"), "train").sample(FEW)
    return peak_memory(_side(_shop(kind, corpus), corpus, name)).bytes


def _shop(kind: str, corpus: Corpus) -> Workshop:
    recipe = Recipe.checked({"data": "reviews", "precision": "float32", **KINDS[kind]}, where="the benchmark")
    shop = shop_of(recipe, corpus.labels)
    shop.network.train()
    return shop


def _side(shop: Workshop, corpus: Corpus, name: str) -> Callable[[], None]:
    return _plain(shop, corpus) if name == "plain" else _private(shop, corpus, name)


def _kind(kind: str, corpus: Corpus, say: Say) -> Iterator[dict[str, Any]]:
    shop, peaks = _shop(kind, corpus), peaks_of(kind, say=say)
    sides = {name: _side(shop, corpus, name) for name in peaks}
    seconds: dict[str, list[float]] = {name: [] for name in sides}

    def once(name: str) -> None:
        start = time.perf_counter()
        sides[name]()
        seconds[name].append(time.perf_counter() - start)
        say(f"steps: {kind}, {name}: {seconds[name][-1]:.1f} s")

    for name in sides:  # warms up, the plain one first
        once(name)
        if name not in STOCK:
            seconds[name].clear()
    for _ in range(REPEATS):
        for name in sides:
            if name not in STOCK:
                once(name)
    for name in sides:
        pairs = [ours / plain for ours, plain in zip(seconds[name], seconds["plain"], strict=False)]
        yield {
            "kind": kind,
            "way": name,
            "batch": BATCH,
            "tokens": sum(len(ids) for ids in shop.encoder.ids(corpus.inputs)),
            "seconds": statistics.median(seconds[name]),
            "ratio": {"value": statistics.median(pairs), "low": min(pairs), "high": max(pairs), "repeats": len(pairs)},
            "peak_bytes": peaks[name],
            "memory_ratio": peaks[name] / peaks["plain"],
        }


def _plain(shop: Workshop, corpus: Corpus) -> Callable[[], None]:
    ids = shop.encoder.ids(corpus.inputs)
    every = Rows(shop.encoder, corpus, ids, Variants({}))
    optimiser = make_optimiser(shop.network, shop.recipe)
    batches = [every.batch(rows) for rows in token_batches(ids, shop.device.type)]
    return lambda: _discarded(optimise(shop, optimiser, batches, step=0))


def _private(shop: Workshop, corpus: Corpus, way: str) -> Callable[[], None]:
    feed = TextFeed(shop, corpus)
    how = Privacy(noise_multiplier=1.0, delta=1e-5, steps=1, batch=BATCH, physical_tokens=TOKENS[way])
    parameters = tuple(one for one in shop.network.parameters() if one.requires_grad)
    mechanism = Mechanism(how, 1.0, WAYS[way](shop.network), feed, parameters)
    optimiser = make_optimiser(shop.network, shop.recipe)
    units = {i: feed.rows(i, (), share=1.0) for i in range(len(corpus))}
    return lambda: mechanism.step(shop, optimiser, units)


def _discarded(_: float) -> None:
    """Take a loss and say nothing."""
