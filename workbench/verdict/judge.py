"""Judge a record by a policy. Pure: same input, same findings.

A criterion passes when the required end of the interval satisfies its bound, fails when the whole interval violates it,
and is not established otherwise; one of severity 'warn' turns the last two into warnings. Absence (not applicable,
failed, missing) is never anything but not established.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Literal

from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.names import NAMES, SEEN
from workbench.evidence.record import AuditRecord, Evidence, Failed, Finding, NotApplicable, Verdict
from workbench.verdict import wording
from workbench.verdict.policy import ANY, Criterion, Policy

REPORTED = "reported, no bound"
"""How a finding says that its criterion sets no bound."""

WORST_FIRST: tuple[Verdict, ...] = ("fail", "not_established", "warn", "pass")

_EXIT = {"pass": 0, "warn": 0, "fail": 1, "not_established": 3}


def judge(record: AuditRecord, policy: Policy) -> tuple[Finding, ...]:
    """Return one finding per criterion and measurement that it names, in the policy's order."""
    return tuple(finding for criterion in policy.criteria for finding in _findings(record, criterion))


def overall(record: AuditRecord, findings: Sequence[Finding]) -> Verdict:
    """Return the worst finding's verdict; at best not established where a probe failed or no bound was judged."""
    verdicts = {finding.verdict for finding in findings}
    if any(isinstance(evidence.result, Failed) for evidence in record.evidence):
        verdicts.add("not_established")
    if not any(bound_judged(finding) for finding in findings):
        verdicts.add("not_established")
    return next(verdict for verdict in WORST_FIRST if verdict in verdicts)


def bound_judged(finding: Finding) -> bool:
    """Tell whether a measurement was held against a bound: not where it need only be there, or was not asked for."""
    return finding.evidence is not None and finding.bound != REPORTED


def exit_code(verdict: Verdict, *, fail_on: Literal["fail", "warn"] = "fail") -> int:
    """Return the process's exit code: 0 for pass and warn, 1 for fail, 3 for not established.

    `fail_on` "warn": 1 for warn, too.
    """
    return 1 if verdict == fail_on else _EXIT[verdict]


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the worst first, otherwise in their order."""
    return tuple(sorted(findings, key=lambda finding: WORST_FIRST.index(finding.verdict)))


def _findings(record: AuditRecord, criterion: Criterion) -> Iterator[Finding]:
    if (told := _not_asked(record, criterion)) is not None:
        yield _spared(criterion, told)
        return
    matched = [
        (evidence, measurement)
        for evidence, measurement in record.measurements()
        if measurement.name == criterion.measurement and _matches(criterion, measurement.where)
    ]
    learned = _only_learned(criterion, [measurement for _, measurement in matched])
    for evidence, measurement in matched:
        finding = _judged(criterion, evidence, measurement)
        yield _unproved(criterion, finding) if learned and finding.verdict == "pass" else finding
    missing = _missing(record, criterion, [measurement for _, measurement in matched])
    for where in missing:
        yield _absent(record, criterion, where)
    if ANY in criterion.where.values():
        # "every recipe" is not covered while a run of the very probe that measures it left nothing
        makers = {evidence.probe for evidence, _ in matched}
        for evidence in record.evidence:
            if evidence.probe in makers and isinstance(evidence.result, NotApplicable | Failed):
                because = _silence(criterion, criterion.where, evidence)
                yield _finding(criterion, criterion.where, "not_established", because, probe=evidence.probe)
        for evidence, note in _not_given(record, criterion.measurement, criterion.where):
            if evidence.probe in makers:
                where = {facet: str(evidence.params.get(facet, value)) for facet, value in criterion.where.items()}
                because = f"{wording.subject(criterion.measurement, where)} was not measured: {note}"
                yield _finding(criterion, where, "not_established", because, probe=evidence.probe)


def _not_asked(record: AuditRecord, criterion: Criterion) -> str | None:
    """Return why the criterion does not apply to this model; None where it does."""
    training = record.training
    if criterion.only_if is None:
        return None
    if training is None or training.privacy is None:
        why = "it has no training card" if training is None else "its training card claims none"
        return f"it is asked of models that claim privacy, and this one does not ({why})"
    if criterion.only_if == "private experiment" and not training.recipe.get("experiment"):
        return (
            "it is asked of private models whose members coins have drawn (experiment = true in the recipe), and this "
            "one is none of them"
        )
    return None


def _spared(criterion: Criterion, told: str) -> Finding:
    """Return the finding that says that the criterion does not apply to this model, and why."""
    because = f"{wording.subject(criterion.measurement, criterion.where)}: does not apply, {told}."
    return _finding(criterion, criterion.where, "pass", because, probe=None)


def _only_learned(criterion: Criterion, found: Sequence[Measurement]) -> bool:
    """Tell whether all that a bound is held against are attacks whose edits the model was trained on."""
    seen = [measurement.where.get(SEEN) == "yes" for measurement in found]
    return bool(seen) and all(seen) and criterion.limit is not None and SEEN not in criterion.where


def _unproved(criterion: Criterion, finding: Finding) -> Finding:
    because = (
        f"{finding.because} But training has seen edits of this family, so that proves nothing about others: audit "
        f'with an attack of another family too, or ask for {SEEN} = "yes" in the policy.'
    )
    verdict: Verdict = "warn" if criterion.severity == "warn" else "not_established"
    return finding.model_copy(update={"verdict": verdict, "because": because})


def _matches(criterion: Criterion, where: Mapping[str, str]) -> bool:
    named = all(facet in where and value in {ANY, where[facet]} for facet, value in criterion.where.items())
    free = set(NAMES[criterion.measurement].qualifiers)
    return named and set(where) - set(criterion.where) <= free


def _missing(record: AuditRecord, criterion: Criterion, found: Sequence[Measurement]) -> list[dict[str, str]]:
    """Return the facets that the criterion asks about and no measurement answers."""
    covered = [measurement.where for measurement in found]
    return [
        where
        for where in _expected(record, criterion)
        if not any(all(value in {ANY, held.get(facet)} for facet, value in where.items()) for held in covered)
    ]


def _expected(record: AuditRecord, criterion: Criterion) -> list[dict[str, str]]:
    """Return every set of facets that must be answered: '*' is spelled out where the corpus card knows the values."""
    where, groups = criterion.where, record.corpus.groups
    attributes = list(groups) if where.get("attribute") == ANY and groups else [where.get("attribute", "")]
    spelled: list[dict[str, str]] = []
    for attribute in attributes:
        members = [*groups.get(attribute, ())] if where.get("group") == ANY else []
        for (group,) in product(members or [where.get("group", "")]):
            asked = {"attribute": attribute, "group": group}
            spelled.append({facet: asked.get(facet, value) for facet, value in where.items()})
    return spelled


def _judged(criterion: Criterion, evidence: Evidence, measurement: Measurement) -> Finding:
    limit = criterion.limit
    if limit is None:
        because = f"{wording.statement(measurement)}; the policy sets no bound on it, it must be reported, and it is."
        return _finding(criterion, measurement.where, "pass", because, probe=evidence.probe, measurement=measurement)
    held = measurement.interval
    low, high = (measurement.value, measurement.value) if held is None else (held.low, held.high)
    satisfied = _satisfies(criterion, low if criterion.judged_end == "low" else high)
    violated = not _satisfies(criterion, low) and not _satisfies(criterion, high)
    verdict: Verdict = "pass" if satisfied else "fail" if violated else "not_established"
    if criterion.severity == "warn" and verdict != "pass":
        verdict = "warn"
    digits = wording.digits_apart((measurement.value, low, high), limit)
    because = (
        f"{wording.statement(measurement, digits=digits)}; {_bound(criterion, measurement.unit)} is required, "
        f"and {_reason(criterion, exact=held is None, satisfied=satisfied, violated=violated)}."
    )
    return _finding(criterion, measurement.where, verdict, because, probe=evidence.probe, measurement=measurement)


def _satisfies(criterion: Criterion, value: float) -> bool:
    if criterion.at_least is not None:
        return value >= criterion.at_least
    assert criterion.at_most is not None  # the only caller has checked that there is a bound
    return value <= criterion.at_most


def _reason(criterion: Criterion, *, exact: bool, satisfied: bool, violated: bool) -> str:
    if exact:
        return "it is met" if satisfied else "it is missed"
    if violated:
        return "the whole interval misses it"
    if not satisfied:
        return "the interval lies on both sides of it, so this audit cannot tell"
    safe = criterion.judged_end == ("low" if criterion.at_least is not None else "high")
    return (
        "the whole interval meets it"
        if safe
        else f"the {criterion.judged_end} end of the interval, the one asked for, meets it"
    )


def _absent(record: AuditRecord, criterion: Criterion, where: Mapping[str, str]) -> Finding:
    pillar = criterion.measurement.partition(".")[0]
    silent = [
        evidence
        for evidence in record.evidence
        if evidence.probe.partition(".")[0] == pillar and isinstance(evidence.result, NotApplicable | Failed)
    ]
    evidence = silent[0] if silent else None
    if told := next(_not_given(record, criterion.measurement, where), None):
        evidence, reason = told
        because = f"{wording.subject(criterion.measurement, where)} was not measured: {reason}"
    elif evidence is None and where.get("attribute") == ANY and not record.corpus.groups:
        because = (
            f"{wording.subject(criterion.measurement, where)} was not measured: "
            "the data names no group; audit again with a group column."
        )
    elif evidence is None and (note := _note(record, pillar, where)):
        because = f"{wording.subject(criterion.measurement, where)} was not measured: {note}"
    else:
        because = _silence(criterion, where, evidence)
    return _finding(criterion, where, "not_established", because, probe=evidence.probe if evidence else None)


def _not_given(record: AuditRecord, name: str, where: Mapping[str, str]) -> Iterator[tuple[Evidence, str]]:
    """Yield the evidence that says why it leaves out the measurement asked for, and what it says.

    A probe says so in a note that begins '<metric> is not given'. It answers for the facets that its parameters or the
    note name.
    """
    pillar, _, metric = name.partition(".")
    for evidence, exhibit in record.exhibits("note"):
        if not isinstance(exhibit, Note) or evidence.probe.partition(".")[0] != pillar:
            continue
        named = all(
            value in (ANY, evidence.params.get(facet)) or value in exhibit.text for facet, value in where.items()
        )
        if named and exhibit.text.startswith(f"{metric} is not given"):
            yield evidence, exhibit.text


def _note(record: AuditRecord, pillar: str, where: Mapping[str, str]) -> str:
    """Return all that the pillar's own probes noted about the attribute or group asked for, or ''."""
    about = [value for value in where.values() if value and value != ANY]
    notes = [
        exhibit.text
        for evidence, exhibit in record.exhibits("note")
        if isinstance(exhibit, Note) and evidence.probe.partition(".")[0] == pillar
    ]
    return " ".join(note for note in notes if any(value in note for value in about))


def _silence(criterion: Criterion, where: Mapping[str, str], evidence: Evidence | None) -> str:
    what = wording.subject(criterion.measurement, where)
    if evidence is None:
        return f"{what} was not measured: the record holds no such measurement."
    if isinstance(evidence.result, Failed):
        return f"{what} was not measured: the probe {evidence.probe} failed."
    reason = evidence.result.reason.strip() if isinstance(evidence.result, NotApplicable) else ""
    return f"{what} was not measured: {evidence.probe} could not run: {reason.rstrip('.')}."


def _bound(criterion: Criterion, unit: str) -> str:
    if criterion.at_least is not None:
        return f"at least {wording.bound(criterion.at_least, unit)}"
    if criterion.at_most is not None:
        return f"at most {wording.bound(criterion.at_most, unit)}"
    return REPORTED


def _finding(
    criterion: Criterion,
    where: Mapping[str, str],
    verdict: Verdict,
    because: str,
    *,
    probe: str | None,
    measurement: Measurement | None = None,
) -> Finding:
    return Finding(
        criterion=criterion.id,
        severity=criterion.severity,
        verdict=verdict,
        because=because,
        why=criterion.why,
        measurement=criterion.measurement,
        where=dict(where),
        bound=_bound(criterion, measurement.unit if measurement else ""),
        evidence=measurement,
        probe=probe,
        owner=criterion.owner,
    )
