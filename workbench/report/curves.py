"""Curves as figures: those that share name and axis together, each with the table of its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.evidence.exhibits import Curve
from workbench.evidence.record import AuditRecord
from workbench.report import charts
from workbench.report.blocks import Block, Cell, Figure, Table
from workbench.report.text import short
from workbench.verdict import wording

_JOINED = 30
"""Curves with more points than this are drawn as lines with a band."""


def all_curves(record: AuditRecord) -> list[Curve]:
    """Return every curve of the record that has points."""
    return [exhibit for _, exhibit in record.exhibits("curve") if isinstance(exhibit, Curve) and exhibit.points]


def figures(curves: Iterable[Curve]) -> list[Block]:
    """Return one figure per set of curves that share name and axis; at most four lines to a figure."""
    sets: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in curves:
        # a sweep's curves are rates over one axis and belong together; others only where they measure the same thing
        y = "" if curve.name.startswith("threshold_sweep") else curve.y_label
        sets.setdefault((curve.name, curve.x_label, y), []).append(curve)
    return [_figure(held[start : start + 4], start) for held in sets.values() for start in range(0, len(held), 4)]


def _figure(held: Sequence[Curve], start: int) -> Figure:
    first = held[0]
    same = len({curve.y_label for curve in held}) == 1
    lines = [
        charts.Line(_line_name(curve, same), tuple(charts.Point(p.x, p.y, p.low, p.high) for p in curve.points))
        for curve in held
    ]
    name = first.name.replace("_", " ").capitalize() + (f", {start // 4 + 1}" if start else "")
    if len(held) == 1 and first.where:
        name += wording.about(first.where)
    y = first.y_label if same else "rate"
    drawn = charts.curve(
        lines,
        x=first.x_label,
        y=y,
        diagonal=first.reference == "diagonal",
        joined=max(len(curve.points) for curve in held) > _JOINED or not same,
        log=first.x_scale == "log",
        label=f"{name}: {y} against {first.x_label}. The numbers stand in the table below.",
    )
    caption = f"{name}: {short(y)} against {short(first.x_label)}, with intervals ({first.method})."
    if drawn_as := charts.legend(lines):
        caption += f" {drawn_as}."
    if first.reference == "diagonal":
        caption += " Dashed diagonal: where it should lie."
    return Figure(drawn, caption, _curve_table(name, held, lines))


def _line_name(curve: Curve, same: bool) -> str:
    where = {facet: value for facet, value in curve.where.items() if facet != "metric"}  # the axis says that already
    return wording.about(where).strip() or curve.name if same else curve.y_label + wording.about(where)


def _curve_table(name: str, held: Sequence[Curve], lines: Sequence[charts.Line]) -> Table:
    several = len(held) > 1
    columns = (
        Cell(held[0].x_label),
        *((Cell("Line"),) if several else ()),
        Cell("Value" if several else held[0].y_label, numeric=True),
        Cell("Interval", numeric=True),
        Cell("n", numeric=True),
    )
    rows = tuple(
        (
            Cell(f"{point.x:,.0f}" if curve.x_scale == "log" and point.x >= 1 else f"{point.x:.3g}"),
            *((Cell(short(line.name)),) if several else ()),
            Cell(wording.number(point.y, ""), numeric=True),
            Cell(f"{wording.number(point.low, '')} to {wording.number(point.high, '')}", numeric=True),
            Cell(f"{point.n:,}", numeric=True),
        )
        for curve, line in zip(held, lines, strict=True)
        for point in curve.points
    )
    return Table(f"{name}: the numbers of the chart", columns, rows)
