"""What could not be compared, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.evidence.alike import Key, key_of, way_of
from workbench.evidence.names import RETIRED
from workbench.evidence.record import VOLATILE, AuditRecord, Failed, NotApplicable
from workbench.report.text import plural

_NAMED = 8
"""Figures named in a note; how many more there are is said."""
_OF_ONE_AUDIT = frozenset({"performance.slice_error", *RETIRED})
"""What another audit need not have: slices are looked for anew, and some figures are measured otherwise now."""


def missing(base: AuditRecord, record: AuditRecord, now: Collection[Key]) -> tuple[set[Key], set[Key], list[str]]:
    """Return what the base has and `now` has not: what was asked for here, too; what was not; and why, as sentences.

    What only this audit has because the base's probe crashed is lacking as well: nothing says whether it is worse.
    What is neither good nor bad, what is timed and what each audit has of its own is in none of them.
    """
    asked = {way_of(one): one.result for one in record.evidence}
    crashed = {one.probe: one.result for one in record.evidence if isinstance(one.result, Failed)}
    lacking, unasked, causes = set[Key](), set[Key](), list[str]()
    for evidence, one in base.measurements():
        key = key_of(one.name, one.where)
        if key in now or one.better == "neither" or one.name in VOLATILE or one.name in _OF_ONE_AUDIT:
            continue
        result = asked.get(way_of(evidence), crashed.get(evidence.probe))
        (unasked if result is None else lacking).add(key)
        if isinstance(result, Failed):
            causes.append(f"{evidence.probe} crashed in this audit: {result.error}")
        elif isinstance(result, NotApplicable):
            causes.append(f"{evidence.probe} did not run in this audit: {result.reason}")
    known = {key_of(one.name, one.where) for _, one in base.measurements()}
    failed = {way_of(one): one.result for one in base.evidence if isinstance(one.result, Failed)}
    for evidence, one in record.measurements():
        key, result = key_of(one.name, one.where), failed.get(way_of(evidence))
        if key in known or result is None or one.better == "neither" or one.name in {*VOLATILE, *_OF_ONE_AUDIT}:
            continue
        lacking.add(key)
        causes.append(f"{evidence.probe} crashed in the base's audit: {result.error}")
    return lacking, unasked, list(dict.fromkeys(causes))


def over_others(base: AuditRecord, record: AuditRecord) -> dict[Key, set[str]]:
    """Return the figures that the audits have of different groups, and which groups only this one leaves out."""
    before = {key_of(one.name, one.where): set(one.left_out) for _, one in base.measurements()}
    now = {key_of(one.name, one.where): set(one.left_out) for _, one in record.measurements()}
    return {key: now[key] - before[key] for key in before if key in now and now[key] != before[key]}


def names_of(keys: Collection[Key]) -> list[str]:
    """Return the figures in words, sorted."""
    return sorted(f"{name} {', '.join(value for _, value in where)}".strip() for name, where in keys)


def told_of(keys: Collection[Key], what: str) -> Iterator[str]:
    """Yield the sentence that names what was not compared, where there is any."""
    names = names_of(keys)
    if names:
        more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{plural(len(names), 'figure')} {what}: {'; '.join(names[:_NAMED])}{more}."
