"""Robustness: attacks, behaviours that failed, and what is certified."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import Certificate, FailingCase, FailingCases
from workbench.evidence.record import AuditRecord
from workbench.report.attacks import attacks
from workbench.report.blocks import Block, Cell, Fold, Heading, Paragraph, Quote, Table
from workbench.report.failing import BEHAVIOURS
from workbench.report.marks import changes
from workbench.report.reductions import reductions
from workbench.report.tagged import DECIDED, tagged
from workbench.report.text import SHOWN, cut_note, short
from workbench.verdict import wording

CASES = 5
"""Failing cases shown of one behaviour; the rest is in audit.json."""


def robustness(record: AuditRecord) -> tuple[Block, ...]:
    """Return what came of each attack, the reduced texts, behaviours that failed, and how far certificates reach."""
    return (*attacks(record), *reductions(record), *_behaviours(record), *_certificates(record))


def _certificates(record: AuditRecord) -> Iterator[Block]:
    """Yield how far the certificates reach; a wrong decision may be certified too."""
    models: dict[str, list[Certificate]] = {}
    for evidence, exhibit in record.exhibits("certificate"):
        if isinstance(exhibit, Certificate):
            models.setdefault(str(evidence.params.get("keep")), []).append(exhibit)
    if models:
        yield Heading("Certified decisions of the smoothed model")
    for keep, held in models.items():
        rows = []
        for reached in sorted({-1 if one.radius is None else one.radius for one in held}):
            right = [one.decided == one.label for one in held if reached == (-1 if one.radius is None else one.radius)]
            name = "no decision" if reached < 0 else f"{reached:,}"
            rows.append((Cell(name), *(Cell(f"{count:,}", numeric=True) for count in (len(right), sum(right)))))
        which = f" (keep {short(keep)})" if len(models) > 1 else ""
        yield Table(
            "Examples by how many words may at most be replaced without changing the smoothed model's decision" + which,
            (Cell("Words"), Cell("Examples", numeric=True), Cell("Decided rightly", numeric=True)),
            tuple(rows),
        )


_MUST = {
    "minimum functionality": "the decision must be the one named",
    "invariance": "the decision must stay",
    "directional": "the probability of the label named must not fall",
}


def _behaviours(record: AuditRecord) -> Iterator[Block]:
    held = [exhibit for _, exhibit in record.exhibits("failing_cases") if isinstance(exhibit, FailingCases)]
    if held:
        yield Heading("Behaviours that failed", BEHAVIOURS)
        yield Paragraph(
            "Each text below breaks a rule that should hold whatever the accuracy. `workbench regress save` writes "
            "them to a file, and `workbench regress run` asks a mended model again.",
            "quiet",
        )
    for exhibit in held:
        shown = exhibit.cases[:CASES]
        quotes = [_case(case, exhibit.behaviour) for case in shown]
        yield Fold(
            f"{short(exhibit.behaviour, 80)} ({exhibit.test}): {exhibit.total:,} of {exhibit.of:,} failed; "
            f"{_MUST[exhibit.test]}",
            tuple(quotes),
        )


def _case(case: FailingCase, behaviour: str) -> Quote:
    facts = [f"must be: {short(case.label)}"] if case.label is not None and case.before is None else []
    facts += [f"decided before: {short(case.decided_before)}"] if case.decided_before is not None else []
    facts.append(f"decided: {short(case.decided)}")
    start = "" if case.probability_before is None else f"{wording.number(case.probability_before, '')} → "
    facts.append(f"probability of {short(case.watched)} {start}{wording.number(case.probability, '')}")
    before = case.text if case.before is None else case.before
    length = max(len(before), len(case.text))
    name = f"Example {short(case.example, 24)}" if case.example else "From a template"
    tags = tagged((("Behaviour", behaviour), (DECIDED, case.decided)))
    note = cut_note(length) if length > SHOWN else ""
    return Quote(name, changes(before, case.text), tuple(facts), note=note, tags=tags)
