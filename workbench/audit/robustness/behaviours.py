"""Run a suite of behavioural tests: what must hold for every text, whatever the accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.probe import Setting, probes, require_at_least
from workbench.audit.robustness.suite import SHIPPED, Behaviour, Suite, read_suite
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import FailingCase, FailingCases, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray

KEPT = 50
"""Failing cases of one behaviour that stay in the record."""


@dataclass(frozen=True)
class Case:
    """One text, and what must hold for the decision about it."""

    behaviour: Behaviour
    unit: int
    """Person whose text it is, or template that it is made from."""
    text: str
    before: str | None
    """The text that it was made from."""
    example: str = ""


@probes.register("robustness.behaviours@1")
@dataclass(frozen=True)
class Behaviours:
    """Rewrites a sample of examples, drawn by hash of id, fills templates, and counts what does not hold."""

    suite: str = "english"
    """A shipped suite, or a TOML file."""
    examples: int = 100
    templates: int = 60
    """Texts from the templates of one test at most."""

    name: ClassVar[str] = "robustness.behaviours@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, templates=1)
        read_suite(self.suite)  # raises

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return each behaviour's failure rate over its cases. All texts go to the model in one request."""
        suite = read_suite(self.suite)
        cases, notes = self._cases(suite, model, corpus, setting)
        if not cases:
            return NotApplicable(reason=f"the suite {suite.name} has no test for this model's labels and these texts")
        asked = [*(case.text for case in cases), *(case.before for case in cases if case.before is not None)]
        answers = model.predict_proba(asked)
        after = answers[: len(cases)]
        before = np.full_like(after, np.nan)
        before[[case.before is not None for case in cases]] = answers[len(cases) :]
        verdict = _Judge(model, setting)
        measurements: list[Measurement] = []
        exhibits: list[FailingCases | Note] = []
        # A suite of one's own may use the ids of the shipped one.
        prefix = "" if (SHIPPED / f"{self.suite}.toml").is_file() else f"{suite.name}: "
        for behaviour in suite.tests:
            held = [i for i, case in enumerate(cases) if case.behaviour is behaviour]
            if not held:
                continue
            fails = np.array([verdict.fails(cases[i], before[i], after[i]) for i in held], dtype=bool)
            people = People(np.array([cases[i].unit for i in held], dtype=np.int64))
            if behaviour.templates:  # a few templates are too few to resample; their texts are taken as they come
                people = People(np.arange(len(held), dtype=np.int64))
            rng = setting.streams.stream("interval", self.name, behaviour.id)
            interval = proportion_interval(fails, people, rng=rng)
            assert interval is not None  # there are cases
            measurements.append(
                Measurement(
                    name="robustness.failure_rate",
                    value=float(fails.mean()),
                    unit="proportion",
                    better="lower",
                    n=people.size,
                    interval=interval,
                    where={"behaviour": prefix + behaviour.id},
                )
            )
            failing = [i for i, fail in zip(held, fails, strict=True) if fail]
            if failing:
                exhibits.append(
                    FailingCases(
                        behaviour=prefix + behaviour.id,
                        test=behaviour.kind,
                        cases=tuple(verdict.shown(cases[i], before[i], after[i]) for i in failing[:KEPT]),
                        total=len(failing),
                        of=len(held),
                    )
                )
        notes.append(
            f"Suite {suite.name}: {suite.description} Failure rates count changed decisions, right or wrong before. "
            "Texts filled from a few templates are alike, so the intervals of minimum functionality tests are too "
            "narrow: they say how the model does on such sentences, not on all. Read the cases."
        )
        return Measured(measurements=tuple(measurements), exhibits=(*exhibits, *(Note(text=note) for note in notes)))

    def _cases(self, suite: Suite, model: Classifier, corpus: Corpus, setting: Setting) -> tuple[list[Case], list[str]]:
        drawn = corpus.sample(self.examples).canonical()
        cases: list[Case] = []
        notes: list[str] = []
        foreign: dict[str, list[str]] = {}
        for behaviour in suite.tests:
            if behaviour.label is not None and behaviour.label not in model.labels:
                foreign.setdefault(behaviour.label, []).append(behaviour.id)
                continue
            if behaviour.templates:
                rng = setting.streams.stream("templates", behaviour.id)
                cases += [
                    Case(behaviour, number, text, None)
                    for number, text in suite.texts(behaviour, most=self.templates, rng=rng)
                ]
                continue
            made = [
                Case(behaviour, int(person), text, one.input, one.id)
                for one, person in zip(drawn, drawn.people, strict=True)
                if (text := suite.rewritten(behaviour, one.input, setting.streams.stream(behaviour.id, one.id)))
                != one.input
            ]
            if not made:
                notes.append(f"Not measured: {behaviour.id}: it changed none of the texts drawn.")
            cases += made
        notes += [
            f"Left out, because the model has no label {label!r}: {', '.join(ids)}." for label, ids in foreign.items()
        ]
        return cases, notes


class _Judge:
    """Says of a case whether it fails, by the audit's decision rule."""

    def __init__(self, model: Classifier, setting: Setting) -> None:
        self._labels, self._decision = model.labels, setting.decision
        self._positive = setting.positive(model.labels)

    def fails(self, case: Case, before: FloatArray, after: FloatArray) -> bool:
        """Return whether what must hold does not."""
        behaviour = case.behaviour
        return fails(
            behaviour.kind,
            None if behaviour.label is None else self._labels.index(behaviour.label),
            behaviour.tolerance,
            self._decided(before) if case.before is not None else None,
            self._decided(after),
            before,
            after,
        )

    def shown(self, case: Case, before: FloatArray, after: FloatArray) -> FailingCase:
        """Return the case for a reader."""
        decided = self._decided(after)
        watched = decided if case.behaviour.label is None else self._labels.index(case.behaviour.label)
        return FailingCase(
            example=case.example,
            text=case.text,
            before=case.before,
            label=case.behaviour.label,
            tolerance=case.behaviour.tolerance,
            decided_before=None if case.before is None else self._labels[self._decided(before)],
            decided=self._labels[decided],
            watched=self._labels[watched],
            probability_before=None if case.before is None else float(before[watched]),
            probability=float(after[watched]),
        )

    def _decided(self, row: FloatArray) -> int:
        return int(self._decision.decide(row[None], self._positive)[0])


def fails(
    kind: str,
    label: int | None,
    tolerance: float,
    decided_before: int | None,
    decided: int,
    before: FloatArray,
    after: FloatArray,
) -> bool:
    """Return whether a case fails: another decision than `label`; than before; or a probability that fell too far."""
    if kind == "minimum functionality":
        return decided != label
    if kind == "invariance":
        return decided != decided_before
    assert label is not None
    return bool(after[label] < before[label] - tolerance)
