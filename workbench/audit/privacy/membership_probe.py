"""How well an attacker tells from the model's answers whose records it learned from, beside what epsilon allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy import lira
from workbench.audit.privacy.allowed import Excess, allowed_tpr, exceeds
from workbench.audit.privacy.attacks import AttackScores, by_class, log_probabilities, logit_confidence, loss_threshold
from workbench.audit.privacy.estimate import Estimate
from workbench.audit.privacy.membership import Scored, auc, tpr_at
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import FEWEST_PEOPLE, REPLICATES, ROUNDING, People
from workbench.evidence.cards import PrivacyCard
from workbench.evidence.exhibits import Curve, CurvePoint, Exhibit, Note, RecordAtRisk, RecordsAtRisk
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.membership import Members
from workbench.models.protocols import Classifier
from workbench.models.references import SAME, References

Floats = NDArray[np.float64]

FPRS = (0.001, 0.01, 0.1)
"""False positive rates at which the true positive rate is stated; fixed, so that nobody chooses the best."""
_DRAWN = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Those of the drawn curve."""
SHOWN = 20
"""Records at risk that are listed."""
LOSS, BY_CLASS, ONLINE, OFFLINE = "loss", "loss_by_class", "lira_online", "lira_offline"


class Attack(NamedTuple):
    """An attack's scores of the records that it can score."""

    name: str
    seen: Scored
    rows: NDArray[np.bool_]
    """Which records of the pool these are, (n,)."""


@probes.register("privacy.membership@1")
@dataclass(frozen=True)
class Membership:
    """Loss threshold, the same by class, and LiRA where there are reference models; all, and by group."""

    examples: int = 20_000
    """At most so many of the list, sampled by hash of their id."""
    replicates: int = REPLICATES

    name: ClassVar[str] = "privacy.membership@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, replicates=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return AUC and TPR of each attack, and the margin to what a claimed epsilon allows.

        Not applicable without a list of members, or with fewer than ten people on a side of it.
        """
        if isinstance(setting.members, NotApplicable):
            return setting.members
        held = setting.members.sample(self.examples)
        people = People(held.pool.people)
        sides = [people.among(held.member).size, people.among(~held.member).size]
        if min(sides) < FEWEST_PEOPLE:
            return NotApplicable(
                reason=f"the membership list names {sides[0]} people who were learned from and {sides[1]} who were "
                f"not; {FEWEST_PEOPLE} of each are needed: list more"
            )
        attacks, notes = _attacks(model, corpus, held)
        measurements: list[Measurement] = []
        for attack in attacks:
            for found in self._stated(attack, setting, {"attack": attack.name}):
                if isinstance(found, Measurement):
                    measurements.append(found)
                else:
                    notes.append(found)
        measurements += self._by_group(attacks[-1], held.pool, setting)
        claim = None if setting.training is None else setting.training.privacy
        exhibits: list[Exhibit] = []
        if claim is not None:
            margin, note = _margin(attacks, claim, drawn=held.drawn)
            measurements += [] if margin is None else [margin]
            notes.append(note)
        exhibits += _curves(attacks, claim)
        exhibits += _at_risk(attacks[-1], held.pool)
        return Measured(measurements=tuple(measurements), exhibits=(*exhibits, *notes))

    def _stated(
        self, attack: Attack, setting: Setting, where: dict[str, str], *, fprs: Sequence[float] = FPRS
    ) -> Iterator[Measurement | Note]:
        """Yield AUC and TPRs, or a note for each that these records do not establish."""
        rng = setting.streams.stream("privacy", self.name, *where.values())
        found = auc(attack.seen, rng=rng, replicates=self.replicates)
        about = ", ".join(f"{facet} {value}" for facet, value in where.items())
        if isinstance(found, Unknown):
            yield Note(text=f"membership_auc is not given for {about}: {found.why}.")
        else:
            yield _measurement("privacy.membership_auc", found, "score", where)
        for fpr in fprs:
            tpr, at = tpr_at(attack.seen, fpr), {**where, "fpr": f"{fpr:g}"}
            if isinstance(tpr, Unknown):
                yield Note(text=f"membership_tpr is not given for {about}, fpr {fpr:g}: {tpr.why}.")
            else:
                yield _measurement("privacy.membership_tpr", tpr, "proportion", at)

    def _by_group(self, attack: Attack, pool: Corpus, setting: Setting) -> Iterator[Measurement]:
        """Yield AUC and TPRs of one attack within each group that has enough people on both sides."""
        for attribute in pool.attributes:
            of = np.array(pool.group_of(attribute))[attack.rows]
            for group in sorted(set(of.tolist())):
                seen = attack.seen.among(of == group)
                if min(seen.members.size, seen.others.size) < FEWEST_PEOPLE:
                    continue
                where = {"attack": attack.name, "attribute": attribute, "group": group}
                for found in self._stated(attack._replace(seen=seen), setting, where):
                    if isinstance(found, Measurement):
                        yield found


def _attacks(model: Classifier, corpus: Corpus, held: Members) -> tuple[list[Attack], list[Note]]:
    """Return the attacks that can be made, the strongest kind last, and notes on the others."""
    pool = held.pool
    logs = _logs(model, pool)
    made: list[tuple[str, AttackScores]] = [(LOSS, loss_threshold(logs, pool.label_ids))]
    notes: list[Note] = []
    known = {one.id for one in pool}
    apart = corpus.where(lambda one: one.id not in known)
    if len(apart):
        calibrated = by_class(
            made[0][1].scores,
            pool.label_ids,
            reference_scores=loss_threshold(_logs(model, apart), apart.label_ids).scores,
            reference_labels=apart.label_ids,
        )
        made.append((BY_CLASS, calibrated))
    else:
        notes.append(
            Note(
                text=f"membership_auc is not given for attack {BY_CLASS}: all audited examples are on the membership "
                "list, and it needs others that were not learned from."
            )
        )
    if held.references is None:
        notes.append(
            Note(
                text=f"membership_auc is not given for attacks {ONLINE} and {OFFLINE}: there are no reference models; "
                "workbench references RUN --count 16 makes some. The other attacks are weaker."
            )
        )
    else:
        target = logit_confidence(logs, pool.label_ids)
        of = held.references
        made += [
            (OFFLINE, lira.offline(target, of.confidence, of.included)),
            (ONLINE, lira.online(target, of.confidence, of.included)),
        ]
        notes.append(Note(text=_on_references(of)))
    attacks = []
    people = People(pool.people)
    for name, scores in made:
        if scores.why_not is not None:
            notes.append(Note(text=f"Attack {name}: {scores.why_not}."))
        rows = scores.scored
        if people.among(rows & held.member).size and people.among(rows & ~held.member).size:
            attacks.append(Attack(name, Scored(scores.scores, held.member[rows], people.among(rows)), rows))
        else:
            notes.append(Note(text=f"membership_auc is not given for attack {name}: it can score no record of a side."))
    return attacks, notes


def _logs(model: Classifier, corpus: Corpus) -> Floats:
    """Return the model's log-probabilities, (n, n_labels)."""
    found = log_probabilities(model.predict_proba(corpus.inputs))
    assert found.shape == (len(corpus), len(corpus.labels)), found.shape
    return found


def _on_references(of: References) -> str:
    count = len(of.confidence)
    spread = (
        "a deviation for each record"
        if lira.spread_for(count) == "per record"
        else f"one deviation for all records (fewer than {lira.GLOBAL_BELOW} references)"
    )
    if of.kind == SAME:
        kind, weaker = "trained as the model was", ""
    else:
        kind = {"lora": "low-rank adapters", "head": "heads on a frozen network"}.get(of.kind, of.kind)
        weaker = " They move fewer parameters than the model's training did: a weaker attack."
    return (
        f"LiRA (Carlini et al. 2022): {count} reference models on other random halves of the same records, {kind}; "
        f"{spread}.{weaker} Online it uses references with and without a record, offline those without it."
    )


def _measurement(name: str, found: Estimate, unit: str, where: dict[str, str]) -> Measurement:
    return Measurement(
        name=name, value=found.value, unit=unit, better="lower", n=found.n, interval=found.interval, where=where
    )


def _margin(attacks: Sequence[Attack], claim: PrivacyCard, *, drawn: bool) -> tuple[Measurement | None, Note]:
    """Return how far the attacks stay below what is claimed, where they come nearest, or None and why not.

    Not given where the best of all attacks could not have been known to exceed the claim: it would hold whatever the
    model is.

    The lower limits hold together, over attacks and rates, with probability `LEVEL`: they are one-sided.
    """
    wanted = [(attack, fpr) for attack in attacks for fpr in FPRS if not isinstance(tpr_at(attack.seen, fpr), Unknown)]

    def held_against(seen: Scored, fpr: float) -> Excess | Unknown:
        (found,) = exceeds(seen, (fpr,), claim.epsilon, claim.delta, comparisons=len(wanted), level=2 * LEVEL - 1)
        return found

    found = [(attack, one) for attack, fpr in wanted if isinstance(one := held_against(attack.seen, fpr), Excess)]
    if not found:
        return None, Note(
            text=f"membership_margin is not given: no true positive rate is established at a false positive rate of "
            f"{FPRS[-1]:g} or less, which needs {10 / FPRS[-1]:,.0f} people who were not learned from."
        )
    best = [one for attack, fpr in wanted if isinstance(one := held_against(_perfect(attack.seen), fpr), Excess)]
    if not any(one.exceeded for one in (*best, *(one for _, one in found))):
        most = max(best, key=lambda one: one.tpr.interval.low - one.allowed)
        return None, Note(
            text=f"membership_margin is not given: an attack that found all of the {most.tpr.n:,} people learned from "
            f"while accusing {most.fpr:.1%} of the others would be known to find at least {most.tpr.interval.low:.3f}, "
            f"and epsilon {claim.epsilon:.3g} and delta {claim.delta:g} allow {most.allowed:.3f}: so few cannot refute "
            "the claim, whatever the model is; list more."
        )
    nearest, one = min(found, key=lambda pair: pair[1].allowed - pair[1].tpr.interval.low)
    value = one.allowed - one.tpr.interval.low
    margin = Measurement(
        name="privacy.membership_margin",
        value=value,
        unit="score",
        better="higher",
        n=nearest.seen.people.size,
        interval=Interval(
            low=value,
            high=value,
            level=LEVEL,
            method=f"one-sided lower limit of the true positive rate, Clopper-Pearson, Bonferroni over {len(found)} "
            "attacks and rates; the other end is not limited",
        ),
        where={"confidence": f"{LEVEL:g}"},
    )
    least = f"at least {one.tpr.interval.low:.3f} of those learned from, at {LEVEL:.0%} confidence,"
    told = (
        f"Attack {nearest.name} finds {least} while accusing {one.fpr:.1%} of the others; epsilon {claim.epsilon:.3g} "
        f"and delta {claim.delta:g} allow {one.allowed:.3f}: "
    )
    if not one.exceeded:
        return margin, Note(text=f"{told}the claim is not refuted, which certifies nothing.")
    if drawn:
        return margin, Note(text=f"{told}the claim is refuted; the implementation is broken, or the claim is wrong.")
    return margin, Note(
        text=f"{told}the claim is refuted, unless the list itself tells who was learned from: see the blind baseline."
    )


def _perfect(seen: Scored) -> Scored:
    """Return the same people under an attack that tells all members from all others."""
    return Scored(np.where(seen.member, seen.scores.max() + 1, seen.scores), seen.member, seen.people)


def _curves(attacks: Sequence[Attack], claim: PrivacyCard | None) -> Iterator[Curve]:
    """Yield the curve of each attack, and what the claim allows, over false positive rates that are established."""
    drawn = [one for one in attacks if one.name != OFFLINE or all(other.name != ONLINE for other in attacks)]
    rates: tuple[float, ...] = ()
    for attack in drawn:
        points = [(fpr, tpr_at(attack.seen, fpr)) for fpr in _DRAWN]
        held = [(fpr, tpr) for fpr, tpr in points if not isinstance(tpr, Unknown)]
        rates = max(rates, tuple(fpr for fpr, _ in held), key=len)
        yield _curve(
            {"attack": attack.name},
            [
                CurvePoint(x=fpr, y=tpr.value, low=tpr.interval.low, high=tpr.interval.high, n=tpr.n)
                for fpr, tpr in held
            ],
            f"{LEVEL:.0%}, Clopper-Pearson above order statistics of those not learned from, at each rate by itself",
        )
    if claim is not None:
        allowed = [(fpr, allowed_tpr(fpr, claim.epsilon, claim.delta)) for fpr in rates]
        yield _curve(
            {"allowed": f"epsilon {claim.epsilon:.3g}, delta {claim.delta:g}"},
            [CurvePoint(x=fpr, y=tpr, low=tpr, high=tpr, n=claim.units) for fpr, tpr in allowed],
            "e^epsilon x FPR + delta, exact",
        )


def _curve(where: dict[str, str], points: Sequence[CurvePoint], method: str) -> Curve:
    return Curve(
        name="membership_roc",
        x_label="false positive rate",
        y_label="true positive rate",
        points=tuple(points),
        method=method,
        where=where,
        x_scale="log",
    )


def _at_risk(attack: Attack, pool: Corpus) -> Iterator[RecordsAtRisk]:
    """Yield the members that the attack finds at the lowest rate where it does better than chance, if there is one."""
    for fpr in FPRS:
        found = tpr_at(attack.seen, fpr)
        if isinstance(found, Unknown) or found.interval.low <= fpr:
            continue
        seen = attack.seen
        highest = np.sort(seen.scores[~seen.member])[::-1]
        rows = np.flatnonzero(attack.rows)
        hit = np.flatnonzero(seen.member & (seen.scores > highest[floor(fpr * len(highest) + ROUNDING)]))
        order = sorted(hit.tolist(), key=lambda i: (-seen.scores[i], pool.examples[rows[i]].id))
        yield RecordsAtRisk(
            attack=attack.name,
            fpr=fpr,
            records=tuple(
                RecordAtRisk(
                    example=pool.examples[rows[i]].id, label=pool.examples[rows[i]].label, score=float(seen.scores[i])
                )
                for i in order[:SHOWN]
            ),
            total=len(order),
            of=int(seen.member.sum()),
        )
        return
