"""The gate table: what was required, what was found, failing first and open, passed behind a fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.evidence.record import AuditRecord, Finding
from workbench.report.blocks import Block, Bullets, Cell, Fold, Item, Link, Paragraph, Section, Table
from workbench.report.failing import cases_of
from workbench.report.summary import outcome, skipped
from workbench.report.text import listed, plural
from workbench.verdict import wording
from workbench.verdict.judge import bound_judged, worst_first


def gates(record: AuditRecord, findings: Sequence[Finding]) -> Section:
    """Return the section of requirements: missed and open ones first, met ones folded, what does not apply last."""
    ranked = worst_first(findings)
    open_ones = [finding for finding in ranked if finding.verdict != "pass"]
    passed = [finding for finding in ranked if finding.verdict == "pass" and bound_judged(finding)]
    boundless = [finding for finding in ranked if finding.verdict == "pass" and not bound_judged(finding)]
    blocks: list[Block] = []

    def ways(finding: Finding) -> Link | None:
        return cases_of(record, finding)

    if not findings:
        blocks.append(Paragraph("No criterion was judged.", "note"))
    if open_ones:
        blocks.append(gate_table("Requirements that are missed, not established or to be decided on", open_ones, ways))
    if passed:
        table = gate_table("Requirements that are met", passed)
        names = listed(list(dict.fromkeys(title(finding.measurement) for finding in passed)))
        word = plural(len(passed), "requirement is met", "requirements are met")
        blocks.append(
            Fold(f"{word}: {names}", (table,), open=True) if not open_ones else Fold(f"{word}: {names}", (table,))
        )
    if boundless:
        table = gate_table("Asked for without a bound, or not of this model: nothing that was met", boundless)
        word = plural(len(boundless), "requirement sets no bound here", "requirements set no bound here")
        names = listed(list(dict.fromkeys(title(finding.measurement) for finding in boundless)))
        blocks.append(Fold(f"{word}: {names}", (table,)))
    if absent := skipped(record):
        items = tuple(Item(result.reason, lead=f"{evidence.probe}: ") for evidence, result in absent)
        told = plural(len(items), "probe does not apply here", "probes do not apply here")
        blocks.append(Fold(f"{told}, with reasons", (Bullets(items),), open=True))
    return Section(
        "requirements",
        "Requirements",
        tuple(blocks),
        "A requirement is met only when the required end of the interval, not just the value, satisfies the "
        "bound. Where the "
        "interval lies on both sides, or nothing was measured, it is not established.",
    )


def gate_table(
    caption: str, findings: Sequence[Finding], ways: Callable[[Finding], Link | None] | None = None
) -> Table:
    """Return one row per finding, worst first, each with the way to its cases that `ways` knows."""
    columns = (
        Cell("Requirement"),
        Cell("Verdict"),
        Cell("Value and interval", numeric=True),
        Cell("Required", numeric=True),
        Cell("n", numeric=True),
        Cell("Finding, and why it matters"),
    )
    return Table(caption, columns, tuple(_row(finding, ways) for finding in worst_first(findings)), wide=True)


def _row(finding: Finding, ways: Callable[[Finding], Link | None] | None) -> tuple[Cell, ...]:
    one = finding.evidence
    digits = 3 if one is None else wording.digits_for(one, finding.bound)
    heading = Cell(title(finding.measurement), wording.about(finding.where).strip())
    numbers = (
        (Cell("none", numeric=True), Cell(finding.bound, numeric=True), Cell("none", numeric=True))
        if one is None
        else (
            Cell(wording.number(one.value, one.unit, digits=digits), _interval(one, digits), numeric=True, strong=True),
            Cell(finding.bound, numeric=True),
            Cell(f"{one.n:,}", numeric=True),
        )
    )
    why = f"{finding.why} Owner: {finding.owner}." if finding.owner else finding.why
    way = None if ways is None else ways(finding)
    told = Cell(finding.because, why, links=() if way is None else (way,))
    return (heading, _outcome(finding), *numbers, told)


def _outcome(finding: Finding) -> Cell:
    """Return the verdict; what was held against no bound is no requirement that was met."""
    if finding.verdict == "pass" and not bound_judged(finding):
        return Cell(outcome(finding))
    return Cell(finding.verdict, verdict=finding.verdict)


def _interval(one: Measurement, digits: int) -> str:
    if one.interval is None:
        return "exact"
    return f"{wording.level(one.interval)}: {wording.interval(one.interval, one.unit, digits=digits)}"
