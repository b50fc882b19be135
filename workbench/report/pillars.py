"""One section per pillar: what was measured, or that nothing was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from workbench.evidence.exhibits import Cases, Confusion, Curve, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import AuditRecord, Failed, NotApplicable
from workbench.report import charts
from workbench.report.blocks import Block, Bullets, Cell, Figure, Heading, Item, Paragraph, Quote, Run, Section, Table
from workbench.report.explanations import explanations
from workbench.report.fairness import fairness
from workbench.report.quotes import folded
from workbench.report.robustness import robustness
from workbench.report.scaling import scaling
from workbench.report.summary import PILLARS, pillar
from workbench.report.tables import explained, methods, tables
from workbench.report.text import excerpt, plural, short
from workbench.report.trust import trust
from workbench.verdict import wording

CASES = 20
"""Cases shown of one list; the rest is in audit.json."""

_JOINED = 30
"""Curves with more points than this are drawn as lines with a band."""


def sections(record: AuditRecord) -> tuple[Section, ...]:
    """Return the sections on the pillars, in reading order, and last whatever belongs to none of them."""
    makers: dict[str, Callable[[AuditRecord], tuple[Block, ...]]] = {
        "performance": _performance,
        "calibration": _curves_of("calibration"),
        "robustness": lambda record: (*_curves_of("robustness")(record), *robustness(record)),
        "fairness": fairness,
        "explanations": explanations,
        "cost": scaling,
    }
    others = {pillar(one.name) for _, one in record.measurements()} - set(PILLARS)
    made = [_section(record, name, name_title, makers.get(name)) for name, name_title in PILLARS.items()]
    made += [_section(record, name, name.capitalize(), None) for name in sorted(others)]
    cases = _cases(record)
    if cases is not None:
        made.insert(2, cases)
    return tuple(made)


def _section(
    record: AuditRecord, name: str, name_title: str, maker: Callable[[AuditRecord], tuple[Block, ...]] | None
) -> Section:
    held = [one for _, one in record.measurements() if pillar(one.name) == name]
    blocks: list[Block] = list(_silent(record, name))
    if held:
        special = maker(record) if maker is not None else ()
        if name == "explanations":
            blocks += trust(held)
        elif name != "fairness":
            blocks += _measured(name_title, held)
        blocks += special
        blocks += _notes(record, name, held)
        if how := methods(held):
            blocks.append(Paragraph(f"How the intervals were computed. {how}.", "quiet"))
        blocks += explained(held)
    elif not blocks:
        blocks.append(
            Paragraph(f"{name_title} was not tested in this audit. Nothing is said about it, good or bad.", "note")
        )
    return Section(name, name_title, tuple(blocks))


def _measured(name_title: str, held: Sequence[Measurement]) -> list[Block]:
    return list(tables(name_title, held))


def _silent(record: AuditRecord, name: str) -> list[Block]:
    """Return the probes of a pillar that left nothing, and why."""
    items = []
    for evidence in record.evidence:
        if pillar(evidence.probe) != name:
            continue
        if isinstance(evidence.result, Failed):
            items.append(Item(evidence.result.error, "fail", f"{evidence.probe} crashed: "))
        elif isinstance(evidence.result, NotApplicable):
            items.append(Item(evidence.result.reason, "not_established", f"{evidence.probe} did not run: "))
    return [Bullets(tuple(items))] if items else []


def _notes(record: AuditRecord, name: str, held: Sequence[Measurement]) -> list[Block]:
    """Return the caveats of the probes whose measurements stand in this section first."""
    makers = [evidence for evidence, one in record.measurements() if one in held]
    notes = dict.fromkeys(
        exhibit.text
        for evidence, exhibit in record.exhibits("note")
        if isinstance(exhibit, Note) and (pillar(evidence.probe) == name or any(evidence is maker for maker in makers))
        if _first_pillar(evidence.result, name)
    )
    return [Bullets(tuple(Item(note, lead="Note. ") for note in notes))] if notes else []


def _first_pillar(result: object, name: str) -> bool:
    """Tell whether `name` is the pillar of most of what the probe measured: its notes go there, once."""
    names = [pillar(one.name) for one in getattr(result, "measurements", ())]
    return not names or max(dict.fromkeys(names), key=names.count) == name


def _performance(record: AuditRecord) -> tuple[Block, ...]:
    confusions = [
        _confusion(exhibit, len(list(record.exhibits("confusion"))) > 1, index)
        for index, (_, exhibit) in enumerate(record.exhibits("confusion"))
        if isinstance(exhibit, Confusion)
    ]
    return (*confusions, *_curves_of("performance")(record))


def _confusion(exhibit: Confusion, several: bool, index: int) -> Table:
    columns = (
        Cell("True label"),
        *(Cell(f"decided {short(label)}", numeric=True) for label in exhibit.labels),
        Cell("All", numeric=True),
    )
    rows = tuple(
        (
            Cell(short(label)),
            *(Cell(f"{n:,}", numeric=True, strong=row == column) for column, n in enumerate(counts)),
            Cell(f"{sum(counts):,}", numeric=True),
        )
        for row, (label, counts) in enumerate(zip(exhibit.labels, exhibit.counts, strict=True))
    )
    number = f" {index + 1}" if several else ""
    return Table(f"Confusion matrix{number}: decided against true labels (right decisions in bold)", columns, rows)


def _curves_of(name: str) -> Callable[[AuditRecord], tuple[Block, ...]]:
    def made(record: AuditRecord) -> tuple[Block, ...]:
        return tuple(figures([curve for curve in all_curves(record) if _home(record, curve) == name]))

    return made


def all_curves(record: AuditRecord) -> list[Curve]:
    """Return every curve of the record that has points."""
    return [exhibit for _, exhibit in record.exhibits("curve") if isinstance(exhibit, Curve) and exhibit.points]


def _home(record: AuditRecord, curve: Curve) -> str:
    if curve.name.startswith("reliability"):
        return "calibration"
    made = next(evidence.probe for evidence, exhibit in record.exhibits("curve") if exhibit is curve)
    return pillar(made)


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
            Cell(f"{point.x:.3g}"),
            *((Cell(short(line.name)),) if several else ()),
            Cell(wording.number(point.y, ""), numeric=True),
            Cell(f"{wording.number(point.low, '')} to {wording.number(point.high, '')}", numeric=True),
            Cell(f"{point.n:,}", numeric=True),
        )
        for curve, line in zip(held, lines, strict=True)
        for point in curve.points
    )
    return Table(f"{name}: the numbers of the chart", columns, rows)


def _cases(record: AuditRecord) -> Section | None:
    blocks: list[Block] = []
    for _, exhibit in record.exhibits("cases"):
        if not isinstance(exhibit, Cases):
            continue
        shown = exhibit.cases[:CASES]
        quotes = []
        blocks.append(Heading(exhibit.title))
        blocks.append(
            Paragraph(
                f"{len(shown):,} of {plural(exhibit.total, 'case')} shown; audit.json holds {len(exhibit.cases):,}.",
                "quiet",
            )
        )
        for case in shown:
            text, note = excerpt(case.text)
            facts = [
                f"true: {short(case.label)}",
                f"decided: {short(case.predicted)} (probability {wording.number(case.probability, '')})",
                *(f"{short(attribute)}: {short(group)}" for attribute, group in case.groups.items()),
            ]
            quotes.append(Quote(f"Example {short(case.example, 24)}", (Run(text),), tuple(facts), note=note))
        blocks += folded(quotes, "cases")
    if not blocks:
        return None
    lead = "Read these first: what the model gets wrong while being sure says more than any rate."
    return Section("cases", "Worst cases", tuple(blocks), lead)
