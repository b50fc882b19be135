"""The pillars at a glance: for each the requirement that decided its verdict, its interval drawn against the gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from workbench.evidence.record import AuditRecord, Finding, Verdict
from workbench.report.blocks import Glance
from workbench.report.text import plural, visible
from workbench.verdict import wording
from workbench.verdict.judge import WORST_FIRST, bound_judged

WIDTH, HEIGHT = 240, 38
_EDGE = 6
_MARGIN = 1.25
"""How far beyond its largest number an axis reaches, at least."""
_ENDS = (0.1, 0.2, 0.5, 1.0)
_STARTS = (0.9, 0.8, 0.5)
"""Where an axis for shares may end, or, if it ends at 1, start: a gate at 0.97 is not to be read on one from 0."""
_SHARES = frozenset({"proportion", "score", "ratio", "difference", ""})
"""Units whose axis runs from 0 to 1 where all numbers lie there."""


def glance(record: AuditRecord, findings: Sequence[Finding], pillars: dict[str, str]) -> Iterator[Glance]:
    """Yield one row for each of `pillars` (id -> title) of which something was measured or asked, in their order.

    A probe that crashed leaves its pillar not established at best, whatever else was met.
    """
    measured = {one.name.partition(".")[0] for _, one in record.measurements()}
    crashed = {one.probe.partition(".")[0] for one in record.evidence if one.result.outcome == "failed"}
    for name, title in pillars.items():
        asked = [one for one in findings if one.measurement.partition(".")[0] == name]
        judged = [one for one in asked if one.verdict != "pass" or bound_judged(one)]
        if judged:
            yield _row(name, title, judged, name in crashed)
        elif name in crashed:
            yield Glance(name, title, "not_established", "A probe crashed.", "", Markup(""))
        elif name in measured:
            yield Glance(name, title, "", "Measured; the policy sets no bound.", "", Markup(""))
        else:
            yield Glance(name, title, "", "Not tested in this audit.", "", Markup(""))


def _row(name: str, title: str, judged: Sequence[Finding], crashed: bool) -> Glance:
    worst = min(judged, key=lambda one: WORST_FIRST.index(one.verdict))
    verdict: Verdict = worst.verdict
    if crashed and verdict in {"pass", "warn"}:
        verdict = "not_established"
    met = sum(one.verdict == "pass" for one in judged)
    small = f"{met} of {plural(len(judged), 'requirement')} met" + ("; a probe crashed" if crashed else "")
    return Glance(name, title, verdict, _text(worst), small, bar(worst))


def _text(finding: Finding) -> str:
    about = wording.subject(finding.measurement, finding.where)
    one = finding.evidence
    if one is None:
        return f"{about}: no number; {finding.bound} is required"
    digits = wording.digits_for(one, finding.bound)
    interval = "" if one.interval is None else f" ({wording.interval(one.interval, one.unit, digits=digits)})"
    value = wording.number(one.value, one.unit, digits=digits)
    return f"{about}: {value}{interval}, n = {one.n:,}; {finding.bound} is required"


def bar(finding: Finding) -> Markup:
    """Return value and interval on an axis with the allowed side shaded; empty where no number meets a plain bound."""
    one = finding.evidence
    limit = wording.limit_of(finding.bound)
    if one is None or limit is None:
        return Markup("")
    low, high = (one.value, one.value) if one.interval is None else (one.interval.low, one.interval.high)
    start, end = _axis((low, high, one.value, limit), shares=one.unit in _SHARES)
    if end <= start:
        return Markup("")

    def x(value: float) -> float:
        return round(_EDGE + (value - start) / (end - start) * (WIDTH - 2 * _EDGE), 1)

    allowed = (x(limit), x(end)) if finding.bound.startswith("at least ") else (x(start), x(limit))
    middle, label = 13, visible(_text(finding))
    return Markup(
        '<svg class="bar {kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        '<rect class="track" x="{start}" y="9" width="{whole}" height="8"/>'
        '<rect class="allowed" x="{left}" y="9" width="{wide}" height="8"/>'
        '<line class="gate" x1="{gate}" x2="{gate}" y1="2" y2="24"/>'
        '<line class="held" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
        '<circle class="value" cx="{value}" cy="{middle}" r="4.5"/>'
        '<text x="{start}" y="36">{first}</text><text x="{stop}" y="36" text-anchor="end">{last}</text></svg>'
    ).format(
        kind=finding.verdict,
        width=WIDTH,
        height=HEIGHT,
        label=label,
        start=x(start),
        whole=round(x(end) - x(start), 1),
        left=allowed[0],
        wide=round(allowed[1] - allowed[0], 1),
        gate=x(limit),
        low=x(low),
        high=x(high),
        middle=middle,
        value=x(one.value),
        stop=x(end),
        first=f"{start:.3g}",
        last=f"{end:.3g}",
    )


def _axis(numbers: tuple[float, ...], *, shares: bool) -> tuple[float, float]:
    """Return where an axis for `numbers` starts and ends."""
    least, most = min(numbers), max(numbers)
    if shares and least >= 0 and most <= 1:
        end = next((end for end in _ENDS if most * _MARGIN <= end), 1.0)
        start = next((start for start in _STARTS if start <= 1 - (1 - least) * _MARGIN), 0.0) if end == 1 else 0.0
        return start, end
    room = (_MARGIN - 1) * (most - least or abs(most))
    return (0.0 if least >= 0 else least - room), most + room
