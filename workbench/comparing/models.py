"""Holds models against a base: reads the records, draws the paired changes together, judges each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.comparing.changes import Comparison, Failing, Side, apart
from workbench.comparing.decided import Decided, read_decided
from workbench.comparing.missing import missing, names_of, over_others, told_of
from workbench.comparing.pairs import Pair, attacks, gaps, paired, predictions
from workbench.errors import Misconfigured
from workbench.evidence.alike import Key, differently_audited, differently_trained, key_of, measured_alike
from workbench.evidence.intervals import LEVEL
from workbench.evidence.record import AuditRecord
from workbench.report.text import listed, plural, short
from workbench.results import PREDICTIONS, read_record
from workbench.verdict.judge import judge, overall
from workbench.verdict.policy import Policy, load_policy


def compare(base: str | Path, *others: str | Path, policy: str | Path | Policy = "default") -> Comparison:
    """Compare finished audits, each the folder that holds `audit.json`; the first is what the others are held against.

    Raises:
        NotFound, BadInput: a record cannot be read.
        Misconfigured: `incomparable` tells why, or no figure was measured alike in both.
    """
    if not others:
        raise Misconfigured("compare needs a base and at least one other audit; got one")
    chosen = policy if isinstance(policy, Policy) else load_policy(policy)
    first, rest = read_record(base), [read_record(one) for one in others]
    for place, record in zip(others, rest, strict=True):
        _require_same(first, record, place)
    seen = read_decided(base, first)
    decided = [read_decided(place, record) for place, record in zip(others, rest, strict=True)]
    drafts = [_draft(first, seen, record, other) for record, other in zip(rest, decided, strict=True)]
    pairs = sum(len(draft.pairs) for draft in drafts)
    findings = judge(first, chosen)
    sides = tuple(_side(first, record, draft, chosen, pairs) for record, draft in zip(rest, drafts, strict=True))
    for place, side in zip(others, sides, strict=True):
        if not side.changes:  # else its page would say that nothing is worse
            raise Misconfigured(
                f"{place}: no figure was measured alike in this audit and the base's, so there is nothing to compare: "
                f"audit both with the same settings. {' '.join(side.notes)}".rstrip()
            )
    return Comparison(
        base=first,
        base_findings=findings,
        base_verdict=overall(first, findings),
        policy=chosen.name,
        sides=sides,
        pairs=pairs,
    )


def incomparable(base: AuditRecord, record: AuditRecord) -> str | None:
    """Return why changes between the two would say nothing about the models; None where they may be compared.

    They may where both looked at the same examples, for the same labels and the same positive one.
    """
    same = (
        ("labels", base.model.labels, record.model.labels),
        ("positive label", (base.audit.positive_label,), (record.audit.positive_label,)),
    )
    found = [*_other_examples(base, record)]
    found += [
        f"other {what} ({listed([short(name) for name in one])} in the base's, "
        f"{listed([short(name) for name in other])} in this one)"
        for what, one, other in same
        if one != other
    ]
    if not found:
        return None
    return (
        f"an audit of {' and of '.join(found)}; changes between them would say nothing about the models: audit both "
        "on the same examples"
    )


def _other_examples(base: AuditRecord, record: AuditRecord) -> Iterator[str]:
    """Yield in what the examples differ, as far as the two cards know: nothing where they are the same."""
    one, other = base.corpus, record.corpus
    if one.digest == other.digest:
        return
    told = [f"{plural(card.n, 'example')} of “{short(card.name)}”, split {short(card.split)}" for card in (one, other)]
    if one.name != other.name:
        yield f"other data ({told[0]}, in the base's; {told[1]}, in this one)"
    elif told[0] != told[1]:
        yield f"other examples of the same data ({told[0]}, in the base's; {told[1]}, in this one)"
    else:
        yield f"other examples ({told[0]}, in both, but texts, labels, groups or people are not the same)"


def _require_same(base: AuditRecord, record: AuditRecord, place: str | Path) -> None:
    """Raise `Misconfigured` unless the two may be compared."""
    if because := incomparable(base, record):
        raise Misconfigured(f"{place}: {because}")


class _Draft(NamedTuple):
    pairs: list[Pair]
    failing: tuple[Failing, ...]
    mended: int
    notes: tuple[str, ...]
    unlike: frozenset[Key]
    """What both measured, but not in the same way."""


def _draft(base: AuditRecord, seen: Decided | None, record: AuditRecord, other: Decided | None) -> _Draft:
    pairs: list[Pair] = []
    notes: list[str] = []
    unlike = frozenset(key for key, alike in measured_alike(base, record).items() if not alike)
    unlike |= set(over_others(base, record))
    failing: tuple[Failing, ...] = ()
    mended = 0
    if seen is None or other is None:
        notes.append(f"{PREDICTIONS} is missing beside a record: accuracy and ROC-AUC are not compared pair by pair.")
    elif seen.ids != other.ids or seen.labels != other.labels:
        notes.append(f"{PREDICTIONS} holds other examples beside the two records: they are not compared pair by pair.")
    else:
        pairs += predictions(seen, other, base.audit.positive_label)
        pairs += gaps((base, record), (seen, other), unlike)
        right, now = (np.array(one.decided) == np.array(one.labels) for one in (seen, other))
        failing = tuple(_failing(other, int(i)) for i in np.flatnonzero(right & ~now))
        mended = int((~right & now).sum())
    pairs += attacks(base, record, unlike)
    return _Draft(pairs, failing, mended, tuple(notes), unlike)


def _failing(other: Decided, i: int) -> Failing:
    decided = other.decided[i]
    return Failing(other.ids[i], other.labels[i], decided, float(other.probabilities[decided][i]))


def _side(base: AuditRecord, record: AuditRecord, draft: _Draft, policy: Policy, pairs: int) -> Side:
    level = 1 - (1 - LEVEL) / max(pairs, 1)
    changes = [paired(one, level) for one in draft.pairs]
    settled = {key_of(one.name, one.where) for one in changes} | draft.unlike
    before = {key_of(one.name, one.where): one for _, one in base.measurements()}
    now = {key_of(one.name, one.where): one for _, one in record.measurements()}
    changes += [apart(before[key], now[key]) for key in before if key in now and key not in settled]
    lacking, unasked, causes = missing(base, record, set(now))
    over = over_others(base, record)
    fewer = {key for key, lost in over.items() if lost}
    lacking |= fewer
    settings = (
        *differently_audited(base, record),
        *told_of(draft.unlike - set(over), "measured in another way than in the base's audit, and not compared"),
        *told_of(set(over) - fewer, "measured over groups that the base's audit left out, and not compared"),
        *told_of(unasked, "in the base's audit that this one was not asked for"),
    )
    notes = (
        *told_of(lacking - set(now), "of the base could not be compared, missing here although asked for"),
        *told_of(lacking - set(before), "could not be compared, missing in the base's audit although asked for"),
        *told_of(fewer, "could not be compared: this audit leaves out groups that the base's did not"),
        *causes,
        *draft.notes,
        *settings,
        *differently_trained(base, record),
        *told_of(set(before) - set(now) - lacking - unasked, "in the base's audit and not in this one"),
        *told_of(set(now) - set(before) - lacking, "in this audit and not in the base's"),
    )
    findings = judge(record, policy)
    order = {"worse": 0, "better": 1, "other": 2, "undecided": 3}
    return Side(
        record=record,
        findings=findings,
        verdict=overall(record, findings),
        changes=tuple(sorted(changes, key=lambda one: (order[one.word], not one.paired, one.name, str(one.where)))),
        failing=tuple(sorted(draft.failing, key=lambda one: (-one.probability, one.example))),
        mended=draft.mended,
        notes=notes,
        settings=settings,
        lacking=tuple(names_of(lacking)),
        unasked=len(unasked) + len(draft.unlike - fewer),
    )
