"""The gate table: what was required, what was found, failing first and open, passed behind a fold."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.evidence.record import Finding
from workbench.report.blocks import Block, Cell, Fold, Paragraph, Section, Table
from workbench.report.text import listed, plural
from workbench.verdict import wording
from workbench.verdict.judge import worst_first


def gates(findings: Sequence[Finding]) -> Section:
    """Return the section of requirements."""
    ranked = worst_first(findings)
    open_ones = [finding for finding in ranked if finding.verdict != "pass"]
    passed = [finding for finding in ranked if finding.verdict == "pass"]
    blocks: list[Block] = []
    if not findings:
        blocks.append(Paragraph("No criterion was judged.", "note"))
    if open_ones:
        blocks.append(gate_table("Requirements that are missed, not established or to be decided on", open_ones))
    if passed:
        table = gate_table("Requirements that are met", passed)
        names = listed(list(dict.fromkeys(title(finding.measurement) for finding in passed)))
        word = plural(len(passed), "requirement is met", "requirements are met")
        blocks.append(
            Fold(f"{word}: {names}", (table,), open=True) if not open_ones else Fold(f"{word}: {names}", (table,))
        )
    return Section(
        "requirements",
        "Requirements",
        tuple(blocks),
        "A requirement is met only when the required end of the interval, not just the value, satisfies the "
        "bound. Where the "
        "interval lies on both sides, or nothing was measured, it is not established.",
    )


def gate_table(caption: str, findings: Sequence[Finding]) -> Table:
    """Return one row per finding, worst first."""
    columns = (
        Cell("Requirement"),
        Cell("Verdict"),
        Cell("Value and interval", numeric=True),
        Cell("Required", numeric=True),
        Cell("n", numeric=True),
        Cell("Finding, and why it matters"),
    )
    return Table(caption, columns, tuple(_row(finding) for finding in worst_first(findings)), wide=True)


def _row(finding: Finding) -> tuple[Cell, ...]:
    one = finding.evidence
    heading = Cell(title(finding.measurement), wording.about(finding.where).strip())
    numbers = (
        (Cell("none", numeric=True), Cell(finding.bound, numeric=True), Cell("none", numeric=True))
        if one is None
        else (
            Cell(wording.number(one.value, one.unit), _interval(one), numeric=True, strong=True),
            Cell(finding.bound, numeric=True),
            Cell(f"{one.n:,}", numeric=True),
        )
    )
    why = f"{finding.why} Owner: {finding.owner}." if finding.owner else finding.why
    return (heading, Cell(finding.verdict, verdict=finding.verdict), *numbers, Cell(finding.because, why))


def _interval(one: Measurement) -> str:
    if one.interval is None:
        return "exact"
    return f"{wording.level(one.interval)}: {wording.interval(one.interval, one.unit)}"
