"""Words for two groups exchanged: what that did, term by term, and the texts that are then decided otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import SwappedText, TokenSwaps
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Cell, Fold, Heading, Paragraph, Quote, Table
from workbench.report.marks import changes
from workbench.report.text import SHOWN, cut_note, plural, short
from workbench.verdict import wording

FLIPPED = 5
"""Flipped texts shown of one swap; more are in audit.json."""


def counterfactual(record: AuditRecord) -> Iterator[Block]:
    """Yield each swap's terms and the texts that were decided otherwise after it; swaps of mentions first."""
    held = [one for _, one in record.exhibits("token_swaps") if isinstance(one, TokenSwaps)]
    if not held:
        return
    yield Heading("Words for a group exchanged, all others kept")
    yield Paragraph(
        "A decision that hangs on the word for a group is a question: would a reader decide the second text otherwise, "
        "because it says something else? If not, the model decides by the word. A text that stays proves nothing about "
        "other words and other texts.",
        "quiet",
    )
    for one in sorted(held, key=lambda one: one.added):
        if one.terms:
            yield _terms(one)
        if one.flipped:
            yield _flipped(one)


def _terms(one: TokenSwaps) -> Table:
    where = ", in a sentence put before the text" if one.added else ""
    return Table(
        f"{short(one.swap)}: the commonest of the terms exchanged{where}",
        (
            Cell(short(one.first)),
            Cell(short(one.second)),
            Cell("Texts", numeric=True),
            Cell("Decided otherwise", numeric=True),
            Cell(f"Change of the probability of {short(one.positive)}", "with the second term, mean", numeric=True),
        ),
        tuple(
            (
                Cell(short(row.first, 40)),
                Cell(short(row.second, 40)),
                Cell(f"{row.n:,}", numeric=True),
                Cell(
                    f"{row.flips:,}", f"{wording.interval(row.flip_interval, 'proportion')} of such texts", numeric=True
                ),
                Cell(
                    f"{row.change:+.3f}",
                    "one person only, no interval"
                    if row.change_interval is None
                    else f"{row.change_interval.low:+.3f} to {row.change_interval.high:+.3f}",
                    numeric=True,
                    strong=True,
                ),
            )
            for row in one.terms
        ),
    )


def _flipped(one: TokenSwaps) -> Fold:
    shown = one.flipped[:FLIPPED]
    more = f"; {len(shown)} shown, those whose score changed most" if len(shown) < one.total else ""
    return Fold(
        f"{short(one.swap)}: {one.total:,} of {plural(one.of, 'text')} decided otherwise{more}",
        tuple(_quote(text, one.positive) for text in shown),
    )


def _quote(text: SwappedText, positive: str) -> Quote:
    facts = (
        f"decided before: {short(text.decided_before)}",
        f"decided: {short(text.decided)}",
        f"probability of {short(positive)} {wording.number(text.probability_before, '')} → "
        f"{wording.number(text.probability, '')}",
    )
    length = max(len(text.before), len(text.after))
    note = cut_note(length) if length > SHOWN else ""
    return Quote(f"Example {short(text.example, 24)}", changes(text.before, text.after), facts, note=note)
