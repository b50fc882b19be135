"""One section per pillar: what was measured, or that nothing was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.evidence.exhibits import Cases, Confusion, Curve, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import AuditRecord, Failed, Measured, NotApplicable
from workbench.report.attacks import BY_QUERIES
from workbench.report.blocks import Block, Bullets, Cell, Heading, Item, Paragraph, Quote, Run, Section, Table
from workbench.report.curves import all_curves, figures
from workbench.report.explanations import explanations
from workbench.report.fairness import fairness
from workbench.report.privacy import privacy
from workbench.report.quotes import folded
from workbench.report.robustness import robustness
from workbench.report.scaling import scaling
from workbench.report.slices import slices
from workbench.report.summary import PILLARS, pillar
from workbench.report.tables import explained, methods, tables
from workbench.report.tagged import outcome, tagged
from workbench.report.text import excerpt, plural, short
from workbench.report.trust import trust
from workbench.verdict import wording

_OWN_TABLES = frozenset({"fairness", "privacy"})
"""Pillars whose section says itself where its measurements stand."""

CASES = 20
"""Cases shown of one list; the rest is in audit.json."""


def sections(record: AuditRecord) -> tuple[Section, ...]:
    """Return the sections on the pillars, in reading order, and last whatever belongs to none of them."""
    makers: dict[str, Callable[[AuditRecord], tuple[Block, ...]]] = {
        "performance": _performance,
        "calibration": _curves_of("calibration"),
        "robustness": lambda record: (*_curves_of("robustness")(record), *robustness(record)),
        "fairness": fairness,
        "privacy": privacy,
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
            blocks += trust(held, _put_to_sanity_check(record))
        elif name not in _OWN_TABLES:
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


def _put_to_sanity_check(record: AuditRecord) -> list[str]:
    """Return the methods that a sanity check which gave figures was asked about."""
    return [
        str(method)
        for evidence in record.evidence
        if evidence.probe.startswith("explanations.sanity@") and isinstance(evidence.result, Measured)
        for method in evidence.params.get("methods", ())
    ]


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
    return (*confusions, *slices(record), *_curves_of("performance")(record))


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
        return tuple(
            figures(curve for curve in all_curves(record) if _home(record, curve) == name and curve.name != BY_QUERIES)
        )

    return made


def _home(record: AuditRecord, curve: Curve) -> str:
    if curve.name.startswith("reliability"):
        return "calibration"
    made = next(evidence.probe for evidence, exhibit in record.exhibits("curve") if exhibit is curve)
    return pillar(made)


def _cases(record: AuditRecord) -> Section | None:
    blocks: list[Block] = []
    all_of = "" if record.redacted else ", and predictions.parquet beside it the decision on every example"
    for _, exhibit in record.exhibits("cases"):
        if not isinstance(exhibit, Cases):
            continue
        shown = exhibit.cases[:CASES]
        quotes = []
        blocks.append(Heading(exhibit.title))
        blocks.append(
            Paragraph(
                f"{len(shown):,} of {plural(exhibit.total, 'case')} shown; audit.json holds {len(exhibit.cases):,}"
                f"{all_of}.",
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
            tags = tagged((*outcome(case.label, case.predicted), *case.groups.items()))
            quotes.append(Quote(f"Example {short(case.example, 24)}", (Run(text),), tuple(facts), note=note, tags=tags))
        blocks += folded(quotes, "cases")
    if not blocks:
        return None
    lead = "Read these first: what the model gets wrong while being sure says more than any rate."
    return Section("cases", "Worst cases", tuple(blocks), lead)
