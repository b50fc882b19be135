"""Lists of texts: the first few at a glance, the others behind a fold."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.report.blocks import Block, Fold, Quote

FIRST = 5
"""Texts shown without unfolding."""


def folded(quotes: Sequence[Quote], what: str) -> tuple[Block, ...]:
    """Return the first texts, and one fold that holds the rest."""
    rest = tuple(quotes[FIRST:])
    return (*quotes[:FIRST], *((Fold(f"{len(rest)} more {what}", rest),) if rest else ()))
