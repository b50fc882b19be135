"""From a record and its findings to a page of plain values. Everything is formatted here; templates only lay out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.evidence.record import AuditRecord, Finding
from workbench.report import not_compared
from workbench.report.beside import Beside, limit, section, step
from workbench.report.blocks import Block, Cell, Definitions, Fold, Item, Page, Paragraph, Section, Summary, Table
from workbench.report.gates import gates
from workbench.report.identity import AFTERWARDS, identity
from workbench.report.not_compared import NotCompared
from workbench.report.obligations import obligations
from workbench.report.pillars import sections
from workbench.report.scope import scope
from workbench.report.signing import signing
from workbench.report.summary import summary
from workbench.report.text import plural, short
from workbench.verdict import wording


def page(
    record: AuditRecord,
    findings: Sequence[Finding],
    *,
    compared: Beside | NotCompared | None = None,
    afterwards: bool = False,
) -> Page:
    """Return the page, in the reading order of the architecture; `compared` is what lies beside it.

    `afterwards`: the record's policy was put in the place of the one that was fixed before the audit.
    """
    model, card, settings = record.model, record.corpus, record.audit
    screen = summary(record, findings)
    pillars = sections(record)
    if compared is not None:
        screen, told = _with(screen, compared)
        cost = next(i for i, one in enumerate(pillars) if one.id == "cost")
        pillars = (*pillars[:cost], told, *pillars[cost:])
    return Page(
        title=f"Audit of {short(model.name)}",
        subtitle=f"on {short(card.name)}, {settings.date[:10]}",
        facts=(
            ("Model", short(model.name)),
            ("Data", f"{short(card.name)}, {plural(card.n, 'example')}"),
            ("Policy", f"{short(settings.policy)}{f', {AFTERWARDS}' if afterwards else ''}"),
            ("Date", settings.date[:10]),
            *((("Texts", "withheld"),) if record.redacted else ()),
        ),
        summary=screen,
        sections=(
            gates(record, findings),
            identity(record, afterwards=afterwards),
            scope(record),
            *pillars,
            obligations(record, findings, afterwards=afterwards),
            _reproduce(record, afterwards=afterwards),
            signing(record, screen.word, afterwards=afterwards),
        ),
        footer=f"Workbench {record.environment.code}; record schema {record.schema_version}; from audit.json "
        f"{_sources(compared)}.",
    )


def _with(screen: Summary, compared: Beside | NotCompared) -> tuple[Summary, Section]:
    """Return the first screen with what the comparison adds to it, and the section on it."""
    if isinstance(compared, NotCompared):
        exceptions = (*screen.exceptions, not_compared.exception(compared))
        return replace(screen, exceptions=exceptions), not_compared.section(compared)
    limits = [one for one in (limit(compared),) if one is not None]
    steps = _steps(screen.steps, step(compared))
    return replace(screen, steps=steps, limits=(*screen.limits, *limits)), section(compared)


def _sources(compared: Beside | NotCompared | None) -> str:
    if compared is None:
        return "alone"
    return f"and {not_compared.FILE if isinstance(compared, NotCompared) else 'comparison.json'}"


def _steps(steps: tuple[Item, ...], weighing: Item | None) -> tuple[Item, ...]:
    """Return the steps with one more, before those that are about the report as a whole."""
    if weighing is None:
        return steps
    about = sum(bool(one.section) for one in steps)
    return (*steps[:about], weighing, *steps[about:])


def _reproduce(record: AuditRecord, *, afterwards: bool) -> Section:
    settings = record.audit
    again = (
        "the policy can judge it again with: workbench judge audit.json --policy POLICY"
        if afterwards
        else "this page can be written again from it with: workbench report audit.json"
    )
    rows = (
        ("Command", settings.command or "not recorded (the audit was started from Python)"),
        ("Seed", str(settings.seed)),
        ("Policy digest", f"sha256 {settings.policy_digest}"),
        ("Model digest", f"sha256 {record.model.digest}"),
        ("Data digest", f"sha256 {record.corpus.digest}"),
        ("Record schema", str(record.schema_version)),
    )
    probes = tuple(
        (
            Cell(evidence.probe),
            Cell(evidence.result.outcome.replace("_", " ")),
            Cell(", ".join(f"{key} = {value}" for key, value in evidence.params.items()) or "–"),
            Cell(str(evidence.seed), numeric=True),
            Cell(wording.number(evidence.seconds, "seconds"), numeric=True),
        )
        for evidence in record.evidence
    )
    columns = (
        Cell("Probe"),
        Cell("Outcome"),
        Cell("Parameters"),
        Cell("Seed", numeric=True),
        Cell("Took", numeric=True),
    )
    blocks: tuple[Block, ...] = (
        Paragraph(
            "The same command on the same model and data gives the same record, apart from its date and what is timed. "
            + (
                "audit.json beside this page holds every number that is not withheld; "
                if record.redacted
                else "audit.json beside this page holds every number, every text in full and the facts needed to check "
                "them; "
            )
            + again
        ),
        Definitions(rows, mono=True),
        Fold("Probes that were run, with parameters", (Table("Probes, parameters and time", columns, probes),)),
    )
    return Section("reproduce", "How to reproduce", blocks)
