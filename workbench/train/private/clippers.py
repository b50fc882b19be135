"""Which way of computing clipped sums a run uses: the one asked for, or the fastest that the network allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from workbench.adapters.opacus_clipping import OpacusGhost, OpacusHooks
from workbench.errors import Unsupported
from workbench.train.private.clipping import Bookkeeper, Clipper, factors
from workbench.train.private.feed import Feed
from workbench.train.private.units import Units
from workbench.train.step import Workshop

_ROWS, _TOKENS, _TIMES = 16, 64, 3
"""Made-up rows on which the ways are timed, and how often."""

_ROUNDED = (
    'private training: clipping "{0}" adds gradients up in {1}, whose rounding may change by more than one unit\'s '
    'bound when that unit leaves; choose clipping = "bookkeeping", which adds up in float32, or precision = "float32"'
)

WAYS: dict[str, Callable[[Any], Clipper]] = {
    "bookkeeping": Bookkeeper,
    "ghost": lambda network: OpacusGhost(network, factors),
    "hooks": lambda network: OpacusHooks(network, factors),
}


def clipper_for(
    asked: str, shop: Workshop, feed: Feed, units: Units, *, rewritten: bool = False
) -> tuple[str, Clipper]:
    """Return the name of the way `asked` for, or of the fastest for 'auto', and the clipper itself.

    Timed on made-up rows, so what is chosen tells nothing of the private ones; all ways find the same sums.
    `rewritten`: whether units may have rewritings beside their texts.

    Raises `Unsupported` where the network, or units of several rows, do not allow it.
    """
    network = shop.accelerator.unwrap_model(shop.network)
    several = rewritten or any(len(members) > 1 for members in units.members)
    exact = shop.precision == "float32"
    if asked != "auto":
        if asked != "bookkeeping" and not exact:
            raise Unsupported(_ROUNDED.format(asked, shop.precision))
        if asked == "ghost" and several:
            raise Unsupported(
                'privacy.clipping "ghost" clips each row of a unit apart, and units have several rows here; choose '
                '"auto" or "bookkeeping"'
            )
        return asked, _tried(asked, network, feed)[1]
    timed: dict[str, tuple[float, Clipper]] = {}
    reasons: list[str] = []
    for name in WAYS:
        if name == "ghost" and several:
            continue
        if name != "bookkeeping" and not exact:
            reasons.append(_ROUNDED.format(name, shop.precision))
            continue
        try:
            timed[name] = _tried(name, network, feed)
        except Unsupported as error:
            reasons.append(f"{name}: {error}")
    if not timed:
        raise Unsupported("; ".join(dict.fromkeys(reasons)))
    best = min(timed, key=lambda name: timed[name][0])
    return best, timed[best][1]


def _tried(name: str, network: Any, feed: Feed) -> tuple[float, Clipper]:
    """Return how long the way `name` takes on made-up rows, and its clipper.

    Raises `Unsupported` where it cannot clip this network. Opacus finds out about some networks only as it meets them,
    and says so by errors of many kinds.
    """
    try:
        clipper = WAYS[name](network)
        return _seconds(feed, clipper), clipper
    except (NotImplementedError, RuntimeError, AttributeError) as error:
        raise Unsupported(
            f'private training: clipping "{name}" cannot be computed for a {type(network).__name__} '
            f"({type(error).__name__}: {error}); choose another way, or freeze the layers that it stumbles over"
        ) from error


def _seconds(feed: Feed, clipper: Clipper) -> float:
    """Return the least time of a pass over made-up rows."""
    rows = feed.made_up(_ROWS, share=1.0, seed=0, tokens=_TOKENS)
    found = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        clipper.add(feed.ready(rows), rows=feed.copies, bound=1.0, sums={})
        found.append(time.perf_counter() - start)
    return min(found)
