"""Slices: where the model did worse than elsewhere, as far as other people bear it out."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import Slice, Slices
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Cell, Heading, Paragraph, Table
from workbench.report.text import plural, short
from workbench.verdict import wording


def slices(record: AuditRecord) -> Iterator[Block]:
    """Yield the slices that were tested, the worst first, and how; a sentence where none was."""
    for _, one in record.exhibits("slices"):
        if isinstance(one, Slices):
            yield Heading("Slices that looked worse")
            yield Paragraph(_how(one), "quiet")
            if one.slices:
                yield _table(one)


def _how(one: Slices) -> str:
    start = (
        f"{plural(one.looked_at, 'candidate')} (groups, lengths, kinds of characters, confidence, branches of a small "
        f"tree), if they had {one.minimum:,} people at least, were compared with the rest among "
        f"{plural(one.people_found, 'person', 'people')}. "
    )
    if not one.slices:
        return f"{start}None looked clearly worse; smaller slices, and slices by anything else, were not looked at."
    return (
        f"{start}Those that looked worst were measured on {one.people:,} other people, of whose decisions "
        f"{one.overall:.1%} are wrong. Only these figures are free of the choice. Confirmed: worse than the rest "
        f"there, with a chance of {one.level:.0%} at most that any slice is confirmed if none is worse ({one.method})."
    )


def _table(one: Slices) -> Table:
    return Table(
        "Errors of the slices, on people who had no part in finding them",
        (
            Cell("Slice"),
            Cell("People", numeric=True),
            Cell("Wrong", "95% interval", numeric=True),
            Cell("Wrong in the rest", numeric=True),
            Cell("p, adjusted", numeric=True),
            Cell("Confirmed"),
        ),
        tuple(_row(each) for each in one.slices),
    )


def _row(one: Slice) -> tuple[Cell, ...]:
    return (
        Cell(short(one.name), f"{one.error_found:.1%} of {plural(one.n_found, 'example')} where it was found"),
        Cell(f"{one.people:,}", numeric=True),
        Cell(
            wording.number(one.error, "proportion"),
            f"{wording.interval(one.interval, 'proportion')}; n = {one.n:,}",
            numeric=True,
            strong=True,
        ),
        Cell(wording.number(one.rest, "proportion"), numeric=True),
        Cell(wording.number(one.p, ""), numeric=True),
        Cell("yes" if one.confirmed else "no"),
    )
