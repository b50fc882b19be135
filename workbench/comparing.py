"""Two or more audits of the same data side by side: what changed, pair by pair where each example's outcome is known.

Changes of accuracy, ROC-AUC, gaps between groups and accuracy under attack are paired: most examples end alike for both
models, and only those that do not say anything, so a paired interval is much narrower than the difference of two
separate ones. All paired changes of one comparison hold together at 95% (Bonferroni). Every other measurement is shown
with its own two intervals, and told apart only where these do not meet, which is stricter than a test of the
difference. What was measured in another way (an attack with more queries) is not compared, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, Misconfigured
from workbench.evidence.alike import Key, differently_audited, differently_trained, key_of, measured_alike, way_of
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import GroupTable, Rewrite
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.names import RETIRED
from workbench.evidence.narrowing import change, gap, rates_by_group
from workbench.evidence.paired import paired_interval, paired_score_interval, replicates_for
from workbench.evidence.record import VOLATILE, AuditRecord, Failed, Finding, NotApplicable, Verdict
from workbench.evidence.weighted import macro_roc_auc
from workbench.report.text import listed, plural, short
from workbench.results import PREDICTIONS, read_record
from workbench.seeds import Streams
from workbench.verdict.judge import judge, overall
from workbench.verdict.policy import Policy, load_policy

Word = Literal["worse", "better", "other", "undecided"]
"""`other`: changed, where neither direction is better, or where the same audit made again changes it too (times)."""

_UNDER_ATTACK = "robustness.accuracy_under_attack"
_STANDS = ("resisted", "exhausted")
_STREAMS = Streams(0)
_NAMED = 8
"""Figures named in a note; how many more there are is said."""
_FAMILIES = {
    "fairness.demographic_parity_difference": ("everybody",),
    "fairness.equal_opportunity_difference": ("positive",),
    "fairness.equalized_odds_difference": ("positive", "others"),
}
"""Gap -> among whom positive decisions are counted."""
_MOST_GROUPS = 8
"""More groups have thousands of pairs of pairs: such a gap is shown with its own two intervals."""
_OF_ONE_AUDIT = frozenset({"performance.slice_error", *RETIRED})
"""What another audit need not have: slices are looked for anew, and some figures are measured otherwise now."""
_ROUNDING = 1e-9
"""Shares of the same decisions agree to the last digits, whatever added them up."""


class Change(NamedTuple):
    """One measurement of one model beside the base's."""

    name: str
    where: Mapping[str, str]
    unit: str
    before: float
    after: float
    before_interval: Interval | None
    after_interval: Interval | None
    change: float
    interval: Interval | None
    """Of the change, where it is paired."""
    n: int
    """People, where it is paired; else of the model's own figure."""
    word: Word

    @property
    def paired(self) -> bool:
        """Whether the change rests on the same examples, one by one."""
        return self.interval is not None


class Failing(NamedTuple):
    """An example that the base decides rightly and the other model does not."""

    example: str
    label: str
    decided: str
    probability: float
    """The other model's, of what it decides."""


@dataclass(frozen=True)
class Side:
    """One model beside the base."""

    record: AuditRecord
    findings: tuple[Finding, ...]
    verdict: Verdict
    changes: tuple[Change, ...]
    """Worse ones first."""
    failing: tuple[Failing, ...]
    mended: int
    """Examples that the base decides wrongly and this model rightly."""
    notes: tuple[str, ...]
    """What could not be compared, and why."""
    settings: tuple[str, ...] = ()
    """Those of `notes` that come from other settings of the two audits."""
    lacking: tuple[str, ...] = ()
    """Figures of the base that this audit was asked for, too, and lacks: nobody knows whether they became worse."""
    unasked: int = 0
    """Figures of the base that this audit was not asked for, or not in the same way."""


@dataclass(frozen=True)
class Comparison:
    """Models beside a base, on the same data, under one policy."""

    base: AuditRecord
    base_findings: tuple[Finding, ...]
    base_verdict: Verdict
    policy: str
    sides: tuple[Side, ...]
    pairs: int
    """Paired changes that hold together."""

    @property
    def lacking(self) -> int:
        """How many figures of the base could not be compared, in all sides together."""
        return sum(len(side.lacking) for side in self.sides)


class Decided(NamedTuple):
    """What one model made of each example."""

    ids: tuple[str, ...]
    people: tuple[str, ...]
    labels: tuple[str, ...]
    decided: tuple[str, ...]
    probabilities: Mapping[str, NDArray[np.float64]]
    groups: Mapping[str, tuple[str, ...]]
    """Attribute -> each example's group."""


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
    seen = _read(base, first)
    drafts = [_draft(first, seen, record, _read(place, record)) for place, record in zip(others, rest, strict=True)]
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


class _Pair(NamedTuple):
    """One quantity that both models have for the same examples."""

    name: str
    where: Mapping[str, str]
    better: Better
    people: People
    before: float
    after: float
    drawn: Callable[[float], Interval | None]
    """Level -> the interval of the change."""


class _Draft(NamedTuple):
    pairs: list[_Pair]
    failing: tuple[Failing, ...]
    mended: int
    notes: tuple[str, ...]
    unlike: frozenset[Key]
    """What both measured, but not in the same way."""


def _draft(base: AuditRecord, seen: Decided | None, record: AuditRecord, other: Decided | None) -> _Draft:
    pairs: list[_Pair] = []
    notes: list[str] = []
    unlike = frozenset(key for key, alike in measured_alike(base, record).items() if not alike)
    unlike |= set(_over_others(base, record))
    failing: tuple[Failing, ...] = ()
    mended = 0
    if seen is None or other is None:
        notes.append(f"{PREDICTIONS} is missing beside a record: accuracy and ROC-AUC are not compared pair by pair.")
    elif seen.ids != other.ids or seen.labels != other.labels:
        notes.append(f"{PREDICTIONS} holds other examples beside the two records: they are not compared pair by pair.")
    else:
        pairs += _predictions(seen, other, base.audit.positive_label)
        pairs += _gaps((base, record), (seen, other), unlike)
        right, now = (np.array(one.decided) == np.array(one.labels) for one in (seen, other))
        failing = tuple(_failing(other, int(i)) for i in np.flatnonzero(right & ~now))
        mended = int((~right & now).sum())
    pairs += _attacks(base, record, unlike)
    return _Draft(pairs, failing, mended, tuple(notes), unlike)


def _predictions(seen: Decided, other: Decided, positive: str) -> Iterator[_Pair]:
    labels = np.array(seen.labels)
    codes = np.unique(seen.people, return_inverse=True)[1].reshape(-1)
    people = People(codes.astype(np.int64))
    right = [(np.array(one.decided) == labels).astype(np.float64) for one in (seen, other)]
    yield _of_shares("performance.accuracy", {}, right[0], right[1], people)
    # As the records have it: the positive label's area where there are two labels, else the mean of all labels' areas.
    ranked = [positive] if len(seen.probabilities) == 2 else list(seen.probabilities)
    truth = np.stack([labels == name for name in ranked])
    if truth.any(axis=1).all() and not truth.all(axis=1).any():
        first, second = (
            macro_roc_auc(np.stack([one.probabilities[name] for name in ranked]), truth) for one in (seen, other)
        )
        numbers = np.arange(1, len(ranked) + 1) @ truth
        once = np.ones((1, len(labels)))

        def interval(level: float) -> Interval | None:
            rng, replicates = _STREAMS.stream("compare", "roc_auc"), replicates_for(level)
            return paired_score_interval(first, second, numbers, people, rng=rng, replicates=replicates, level=level)

        before, after = (float(score(once)[0]) for score in (first, second))
        yield _Pair("performance.roc_auc", {}, "higher", people, before, after, interval)


def _gaps(
    records: tuple[AuditRecord, AuditRecord], sides: tuple[Decided, Decided], unlike: frozenset[Key]
) -> Iterator[_Pair]:
    """Yield the gaps between groups that both audits measured, where what each decided gives the same figures."""
    positive = records[0].audit.positive_label
    truth = np.array(sides[0].labels) == positive
    among = {"everybody": np.ones(len(truth), dtype=np.bool_), "positive": truth, "others": ~truth}
    people = People(np.unique(sides[0].people, return_inverse=True)[1].reshape(-1).astype(np.int64))
    chances = [(np.array(one.decided) == positive).astype(np.float64) for one in sides]
    for _, held in records[0].measurements():
        found = records[1].find(held.name, **held.where)
        families, attribute = _FAMILIES.get(held.name), held.where.get("attribute", "")
        compared = _compared(records, attribute)
        if families is None or found is None or len(compared) < 2 or key_of(held.name, held.where) in unlike:
            continue
        if attribute not in sides[0].groups or sides[0].groups[attribute] != sides[1].groups.get(attribute):
            continue
        group = np.array(sides[0].groups[attribute], dtype=object)
        masks = [[among[family] & (group == one) for one in compared] for family in families]
        values = [gap(rates_by_group(one, masks, people, replicates=1, rng=_rng(held)).values) for one in chances]
        if any(not abs(value - one.value) < _ROUNDING for value, one in zip(values, (held, found), strict=True)):
            continue  # measured over other groups, or about another label: shown with its own intervals

        def interval(level: float, masks: list[list[NDArray[np.bool_]]] = masks, of: Measurement = held) -> Interval:
            drawn = [
                rates_by_group(one, masks, people, replicates=replicates_for(level), rng=_rng(of)) for one in chances
            ]
            return change(*drawn, level=level)

        inside = np.array([one in compared for one in group])
        yield _Pair(held.name, held.where, "lower", people.among(inside), values[0], values[1], interval)


def _compared(records: tuple[AuditRecord, AuditRecord], attribute: str) -> list[str]:
    """Return the groups of `attribute` that the audits compared; none where they are too many to compare all pairs."""
    for _, one in records[0].exhibits("group_table"):
        if isinstance(one, GroupTable) and one.attribute == attribute:
            large = [size.group for size in one.groups if size.group not in one.too_small]
            return large if len(large) <= _MOST_GROUPS else []
    return []


def _rng(of: Measurement) -> np.random.Generator:
    return _STREAMS.stream("compare", of.name, *of.where.values())


def _attacks(base: AuditRecord, record: AuditRecord, unlike: frozenset[Key]) -> Iterator[_Pair]:
    """Yield accuracy under each attack that both stood alike, over the texts that both were attacked on."""
    held = [_rewrites(one) for one in (base, record)]
    for recipe in sorted(set(held[0]) & set(held[1])):
        if key_of(_UNDER_ATTACK, {"recipe": recipe}) in unlike:
            continue
        both = sorted(set(held[0][recipe]) & set(held[1][recipe]))
        if not both:
            continue
        stands = [np.array([float(side[recipe][one].outcome in _STANDS) for one in both]) for side in held]
        people = People(np.array([held[0][recipe][one].person or 0 for one in both], dtype=np.int64))
        yield _of_shares(_UNDER_ATTACK, {"recipe": recipe}, stands[0], stands[1], people)


def _rewrites(record: AuditRecord) -> dict[str, dict[str, Rewrite]]:
    """Return recipe -> example -> rewrite; texts that an attack crashed on, or without a person, are left out."""
    found: dict[str, dict[str, Rewrite]] = {}
    for _, one in record.exhibits("rewrite"):
        if isinstance(one, Rewrite) and one.outcome != "failed" and one.person is not None:
            found.setdefault(one.recipe, {})[one.example] = one
    return found


def _of_shares(
    name: str, where: Mapping[str, str], before: NDArray[np.float64], after: NDArray[np.float64], people: People
) -> _Pair:
    def interval(level: float) -> Interval | None:
        rng = _STREAMS.stream("compare", name, *where.values())
        return paired_interval(before, after, people, rng=rng, level=level)

    return _Pair(name, where, "higher", people, float(before.mean()), float(after.mean()), interval)


def _failing(other: Decided, i: int) -> Failing:
    decided = other.decided[i]
    return Failing(other.ids[i], other.labels[i], decided, float(other.probabilities[decided][i]))


def _side(base: AuditRecord, record: AuditRecord, draft: _Draft, policy: Policy, pairs: int) -> Side:
    level = 1 - (1 - LEVEL) / max(pairs, 1)
    changes = [_paired(one, level) for one in draft.pairs]
    settled = {key_of(one.name, one.where) for one in changes} | draft.unlike
    before = {key_of(one.name, one.where): one for _, one in base.measurements()}
    now = {key_of(one.name, one.where): one for _, one in record.measurements()}
    changes += [_apart(before[key], now[key]) for key in before if key in now and key not in settled]
    lacking, unasked, causes = _missing(base, record, set(now))
    over_others = _over_others(base, record)
    fewer = {key for key, lost in over_others.items() if lost}
    lacking |= fewer
    settings = (
        *differently_audited(base, record),
        *_listed(draft.unlike - set(over_others), "measured in another way than in the base's audit, and not compared"),
        *_listed(set(over_others) - fewer, "measured over groups that the base's audit left out, and not compared"),
        *_listed(unasked, "in the base's audit that this one was not asked for"),
    )
    notes = (
        *_listed(lacking - set(now), "of the base could not be compared, missing here although asked for"),
        *_listed(lacking - set(before), "could not be compared, missing in the base's audit although asked for"),
        *_listed(fewer, "could not be compared: this audit leaves out groups that the base's did not"),
        *causes,
        *draft.notes,
        *settings,
        *differently_trained(base, record),
        *_listed(set(before) - set(now) - lacking - unasked, "in the base's audit and not in this one"),
        *_listed(set(now) - set(before) - lacking, "in this audit and not in the base's"),
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
        lacking=tuple(_names(lacking)),
        unasked=len(unasked) + len(draft.unlike - fewer),
    )


def _missing(base: AuditRecord, record: AuditRecord, now: Collection[Key]) -> tuple[set[Key], set[Key], list[str]]:
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


def _over_others(base: AuditRecord, record: AuditRecord) -> dict[Key, set[str]]:
    """Return the figures that the audits have of different groups, and which groups only this one leaves out."""
    before = {key_of(one.name, one.where): set(one.left_out) for _, one in base.measurements()}
    now = {key_of(one.name, one.where): set(one.left_out) for _, one in record.measurements()}
    return {key: now[key] - before[key] for key in before if key in now and now[key] != before[key]}


def _names(keys: Collection[Key]) -> list[str]:
    return sorted(f"{name} {', '.join(value for _, value in where)}".strip() for name, where in keys)


def _listed(keys: Collection[Key], what: str) -> Iterator[str]:
    """Yield the sentence that names what was not compared, where there is any."""
    names = _names(keys)
    if names:
        more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{plural(len(names), 'figure')} {what}: {'; '.join(names[:_NAMED])}{more}."


def _paired(one: _Pair, level: float) -> Change:
    interval = one.drawn(level)
    low, high = (0.0, 0.0) if interval is None else (interval.low, interval.high)
    word: Word = "undecided" if low <= 0 <= high else _direction(one.better, low > 0)
    return Change(
        one.name, one.where, "score" if one.name.endswith("auc") else "proportion", one.before, one.after, None, None,
        one.after - one.before, interval, one.people.size, word,
    )  # fmt: skip


def _apart(before: Measurement, after: Measurement) -> Change:
    """Return two separate figures: told apart where their intervals do not meet."""
    ends = [
        (one.value, one.value) if one.interval is None else (one.interval.low, one.interval.high)
        for one in (before, after)
    ]
    rises, falls = ends[1][0] > ends[0][1], ends[1][1] < ends[0][0]
    better: Better = "neither" if after.name in VOLATILE else after.better
    word: Word = _direction(better, rises) if rises or falls else "undecided"
    return Change(
        after.name, after.where, after.unit, before.value, after.value, before.interval, after.interval,
        after.value - before.value, None, after.n, word,
    )  # fmt: skip


def _direction(better: Better, rises: bool) -> Word:
    if better == "neither":
        return "other"
    return "better" if rises == (better == "higher") else "worse"


def _read(place: str | Path, record: AuditRecord) -> Decided | None:
    """Return what lies beside the record; None where it is not there.

    Raises `BadInput` for a file that is damaged, or of another audit.
    """
    folder = Path(place)
    path = (folder if folder.is_dir() else folder.parent) / PREDICTIONS
    if not path.is_file():
        return None
    found = _decided(path)
    right = [one == other for one, other in zip(found.decided, found.labels, strict=True)]
    accuracy = record.find("performance.accuracy")
    told = None if accuracy is None else accuracy.value
    if len(right) != record.corpus.n or (told is not None and abs(float(np.mean(right)) - told) > _ROUNDING):
        raise BadInput(
            f"{path} is of another audit than the record beside it: {len(right)} examples, "
            f"{sum(right)} of them right, where the record has {record.corpus.n}"
            f"{'' if told is None else f' with accuracy {told:g}'}; audit again, or take the file away to compare "
            "without it"
        )
    return found


def _decided(path: Path) -> Decided:
    """Return what the file holds, in the order of the ids. Raises `BadInput` for one that cannot be read."""
    import pyarrow.parquet as parquet

    prefix = "probability of "
    try:
        table = parquet.read_table(path).to_pydict()
        rows = sorted(range(len(table["id"])), key=lambda i: table["id"][i])

        def column(name: str) -> tuple[str, ...]:
            return tuple(str(table[name][i]) for i in rows)

        probabilities = {
            name.removeprefix(prefix): np.array(values, dtype=np.float64)[rows]
            for name, values in table.items()
            if name.startswith(prefix)
        }
        of = {name.removeprefix("group "): column(name) for name in table if name.startswith("group ")}
        return Decided(column("id"), column("person"), column("label"), column("decided"), probabilities, of)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"cannot read {path}: {error}; audit again, or compare without it") from error
