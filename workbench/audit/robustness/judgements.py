"""What people say about rewrites: which keep their label, and how often an attack succeeds with such a rewrite.

An attack's rewrite may have lost its meaning; then the new decision is no mistake, and the attack success rate is too
high. A random sample of the successful rewrites goes to people, and their answers come back as evidence of the record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from workbench.audit.robustness.judgement_sheet import Row, Sheet
from workbench.audit.robustness.rates import TRIED
from workbench.errors import BadInput, EmptyData, Misconfigured
from workbench.evidence.bootstrap import People, score_interval
from workbench.evidence.exhibits import JudgedRewrite, Judgement, Note, Rewrite
from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Measurement
from workbench.evidence.products import product_interval
from workbench.evidence.record import AuditRecord, Evidence, Failed, Measured, NotApplicable
from workbench.seeds import Streams

NAME = "robustness.judgements@1"
"""Probe name of the evidence: people are the instrument."""
FEWEST = 5
"""Judged rewrites from which on a share is told, unless fewer are all there are."""

_RATE, _VALID = "robustness.attack_success_rate", "robustness.valid_success_rate"

Key = tuple[str, str]
"""Recipe and example id."""


def draw(record: AuditRecord, *, examples: int, seed: int) -> tuple[Rewrite, ...]:
    """Return at most `examples` successful rewrites of each recipe, drawn by hash of example id.

    In the order drawn, the recipes taking turns: whoever judges from the top has a random sample of each wherever they
    stop. Raises `Misconfigured` for less than one and for a redacted record, `EmptyData` where no attack succeeded.
    """
    if examples < 1:
        raise Misconfigured(f"--examples must be at least 1; got {examples}")
    streams = Streams(seed)
    recipes: dict[str, list[Rewrite]] = {}
    for one in _successes(record).values():
        recipes.setdefault(one.recipe, []).append(one)
    if not recipes:
        raise EmptyData("this audit holds no successful rewrite; there is nothing to judge")
    ranked = [
        (rank, place, one)
        for place, (recipe, found) in enumerate(recipes.items())
        for rank, one in enumerate(
            sorted(found, key=lambda one: streams.seed("judgements", one.recipe, one.example))[:examples]
        )
    ]
    return tuple(one for _, _, one in sorted(ranked, key=lambda held: held[:2]))


def with_judgements(record: AuditRecord, sheets: Sequence[Sheet]) -> AuditRecord:
    """Return `record` with what `sheets` say as its last evidence, in place of what was applied before.

    Raises `BadInput` for a row that is not about this record, or a judge who answers twice; the message names the row.
    """
    start = time.perf_counter()
    answers = _answers(record, sheets)
    judged = {
        key: JudgedRewrite(recipe=key[0], example=key[1], judgements=tuple(answers[key]))
        for key in _successes(record)
        if key in answers
    }
    measurements, notes = _estimates(record, judged)
    result = Measured(measurements=measurements, exhibits=(*(Note(text=note) for note in notes), *judged.values()))
    evidence = Evidence(
        probe=NAME,
        params={
            "files": [one.source for one in sheets],
            "answers": sum(len(given) for given in answers.values()),
            "rewrites": len(judged),
            "judges": len({one.judge for given in answers.values() for one in given}),
        },
        seed=record.audit.seed,
        seconds=time.perf_counter() - start,
        result=result,
    )
    others = (one for one in record.evidence if one.probe != NAME)
    return record.model_copy(update={"evidence": (*others, evidence)})


def _successes(record: AuditRecord) -> dict[Key, Rewrite]:
    """Return the successful rewrites, in record order. Raises `Misconfigured` for a redacted record."""
    if record.redacted:
        raise Misconfigured("this record is redacted, so nobody can read its rewrites; use the whole one")
    return {
        (one.recipe, one.example): one
        for _, one in record.exhibits("rewrite")
        if isinstance(one, Rewrite) and one.outcome == "succeeded" and one.rewritten is not None
    }


def _answers(record: AuditRecord, sheets: Iterable[Sheet]) -> dict[Key, list[Judgement]]:
    """Return each judged rewrite's answers, after checking that every row is about a rewrite of `record`."""
    successes = _successes(record)
    found: dict[Key, list[Judgement]] = {}
    for row in (row for sheet in sheets for row in sheet.rows):
        _require_known(row, successes)
        given = found.setdefault((row.recipe, row.example), [])
        if any(one.judge == row.judge for one in given):
            raise BadInput(
                f"{row.place}: {row.judge!r} has judged this rewrite already; people need different names in the "
                "column judge, and a file is given once"
            )
        given.append(Judgement(judge=row.judge, label_kept=row.label_kept, comment=row.comment))
    return found


def _require_known(row: Row, successes: Mapping[Key, Rewrite]) -> None:
    if row.recipe not in (recipes := {recipe for recipe, _ in successes}):
        known = ", ".join(sorted(recipes)) or "none"
        raise BadInput(f"{row.place}: no attack {row.recipe!r:.60} succeeded in this audit (those that did: {known})")
    one = successes.get((row.recipe, row.example))
    if one is None:
        raise BadInput(
            f"{row.place}: {row.recipe} has no successful rewrite of an example {row.example!r:.60} in this audit; is "
            "the file from another audit, or did a spreadsheet take the id for a number?"
        )
    if _lines(row.rewritten) != _lines(one.rewritten or ""):
        raise BadInput(
            f"{row.place}: the rewritten text is not that of this audit, so the judgement may not hold for it; use the "
            "file that `workbench judgements save` made of this very audit, and leave its texts as they are"
        )


def _lines(text: str) -> str:
    """Return `text` with the line ends that a spreadsheet would give it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _estimates(
    record: AuditRecord, judged: Mapping[Key, JudgedRewrite]
) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """Return each recipe's valid success rate, and in sentences what was judged and what it leaves open."""
    recipes: dict[str, list[Rewrite]] = {}
    for _, one in record.exhibits("rewrite"):
        if isinstance(one, Rewrite):
            recipes.setdefault(one.recipe, []).append(one)
    measurements: list[Measurement] = []
    notes: list[str] = []
    for recipe, rewrites in recipes.items():
        fell = [one for one in rewrites if one.outcome == "succeeded"]
        heard = [(one, judged[recipe, one.example]) for one in fell if (recipe, one.example) in judged]
        notes += _told(recipe, len(fell), [one for _, one in heard])
        estimate = _valid(record, recipe, rewrites, heard)
        if isinstance(estimate, str):
            notes.append(f"valid_success_rate is not given for {recipe}: {estimate}.")
        else:
            measurements.append(estimate)
    notes += [
        f"valid_success_rate is not given for {evidence.params['recipe']}: the attack did not run."
        for evidence in record.evidence
        if "recipe" in evidence.params and isinstance(evidence.result, NotApplicable | Failed)
    ]
    notes.append(
        "The valid success rate is the attack success rate times the share of the judged rewrites that keep their "
        "label, an answer of unsure counting as no. It takes the judged rewrites for a random sample: they are one "
        "where people judged a saved file to its end, or from its top."
    )
    return tuple(measurements), tuple(notes)


def _valid(
    record: AuditRecord, recipe: str, rewrites: Sequence[Rewrite], heard: Sequence[tuple[Rewrite, JudgedRewrite]]
) -> Measurement | str:
    """Return the estimated share of attacked examples that fell to a rewrite which keeps its label, or why not.

    Success rate x share of judged rewrites that keep it. The second rests on a part of the successes, so the interval
    is that of a product of two estimates (`product_interval`): Wilson's limits or a bootstrap over people for each.
    Where all successes were judged it agrees, to first order, with the interval of the plain share.
    """
    rate = next(
        (one for _, one in record.measurements() if one.name == _RATE and one.where.get("recipe") == recipe), None
    )
    if rate is None or rate.interval is None:
        return "its attack success rate is not given"
    fell = sum(one.outcome == "succeeded" for one in rewrites)
    value, n, interval = rate.value, rate.n, rate.interval  # nothing fell: nothing fell to a valid rewrite
    if fell:
        if len(heard) < (least := min(FEWEST, fell)):
            return f"{len(heard)} of its {fell} rewrites that changed a decision were judged, and {least} are the least"
        people = _people([one for one, _ in heard], one_each=rate.n == sum(one.outcome in TRIED for one in rewrites))
        if people is None:
            return "people have several texts here and the record does not say which; audit again to have it say so"
        shares = np.array([one.kept for _, one in heard])
        rng = Streams(record.audit.seed).stream("interval", recipe, _VALID)
        kept = wilson(float(shares.sum()), len(shares)) if people.one_each else score_interval(shares, people, rng=rng)
        assert kept is not None  # there are rows
        share = float(shares.mean())
        value, n, interval = rate.value * share, people.size, product_interval(rate.value, rate.interval, share, kept)
    return Measurement(
        name=_VALID, value=value, unit="proportion", better="lower", n=n, interval=interval, where=rate.where
    )


def _people(rewrites: Sequence[Rewrite], *, one_each: bool) -> People | None:
    """Return whose the texts are; None where some have several and the record, an older one, does not say who."""
    codes = list(range(len(rewrites))) if one_each else [one.person for one in rewrites if one.person is not None]
    return People(np.array(codes, dtype=np.int64)) if len(codes) == len(rewrites) else None


def _told(recipe: str, fell: int, judged: Sequence[JudgedRewrite]) -> list[str]:
    """Return what was judged of one recipe, in sentences; nothing where nothing was."""
    if not judged:
        return []
    answers = [one.label_kept for each in judged for one in each.judgements]
    count = {answer: answers.count(answer) for answer in ("yes", "no", "unsure")}
    told = (
        f"{recipe}: people judged {len(judged)} of {fell} rewrites that changed a decision. Does it keep its label? "
        f"Yes {count['yes']}, no {count['no']}, unsure {count['unsure']} (counted as not kept)."
    )
    pairs = [pair for each in judged for pair in combinations((one.label_kept for one in each.judgements), 2)]
    if pairs:
        several = sum(len(each.judgements) > 1 for each in judged)
        told += (
            f" Several people judged {several} of them, whose share of yes counts: of {len(pairs)} pairs of their "
            f"answers {sum(a == b for a, b in pairs)} agree."
        )
    return [told]
