"""A record that may leave the house: what was measured, without the texts and the people that it was measured on.

Texts become keyed hashes with their lengths; the key is drawn afresh and forgotten, so that a hash tells equal texts
within one record and nothing else. Ids and names of judges become hashes, tables of words and rewritings go, and so do
groups with fewer than 10 examples or people. What no rule knows is an error: see `redaction_rules`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

from workbench import errors
from workbench.errors import Unsupported
from workbench.evidence.exhibits import Exhibit, GroupTable, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.mitigation import MitigationCard
from workbench.evidence.record import (
    REDACTION,
    WITHHELD,
    AuditRecord,
    AuditSettings,
    Evidence,
    Finding,
    Measured,
    Withheld,
)
from workbench.evidence.schema import Stored
from workbench.report.quotations import Quotations
from workbench.report.redaction_rules import DROPPED, RULES, Fate, Rule
from workbench.report.small_groups import SMALLEST, SmallGroups, large_enough

_OURS = "|".join(
    name for name, held in vars(errors).items() if isinstance(held, type) and issubclass(held, errors.WorkbenchError)
)
_ERROR = re.compile(
    rf"(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt)|{_OURS}): .*?"
    r"(?P<place> \([\w./]+\.py, line \d+\))?",
    re.DOTALL,
)
_S = TypeVar("_S", bound=Stored)


def redact(record: AuditRecord, *, key: bytes | None = None) -> AuditRecord:
    """Return `record` without texts, words, ids and small groups, marked as redacted.

    Findings and verdicts are kept; one on a group that is withheld keeps its verdict and loses its number. The mark
    says of which attributes groups are withheld, and of which facets values: judging the result again asks for them,
    too, so it can only make less of it established.

    Args:
        record: any record, also one that is redacted already.
        key: of the hashes (32 bytes); drawn from the operating system and forgotten where it is not given.

    Raises:
        Unsupported: the record holds a type or field that no rule knows.
    """
    small = SmallGroups.of(record)
    work = _Redaction(secrets.token_bytes(32) if key is None else key, small)
    for _, exhibit in record.exhibits():
        work.meet(exhibit)
    kept = tuple(
        one.model_copy(update={"result": _without_small(one.result, small)})
        if isinstance(one.result, Measured)
        else one
        for one in record.evidence
        if one.probe != REDACTION
    )
    groups = {
        attribute: {group: n for group, n in sizes.items() if group not in small.held.get(attribute, ())}
        for attribute, sizes in record.corpus.groups.items()
    }
    corpus = record.corpus.model_copy(update={"groups": {name: sizes for name, sizes in groups.items() if sizes}})
    training = record.training
    if training is not None:
        learned = training.corpus.model_copy(update={"groups": large_enough(training.corpus.groups)})
        training = training.model_copy(update={"corpus": learned, "recipe": _recipe(training.recipe)})
    findings = tuple(_judged(one, small) for one in record.findings)
    kept_whole = {
        "evidence": kept,
        "corpus": corpus,
        "training": training,
        "mitigation": _mitigation(record.mitigation),
        "audit": _audit(record.audit, small),
        "findings": findings,
    }
    bare = work.of(record.model_copy(update=kept_whole))
    told = Quotations(work.seen, needed=_vocabulary(bare)).withheld_in(bare.model_dump(mode="json"))
    swept = AuditRecord.model_validate(told)
    return swept.model_copy(update={"evidence": (*swept.evidence, _mark(len(small), _withheld(record, small)))})


def _recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe without the groups that its weights name, however small they are."""
    held = recipe.get("reweighting")
    if not isinstance(held, dict) or not isinstance(held.get("weights"), dict):
        return recipe
    return {**recipe, "reweighting": {**held, "weights": "withheld"}}


def _mitigation(card: MitigationCard | None) -> MitigationCard | None:
    """Return the card without the sizes of small groups."""
    if card is None:
        return None
    parts = (card.fitted_on, card.held_out.corpus)
    fitted, tried = (one.model_copy(update={"groups": large_enough(one.groups)}) for one in parts)
    held_out = card.held_out.model_copy(update={"corpus": tried})
    return card.model_copy(update={"fitted_on": fitted, "held_out": held_out})


def _audit(audit: AuditSettings, small: SmallGroups) -> AuditSettings:
    """Return the settings without the thresholds of small groups."""
    rule = audit.decision.by_group
    if rule is None:
        return audit
    shown = tuple(one for one in rule.groups if one.group not in small.held.get(rule.attribute, ()))
    decision = audit.decision.model_copy(update={"by_group": rule.model_copy(update={"groups": shown})})
    return audit.model_copy(update={"decision": decision})


class _Redaction:
    """One pass over a record, with the key of its hashes; gathers the texts and ids that it meets."""

    def __init__(self, key: bytes, small: SmallGroups) -> None:
        self._key, self._small = key, small
        self.seen: set[str] = set()

    def of(self, value: _S) -> _S:
        """Return `value` with every field dealt with by the rule of its type."""
        rule = _rule_of(value)
        changed = {field: self._field(fate, getattr(value, field), value) for field, fate in rule.items()}
        return value.model_copy(update=changed)

    def _field(self, fate: Fate, held: Any, of: Stored) -> Any:
        match fate:
            case Fate.KEEP:
                return held
            case _ if held is None:
                return None
            case Fate.TEXT:
                return self._text(held)
            case Fate.NAME | Fate.WORD:
                return self._hash(held) if held else held
            case Fate.SAID:
                return _withheld_sentence(held) if self._small.named_in(held) else held
            case Fate.ERROR:
                return _bare(held)
            case Fate.WITHHELD:
                return "withheld" if held else held
            case Fate.GROUPS:
                assert isinstance(of, Measurement)  # no other type has a field of groups
                return tuple(dict.fromkeys(self._small.unnamed(one, of.where["attribute"]) for one in held))
            case Fate.EMPTY:
                return type(held)() if isinstance(held, tuple | dict) else None
            case Fate.INSIDE:
                return tuple(self._inner(one) for one in held) if isinstance(held, tuple) else self._inner(held)

    def _inner(self, value: Any) -> Any:
        if not isinstance(value, Stored):
            raise Unsupported(
                f"a record with a {type(value).__name__} where a value of ours belongs cannot be redacted"
            )
        return self.of(value)

    def _text(self, held: str) -> str:
        return f"withheld {self._hash(held)} ({len(held):,} characters)" if held else held

    def meet(self, held: Stored) -> None:
        """Remember the texts and ids that are taken out of `held`, however deep, so that no sentence quotes them."""
        for field, fate in _rule_of(held).items():
            inner = getattr(held, field)
            if isinstance(inner, str) and fate in {Fate.TEXT, Fate.NAME, Fate.EMPTY}:
                self.seen.add(inner)
            for one in inner if isinstance(inner, tuple) else (inner,):
                if isinstance(one, Stored):
                    self.meet(one)

    def _hash(self, held: str) -> str:
        return hashlib.blake2b(held.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).hexdigest()


def _vocabulary(record: AuditRecord) -> set[str]:
    """Return the names that the record needs, which may also be somebody's whole text."""
    names = {*record.model.labels, *record.corpus.labels, *record.corpus.groups, *record.audit.label_map}
    names = names.union(*record.corpus.groups.values(), *(one.where.values() for _, one in record.measurements()))
    tables = [one for _, one in record.exhibits("group_table") if isinstance(one, GroupTable)]
    return names.union(*({one.attribute, *(of.group for of in one.groups)} for one in tables))


def _rule_of(value: Stored) -> Rule:
    rule = RULES.get(type(value))
    unknown = set(type(value).model_fields) - set(rule or ())
    if rule is None or unknown:
        what = "" if rule is None else f": {', '.join(sorted(unknown))}"
        raise Unsupported(
            f"a record with {type(value).__name__} cannot be redacted: no rule says what becomes of it{what}; add one "
            "to workbench/report/redaction_rules.py"
        )
    return rule


def _without_small(result: Measured, small: SmallGroups) -> Measured:
    for one in result.exhibits:
        _rule_of(one)
    kept = (small.without(one) for one in result.exhibits if type(one) not in DROPPED)
    exhibits: tuple[Exhibit, ...] = tuple(one for one in kept if one is not None)
    measurements = tuple(one for one in result.measurements if not small.hide(one))
    return result.model_copy(update={"measurements": measurements, "exhibits": exhibits})


def _judged(finding: Finding, small: SmallGroups) -> Finding:
    hidden = small.about(finding.where) or (finding.evidence is not None and small.hide(finding.evidence))
    if not hidden:
        because = small.unnamed(finding.because, finding.where.get("attribute", ""))
        return finding.model_copy(update={"because": because})
    where: Mapping[str, str] = {
        facet: WITHHELD if facet in {"group", "slice"} else value for facet, value in finding.where.items()
    }
    because = f"Judged on the whole record; the number is withheld, for it is about fewer than {SMALLEST} examples or people, or would tell of such a group."  # fmt: skip  # noqa: E501
    return finding.model_copy(update={"where": where, "because": because, "evidence": None})


def _bare(error: str) -> str:
    found = _ERROR.fullmatch(error)
    if found is None:
        return "Error (message withheld)"
    return f"{found['kind']} (message withheld){found['place'] or ''}"


def _withheld(record: AuditRecord, small: SmallGroups) -> Withheld:
    """Return what is withheld of `record` now or was before."""
    hidden = [dict(one.where) for _, one in record.measurements() if small.hide(one)]
    named = (attribute for attribute, groups in small.held.items() if groups)
    of_groups = (where["attribute"] for where in hidden if "group" in where)
    others = (facet for where in hidden if "group" not in where for facet in where)
    return Withheld(
        tuple(sorted({*record.withheld.attributes, *named, *of_groups})),
        tuple(sorted({*record.withheld.facets, *others})),
    )


def _withheld_sentence(held: str) -> str:
    """Return what stands for a sentence; which metrics it says are missing stays, so that they are not forgotten."""
    what = f"it names a group with fewer than {SMALLEST} examples or people"
    names = Note(text=held).not_given
    return f"{', '.join(names)} are not given for what is withheld: {what}." if names else f"Withheld: {what}."


def _mark(groups: int, withheld: Withheld) -> Evidence:
    note = Note(
        text="Redacted: texts are keyed hashes with lengths (the key is gone), ids and judges are hashes, tables of "
        f"words are left out, and so are {groups:,} groups with fewer than {SMALLEST} examples or "
        "people, or that would tell the size of one."
    )
    return Evidence(
        probe=REDACTION,
        params={"smallest": SMALLEST, "attributes": [*withheld.attributes], "facets": [*withheld.facets]},
        seed=0,
        seconds=0.0,
        result=Measured(measurements=(), exhibits=(note,)),
    )
