"""Failing cases as a file, to be asked of the next model: what was once found must not come back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError

from workbench.audit.robustness.cases import Case, ask
from workbench.errors import BadInput, EmptyData, Misconfigured, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import FailingCases, JudgedRewrite, Rewrite
from workbench.evidence.record import AuditRecord
from workbench.evidence.schema import Stored
from workbench.models.protocols import Classifier


class Regressions(Stored):
    """Cases, and how decisions about them are made."""

    version: Literal[1] = 1
    model: str
    """Name of the model that failed."""
    model_digest: str
    decision: Decision
    positive_label: str
    cases: tuple[Case, ...] = Field(min_length=1)


class Collected(NamedTuple):
    """What a record holds for the next model."""

    held: Regressions
    left_out: int
    """Successful rewrites that people judged to have lost their label: another decision on them is no mistake."""
    cut: int
    """Failing cases of behaviours that the record counts and does not hold."""


class Asked(NamedTuple):
    """What another model makes of a case."""

    case: Case
    fails: bool
    decided: str
    probability: float
    """Of the label decided."""


def collect(record: AuditRecord) -> Collected:
    """Return every failing case and every successful rewrite that `record` holds, but for those without their label.

    A rewrite has lost its label where more of those who judged it (`workbench judgements`) answer no than yes; one that
    nobody judged, or nobody is sure of, stays. Raises `EmptyData` where nothing is left, `Misconfigured` for a redacted
    record.
    """
    if record.redacted:
        raise Misconfigured("this record is redacted, so no model can be asked about its texts; use the whole one")
    failing = [one for _, one in record.exhibits("failing_cases") if isinstance(one, FailingCases)]
    cases = [
        Case(
            behaviour=exhibit.behaviour,
            test=exhibit.test,
            text=case.text,
            before=case.before,
            label=case.label,
            tolerance=case.tolerance,
        )
        for exhibit in failing
        for case in exhibit.cases
    ]
    lost, left_out = _without_label(record), 0
    for _, one in record.exhibits("rewrite"):
        if not isinstance(one, Rewrite) or one.outcome != "succeeded" or one.rewritten is None:
            continue
        if (one.recipe, one.example) in lost:
            left_out += 1
            continue
        cases.append(
            Case(
                behaviour=f"attack {one.recipe}",
                test="minimum functionality",
                text=one.rewritten,
                before=one.original,
                label=one.label,
            )
        )
    if not cases:
        raise EmptyData(
            f"this audit holds no failing case, and people judged all of its {left_out} successful rewrites to have "
            "lost their label; there is nothing to save"
            if left_out
            else "this audit holds no failing case and no successful rewrite; there is nothing to save"
        )
    held = Regressions(
        model=record.model.name,
        model_digest=record.model.digest,
        decision=record.audit.decision,
        positive_label=record.audit.positive_label,
        cases=tuple(cases),
    )
    return Collected(held, left_out, cut=sum(one.total - len(one.cases) for one in failing))


def _without_label(record: AuditRecord) -> frozenset[tuple[str, str]]:
    """Return recipe and example of the rewrites that people judged to have lost their label."""
    answers = {
        (one.recipe, one.example): [each.label_kept for each in one.judgements]
        for _, one in record.exhibits("judged_rewrite")
        if isinstance(one, JudgedRewrite)
    }
    return frozenset(key for key, given in answers.items() if given.count("no") > given.count("yes"))


def read_regressions(path: str | Path) -> Regressions:
    """Return the cases in the file at `path`. Raises `NotFound`, `BadInput`; the message says what is wrong."""
    try:
        return Regressions.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(f"no file {str(path)!r}; make one with: workbench regress save REPORT --out {path}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"cannot read the cases in {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{path} is not a file of cases from `workbench regress save`: {place}: {first['msg']}"
        ) from None


def ask_again(model: Classifier, held: Regressions) -> tuple[Asked, ...]:
    """Return what `model` makes of every case, by the decision rule of the audit that found them.

    Raises `Misconfigured` where the model lacks a label that the cases are about, or cannot decide by that rule.
    """
    named = {held.positive_label, *(case.label for case in held.cases if case.label is not None)}
    if lacking := sorted(named - set(model.labels)):
        raise Misconfigured(f"the cases are about the label {lacking[0]!r}, and this model has {list(model.labels)}")
    if held.decision.threshold is not None and len(model.labels) != 2:
        raise Misconfigured(
            f"the cases are decided by a threshold on {held.positive_label!r}, which needs a model of two labels; this "
            f"one has {list(model.labels)}"
        )
    answers = ask(model, held.cases, held.decision, list(model.labels).index(held.positive_label))
    return tuple(
        Asked(case, answer.fails, model.labels[answer.decided], float(answer.probabilities[answer.decided]))
        for case, answer in zip(held.cases, answers, strict=True)
    )


def summary(asked: Sequence[Asked]) -> dict[str, tuple[int, int]]:
    """Return behaviour -> (cases that still fail, all its cases)."""
    found: dict[str, tuple[int, int]] = {}
    for one in asked:
        bad, n = found.get(one.case.behaviour, (0, 0))
        found[one.case.behaviour] = (bad + one.fails, n + 1)
    return found
