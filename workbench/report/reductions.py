"""Input reduction: what little of a text the decision needs, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import Reduction
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Heading, Paragraph, Quote
from workbench.report.marks import changes
from workbench.report.quotes import folded
from workbench.report.text import SHOWN, cut_note, plural, short
from workbench.verdict import wording

REDUCED = 20
"""Reduced texts shown; the rest is in audit.json."""


def reductions(record: AuditRecord) -> Iterator[Block]:
    """Yield the reduced texts, those with the smallest share of their words left first."""
    held = [one for _, one in record.exhibits("reduction") if isinstance(one, Reduction) and one.outcome == "reduced"]
    if not held:
        return
    held.sort(key=lambda one: ((one.words_left or 0) / max(1, one.words), one.example))
    shown = held[:REDUCED]
    more = f" {len(held) - len(shown):,} more are in audit.json." if len(held) > len(shown) else ""
    yield Heading("Words that the decision can do without")
    yield Paragraph(
        f"{plural(len(shown), 'text')} from which words were taken, struck through here, as long as the decision "
        "stayed. To be read: would a person decide so, and as surely, from the words that are left? "
        f"If not, the model decides by something else than what the text says.{more}"
    )
    yield from folded([_quote(one) for one in shown], "texts")


def _quote(one: Reduction) -> Quote:
    assert one.reduced is not None  # the caller shows reduced texts only
    after = "" if one.probability_after is None else f" → {wording.number(one.probability_after, '')}"
    facts = (
        f"true: {short(one.label)}",
        f"decided, before and after: {short(one.decided)}",
        f"its probability {wording.number(one.probability_before, '')}{after}",
        f"{one.words_left or 0:,} of {plural(one.words, 'word')} left",
    )
    note = cut_note(len(one.original)) if len(one.original) > SHOWN else ""
    return Quote(f"Example {short(one.example, 24)}", changes(one.original, one.reduced), facts, note=note)
