"""All audits below a folder on one page: what was judged, how it ended, and a model's history over its releases."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from urllib.parse import quote

from markupsafe import Markup

from workbench.evidence.record import AuditRecord, Verdict
from workbench.report.render import TEMPLATES, style, template
from workbench.report.summary import JUDGED, PILLARS, failed, pillar
from workbench.report.text import plural, short
from workbench.verdict import wording
from workbench.verdict.judge import WORST_FIRST, bound_judged, overall

ACCURACY = "performance.accuracy"
COUNTED = {"pass": "passed", "warn": "passed with warnings", "fail": "failed", "not_established": "not established"}


@dataclass(frozen=True)
class Listed:
    """A folder that holds an audit."""

    folder: str
    """Below the folder that was looked through, with forward slashes; '.' for that folder itself."""
    record: AuditRecord
    report: str | None
    """Name of the report beside it; None where there is none."""
    comparison: str | None = None
    """Name of the page beside it that compares this very audit with an earlier one; None where there is none."""


@dataclass(frozen=True)
class Unreadable:
    """A folder that holds what is called an audit and cannot be read."""

    folder: str
    reason: str


@dataclass(frozen=True)
class Row:
    """One audit, as the page shows it. The keys are what its columns are sorted by."""

    model: str
    folder: str
    """With the model's digest where its name alone does not tell it apart."""
    data: str
    policy: str
    date: str
    verdict: Verdict
    worst: int
    accuracy: str
    accuracy_small: str
    accuracy_key: str
    pillars: tuple[tuple[str, Verdict | None], ...]
    link: str
    comparison: str


def render_index(
    listed: Sequence[Listed], unreadable: Sequence[Unreadable], *, name: str, comparisons: Sequence[str] = ()
) -> str:
    """Return the page on the audits below the folder `name`. Pure: the same audits, the same text.

    `comparisons` are pages that compare several of them, by their paths below the folder.
    """
    ordered = sorted(listed, key=lambda one: (*_called(one), one.record.audit.date, one.folder))
    names = Counter(name for name, _ in {(_called(one), one.record.model.digest) for one in listed})
    rows = [_row(one, shared=names[_called(one)] > 1) for one in ordered]
    lost = sorted(unreadable, key=lambda one: one.folder)
    script = (resources.files(TEMPLATES) / "templates" / "index.js").read_text(encoding="utf-8")
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Weights of one name may be its next release, or somebody else's: none of them hides how another one ended. Nor
    # does an audit by another policy, or by a later wording of it, which may be milder: the worst end counts.
    by_policy = {
        (_called(one), one.record.model.digest, one.record.audit.policy_digest): row.verdict
        for one, row in zip(ordered, rows, strict=True)
    }
    latest: dict[tuple[tuple[str, str, str], str], Verdict] = {}
    for (called, digest, _), verdict in by_policy.items():
        held = latest.setdefault((called, digest), verdict)
        latest[called, digest] = min(held, verdict, key=WORST_FIRST.index)
    models = plural(len(latest), "model on its data", "models on their data")
    return str(
        template("index.html.j2").render(
            name=short(name),
            rows=rows,
            failed=lost,
            pillars=list(PILLARS.values()),
            judged=JUDGED,
            counts=[(COUNTED[kind], sum(verdict == kind for verdict in latest.values())) for kind in WORST_FIRST],
            several=len(by_policy) > len(latest),
            comparisons=[(short(one, 200), _quoted(one)) for one in sorted(comparisons)],
            models=models if len(latest) == len(names) else f"{models}, of {plural(len(names), 'name')}",
            audits=plural(len(rows), "audit"),
            css=style("report.css"),
            script=Markup(script),
            script_hash=script_hash,
        )
    )


def _called(entry: Listed) -> tuple[str, str, str]:
    """Return what the audits of one history share: the model's name and the data."""
    return entry.record.model.name, entry.record.corpus.name, entry.record.corpus.digest


def _row(entry: Listed, *, shared: bool) -> Row:
    """Return the row; where several models of one history have the name, it says which one this is."""
    record = entry.record
    verdict = overall(record, record.findings)
    accuracy = next((one for _, one in record.measurements() if one.name == ACCURACY and not one.where), None)
    shown, small, key = "not measured", "", ""
    if accuracy is not None:
        span = "" if accuracy.interval is None else f"{wording.interval(accuracy.interval, accuracy.unit)}, "
        shown, small = wording.number(accuracy.value, accuracy.unit), f"{span}n = {accuracy.n:,}"
        key = f"{accuracy.value:.9f}"
    return Row(
        model=short(record.model.name),
        folder=f"{short(entry.folder, 200)}{f', sha256 {record.model.digest:.8}' if shared else ''}",
        data=f"{short(record.corpus.name)} ({record.corpus.digest[:8]})",
        policy=short(record.audit.policy),
        date=record.audit.date[:10],
        verdict=verdict,
        worst=WORST_FIRST.index(verdict),
        accuracy=shown,
        accuracy_small=small,
        accuracy_key=key,
        pillars=tuple((title, _pillar(record, name)) for name, title in PILLARS.items()),
        link=_link(entry, entry.report),
        comparison=_link(entry, entry.comparison),
    )


def _link(entry: Listed, page: str | None) -> str:
    """Return where `page` is, '' where there is none."""
    return "" if page is None else _quoted(f"{entry.folder}/{page}")


def _quoted(path: str) -> str:
    """Return the address of a path; names of folders are somebody's text."""
    return "/".join(quote(part, safe="", errors="surrogateescape") for part in path.split("/") if part != ".")


def _pillar(record: AuditRecord, name: str) -> Verdict | None:
    """Return the worst finding on a pillar; None where nothing was held against a bound and no probe of it failed.

    What must only be reported, and what is not asked of this model, is no gate that was passed.
    """
    asked = [finding for finding in record.findings if pillar(finding.measurement) == name]
    found: set[Verdict] = {one.verdict for one in asked if one.verdict != "pass" or bound_judged(one)}
    if any(pillar(evidence.probe) == name for evidence, _ in failed(record)):
        found.add("not_established")
    return next((verdict for verdict in WORST_FIRST if verdict in found), None)
