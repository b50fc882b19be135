"""One text and what must hold for the decision about it, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from workbench.evidence.decision import Decision
from workbench.evidence.schema import Stored
from workbench.models.protocols import Classifier, FloatArray

Kind = Literal["minimum functionality", "invariance", "directional"]
"""The decision is the label; the decision is that on the text before; the label's probability does not fall."""


class Case(Stored):
    """One text, and what must hold for the decision about it."""

    behaviour: str
    """The behavioural test, or the attack, that it comes from."""
    test: Kind
    text: str
    before: str | None = None
    """The text that it was made from."""
    label: str | None = None
    tolerance: float = Field(default=0.0, ge=0, le=1)
    """By how much the label's probability may fall."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.before is None and self.test != "minimum functionality":
            raise ValueError(f"{self.test} compares with a text before, and there is none")
        if self.label is None and self.test != "invariance":
            raise ValueError(f"{self.test} is about a label, and there is none")
        return self


class Answer(NamedTuple):
    """What a model makes of a case."""

    fails: bool
    decided: int
    """Column."""
    decided_before: int | None
    """None without a text before, as is the next."""
    probabilities: FloatArray
    """(n_labels,)"""
    probabilities_before: FloatArray | None


def ask(model: Classifier, cases: Sequence[Case], decision: Decision, positive: int) -> list[Answer]:
    """Return what `model` makes of every case, all texts in one request.

    Args:
        model: has every label that the cases are about.
        cases: what is asked.
        decision: how probabilities become a decision.
        positive: column of the positive label.
    """
    befores = [case.before for case in cases if case.before is not None]
    rows = model.predict_proba([*(case.text for case in cases), *befores])
    decided = decision.decide(rows, positive).tolist()
    answers = []
    at = len(cases)
    for i, case in enumerate(cases):
        before = None if case.before is None else at
        at += before is not None
        answers.append(
            Answer(
                _fails(case, model.labels, rows, decided, i, before),
                decided[i],
                None if before is None else decided[before],
                rows[i],
                None if before is None else rows[before],
            )
        )
    return answers


def _fails(
    case: Case, labels: tuple[str, ...], rows: FloatArray, decided: Sequence[int], after: int, before: int | None
) -> bool:
    """Return whether what must hold does not; `after` and `before` are rows."""
    column = None if case.label is None else labels.index(case.label)
    if case.test == "minimum functionality":
        return decided[after] != column
    assert before is not None  # a case is complete
    if case.test == "invariance":
        return decided[after] != decided[before]
    assert column is not None
    return bool(rows[after, column] < rows[before, column] - case.tolerance)
