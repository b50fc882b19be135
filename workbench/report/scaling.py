"""What this audit cost, step by step, and what it would cost with ten times the data."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.effort import Effort
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Cell, Heading, Paragraph, Table
from workbench.report.text import plural
from workbench.verdict import wording

TIMES = 10


def scaling(record: AuditRecord) -> tuple[Block, ...]:
    """Return the cost of the audit itself; nothing for a record that did not count it."""
    return tuple(_blocks(record.effort)) if record.effort else ()


def _blocks(effort: tuple[Effort, ...]) -> Iterator[Block]:
    yield Heading("What this audit cost, and what more data would")
    sequences, seconds = sum(one.sequences for one in effort), sum(one.seconds for one in effort)
    inside = sum(one.model_seconds for one in effort)
    spent = f"This audit sent {plural(sequences, 'text')} through the network and took {_time(seconds)}"
    spent += f", {inside / seconds:.0%} of it inside the network." if seconds and sequences else "."
    whole = all(one.complete for one in effort)
    if whole:
        more = sum(one.sequences * _factor(one) for one in effort)
        longer = sum(one.seconds * _factor(one) for one in effort)
        yield Paragraph(
            f"{spent} With {TIMES} times the data it would send about {more:,} and take about {_time(longer)} on this "
            "machine: steps that read every example grow with the data, the others work on samples of a fixed size. "
            "This is a projection from the counts below, not a measurement."
        )
    else:
        yield Paragraph(
            f"{spent} Parts of it were finished before an interruption and are not counted here, so nothing is "
            "said about more data.",
            "note",
        )
    columns = (
        "Step",
        "Texts asked about",
        "Sent through the network",
        "Padding",
        "Time",
        f"Time with {TIMES} times the data",
    )
    rows = tuple(_row(one, whole) for one in effort)
    yield Table(
        "Work counted in this run. What is asked twice is sent once; padding is what batches computed beyond the "
        "texts' own tokens.",
        tuple(Cell(name, numeric=i > 0) for i, name in enumerate(columns)),
        rows,
    )


def _row(one: Effort, whole: bool) -> tuple[Cell, ...]:
    padding = "–" if not one.computed_tokens else f"{1 - one.tokens / one.computed_tokens:.0%}"
    return (
        Cell(one.step, "" if one.complete else "in part"),
        Cell(f"{one.asked:,}", numeric=True),
        Cell(f"{one.sequences:,}", numeric=True),
        Cell(padding, numeric=True),
        Cell(_time(one.seconds), numeric=True),
        Cell(_time(one.seconds * _factor(one)) if whole else "–", numeric=True),
    )


def _factor(one: Effort) -> int:
    return TIMES if one.grows else 1


def _time(seconds: float) -> str:
    """Return a time as people say it: to the second below two minutes, else to the minute, else to the hour."""
    if seconds < 120:
        return wording.number(seconds, "seconds")
    return f"{seconds / 60:,.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"
