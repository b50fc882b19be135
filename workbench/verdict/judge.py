"""Judge a record by a policy. Pure: same input, same findings.

A criterion passes when the required end of the interval satisfies its bound, fails when the whole interval violates it,
and is not established otherwise; one of severity 'warn' turns the last two into warnings. Absence (not applicable,
failed, missing) is never anything but not established.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

from workbench.evidence.exhibits import GroupTable, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.names import NAMES, SEEN, maker
from workbench.evidence.record import WITHHELD, AuditRecord, Evidence, Failed, Finding, NotApplicable, Verdict
from workbench.verdict import wording
from workbench.verdict.policy import ANY, Criterion, Policy

REPORTED = "reported, no bound"
"""How a finding says that its criterion sets no bound."""

WORST_FIRST: tuple[Verdict, ...] = ("fail", "not_established", "warn", "pass")

_SEEN_ONLY = (
    "But training has seen edits of this family, so that proves nothing about others: audit with an attack of another "
    f'family too, or ask for {SEEN} = "yes" in the policy.'
)
_SPELLED = frozenset({"attribute", "group", "label"})
"""Facets whose every value the record knows, so that '*' can be spelled out."""
_MANY = 2**63
"""The size of what the corpus card does not count: never small."""

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
    withheld = WITHHELD in finding.where.values() and finding.verdict != "not_established"  # it was, and is not told
    return (finding.evidence is not None or withheld) and finding.bound != REPORTED


def spared(finding: Finding) -> bool:
    """Tell whether the requirement does not apply to this model; one whose number redaction withholds does."""
    return finding.verdict == "pass" and finding.evidence is None and finding.probe is None


class Counts(NamedTuple):
    """How many requirements ended how."""

    judged: Mapping[Verdict, int]
    """Verdict -> how many, the worst first."""
    reported: int
    """Whose number need only be there, and is."""
    spared: int
    """That do not apply to this model."""

    @property
    def total(self) -> int:
        """How many could be met or missed."""
        return sum(self.judged.values())


def count(findings: Sequence[Finding]) -> Counts:
    """Count requirements by how they ended, apart from those that nothing was held against."""
    asked = [one.verdict for one in findings if one.verdict != "pass" or bound_judged(one)]
    aside = sum(spared(one) for one in findings)
    return Counts({verdict: asked.count(verdict) for verdict in WORST_FIRST}, len(findings) - len(asked) - aside, aside)


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
        if learned and finding.verdict == "pass":
            finding = _unproved(criterion, finding, _SEEN_ONLY)
        yield _about_all(record, criterion, finding, measurement)
    missing = _missing(record, criterion, [measurement for _, measurement in matched])
    for where in missing:
        yield _absent(record, criterion, where)
    if ANY in criterion.where.values():
        answered = [note for where in missing for _, note in _not_given(record, criterion.measurement, where)]
        # "every recipe" is not covered while a run of the very probe that measures it left nothing
        makers = {evidence.probe for evidence, _ in matched}
        for evidence in record.evidence:
            if evidence.probe in makers and isinstance(evidence.result, NotApplicable | Failed):
                because = _silence(criterion, criterion.where, evidence)
                yield _finding(criterion, criterion.where, "not_established", because, probe=evidence.probe)
        # of groups and labels `missing` is the whole answer
        unknown = ANY in (value for facet, value in criterion.where.items() if facet not in _SPELLED)
        for evidence, note in _not_given(record, criterion.measurement, criterion.where) if unknown else ():
            if evidence.probe in makers and not any(note is one for one in answered):
                where = {facet: str(evidence.params.get(facet, value)) for facet, value in criterion.where.items()}
                yield _left(criterion, where, evidence, note, some=True)


def _not_asked(record: AuditRecord, criterion: Criterion) -> str | None:
    """Return why the criterion does not apply to this model; None where it does."""
    training = record.training
    if criterion.only_if in (None, "applicable"):
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


def _unproved(criterion: Criterion, finding: Finding, but: str) -> Finding:
    """Return the finding of a bound that is met by numbers which do not show what the criterion asks for."""
    verdict: Verdict = "warn" if criterion.severity == "warn" else "not_established"
    return finding.model_copy(update={"verdict": verdict, "because": f"{finding.because} {but}"})


def _too_small(record: AuditRecord, attribute: str) -> tuple[str, ...]:
    """Return the groups that were not compared: where measurements say of none, the record may be older than that."""
    tables = (one for _, one in record.exhibits("group_table") if isinstance(one, GroupTable))
    return next((one.too_small for one in tables if one.attribute == attribute), ())


def _about_all(record: AuditRecord, criterion: Criterion, finding: Finding, measurement: Measurement) -> Finding:
    """Return the finding with the groups named that its number leaves out: without them no bound is met.

    Unless the policy accepts that of groups as small as they are.
    """
    if not NAMES[criterion.measurement].over_groups:
        return finding
    attribute = measurement.where["attribute"]
    hidden = attribute in record.withheld.attributes
    sizes = record.corpus.groups.get(attribute, {})
    left_out = measurement.left_out or _too_small(record, attribute)
    accepted = [group for group in left_out if sizes.get(group, _MANY) < (criterion.unknown_below or 0)]
    unknown = [group for group in left_out if group not in accepted and group != WITHHELD]
    told = []
    if accepted:
        few = f"groups with fewer than {criterion.unknown_below:,} examples"
        told.append(f"It leaves out {wording.listed(accepted)}: the policy accepts that of {few}.")
    if unknown:
        it = "But it" if finding.verdict == "pass" else "It"
        told.append(
            f"{it} leaves out {wording.listed(unknown)}, of which there are too few examples to compare: nothing is "
            "shown for them."
        )
    if hidden:
        told.append("This record withholds groups, so it does not show that none is left out.")
    if not told:
        return finding
    if (unknown or hidden) and finding.verdict == "pass" and bound_judged(finding):
        return _unproved(criterion, finding, " ".join(told))
    return finding.model_copy(update={"because": " ".join([finding.because, *told])})


def _matches(criterion: Criterion, where: Mapping[str, str]) -> bool:
    named = all(facet in where and value in {ANY, where[facet]} for facet, value in criterion.where.items())
    free = set(NAMES[criterion.measurement].qualifiers)
    return named and set(where) - set(criterion.where) <= free


def _missing(record: AuditRecord, criterion: Criterion, found: Sequence[Measurement]) -> list[dict[str, str]]:
    """Return the facets that the criterion asks about and no measurement answers."""
    covered = [measurement.where for measurement in found]
    return [
        where
        for where in _expected(record, criterion, broken_down=bool(found))
        if not any(all(value in {ANY, held.get(facet)} for facet, value in where.items()) for held in covered)
    ]


def _expected(record: AuditRecord, criterion: Criterion, *, broken_down: bool) -> list[dict[str, str]]:
    """Return every set of facets that must be answered: '*' is spelled out where the record knows the values.

    Labels and methods are once one of them was measured (of two labels some figures are not `broken_down`); and what
    redaction took out is asked for, too.
    """
    where, groups, withheld = criterion.where, record.corpus.groups, record.withheld
    attributes = list(dict.fromkeys([*groups, *withheld.attributes])) if where.get("attribute") == ANY else []
    labels = record.model.labels if where.get("label") == ANY and broken_down else ()
    every_method = where.get("attributor") == ANY and "other" not in where and broken_down
    methods = _methods(record, criterion.measurement) if every_method else ()
    spelled: list[dict[str, str]] = []
    for attribute in attributes or [where.get("attribute", "")]:
        members = [*groups.get(attribute, ())] if where.get("group") == ANY else []
        if where.get("group") == ANY and attribute in withheld.attributes:
            members.append(WITHHELD)
        values = {"group": members, "label": labels, "attributor": methods}
        for one in product(*(held or [where.get(facet, "")] for facet, held in values.items())):
            asked = {"attribute": attribute, **dict(zip(values, one, strict=True))}
            spelled.append({facet: asked.get(facet, value) for facet, value in where.items()})
    hidden = [facet for facet in withheld.facets if where.get(facet) == ANY]
    return [*spelled, *({**where, facet: WITHHELD} for facet in hidden)]


def _methods(record: AuditRecord, name: str) -> tuple[str, ...]:
    """Return the methods that the probe which measures `name` was told to look at."""
    runs = [one.params for one in record.evidence if one.probe.partition("@")[0] == maker(name)]
    return tuple(dict.fromkeys(str(method) for params in runs for method in params.get("methods", ())))


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
    digits = wording.digits_apart((measurement.value, low, high), limit, measurement.unit)
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
    name, what = criterion.measurement, wording.subject(criterion.measurement, where)
    if WITHHELD in where.values():
        because = f"{what} is not told: the record is redacted."
        return _finding(criterion, where, "not_established", because, probe=None)
    # What was lost weighs more than what by nature does not apply.
    if told := min(_not_given(record, name, where), key=lambda one: one[1].by_nature, default=None):
        return _left(criterion, where, *told, some=ANY not in where.values())
    silent = [
        evidence
        for evidence in record.evidence
        if isinstance(evidence.result, NotApplicable | Failed)
        and evidence.probe.partition("@")[0] == maker(name)
        and all(value in (ANY, evidence.params.get(facet, value)) for facet, value in where.items())
    ]
    if silent:
        because = _silence(criterion, where, silent[0])
    elif where.get("attribute") == ANY and not record.corpus.groups:
        because = f"{what} was not measured: the data names no group; audit again with a group column."
    else:
        noted = _note(record, name.partition(".")[0], where)
        because = f"{what} was not measured: {noted or 'the record holds no such measurement.'}"
    return _finding(criterion, where, "not_established", because, probe=silent[0].probe if silent else None)


def _left(criterion: Criterion, where: Mapping[str, str], evidence: Evidence, note: Note, *, some: bool) -> Finding:
    """Return the finding on what a probe says that it leaves out, `some` of it or all that is asked for.

    The policy may say that what does not apply is not asked; if nothing applies, nothing was shown all the same.
    """
    what = wording.subject(criterion.measurement, where)
    if some and note.by_nature and criterion.only_if == "applicable":
        return _finding(criterion, where, "pass", f"{what}: {note.text}", probe=None)
    return _finding(criterion, where, "not_established", f"{what} was not measured: {note.text}", probe=evidence.probe)


def _not_given(record: AuditRecord, name: str, where: Mapping[str, str]) -> Iterator[tuple[Evidence, Note]]:
    """Yield the evidence that says why it leaves out the measurement asked for, and the note in which it does.

    It answers for the facets that its parameters or the note name.
    """
    pillar, _, metric = name.partition(".")
    for evidence, exhibit in record.exhibits("note"):
        if not isinstance(exhibit, Note) or metric not in exhibit.not_given:
            continue
        probe = evidence.probe.partition("@")[0]
        if probe.partition(".")[0] != pillar and probe != maker(name):
            continue
        if all(
            value in (ANY, evidence.params.get(facet)) or _listed_in(exhibit.text, value)
            for facet, value in where.items()
        ):
            yield evidence, exhibit


def _listed_in(text: str, value: str) -> bool:
    """Tell whether a note is about `value`: names it whole, in its list, and not within another name or a reason."""
    return re.search(rf"(?<![:.;]) {re.escape(value)}(?=[,:;.]| over | and |$)", text) is not None


def _note(record: AuditRecord, pillar: str, where: Mapping[str, str]) -> str:
    """Return all that the pillar's own probes noted about the attribute or group asked for, or ''."""
    about = [value for value in where.values() if value and value != ANY]
    notes = [
        exhibit.text
        for evidence, exhibit in record.exhibits("note")
        if isinstance(exhibit, Note) and evidence.probe.partition(".")[0] == pillar
    ]
    return " ".join(note for note in notes if any(value in note for value in about))


def _silence(criterion: Criterion, where: Mapping[str, str], evidence: Evidence) -> str:
    what = wording.subject(criterion.measurement, where)
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
