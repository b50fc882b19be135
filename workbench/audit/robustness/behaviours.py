"""Run a suite of behavioural tests: what must hold for every text, whatever the accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from workbench.audit.probe import UNRECORDED, Setting, probes, require_at_least
from workbench.audit.robustness.cases import Answer, Case, Kind, ask
from workbench.audit.robustness.suite import Behaviour, Suite, SuiteFile, read_suite
from workbench.data.corpus import Corpus, Task
from workbench.errors import Misconfigured
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import FailingCase, FailingCases, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

KEPT = 50
"""Failing cases of one behaviour that stay in the record."""


class _Made(NamedTuple):
    """A case of a behaviour, and whose text it was made from."""

    behaviour: Behaviour
    case: Case
    example: str = ""
    person: int | None = None


@probes.register("robustness.behaviours@1")
@dataclass(frozen=True)
class Behaviours:
    """Rewrites a sample of examples, drawn by hash of id, fills templates, and counts what does not hold.

    The suite is read once, when the probe is made. Of a file of one's own the probe keeps name and digest, not the
    place: whoever has the file makes the same probe from it again, and no other file will do.
    """

    suite: str = "english"
    """A shipped suite, or a TOML file; of a file its own name, once it has been read."""
    examples: int = 100
    templates: int = 60
    """Texts from the templates of one test at most."""
    sha256: str = ""
    """Of the suite's file; '' for whatever is read."""
    file: SuiteFile | None = field(default=None, repr=False, compare=False, metadata=UNRECORDED)
    """What was read."""

    name: ClassVar[str] = "robustness.behaviours@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, templates=1)
        read = self.file or read_suite(self.suite)
        if self.sha256 not in ("", read.sha256):
            raise Misconfigured(
                f"{self.name}: the suite {self.suite} with sha256 {self.sha256:.12}… is asked for, and this one has "
                f"{read.sha256:.12}…; find the file that was used, or leave the digest out"
            )
        object.__setattr__(self, "file", read)
        object.__setattr__(self, "sha256", read.sha256)
        if not read.shipped:
            object.__setattr__(self, "suite", read.suite.name)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return each behaviour's failure rate over its cases. All texts go to the model in one request."""
        suite = self._read.suite
        made, notes = self._cases(suite, model, corpus, setting)
        if not made:
            return NotApplicable(reason=f"the suite {suite.name} has no test for this model's labels and these texts")
        positive = setting.positive(model.labels)
        answers = ask(model, [one.case for one in made], setting.decision, positive)
        measurements: list[Measurement] = []
        exhibits: list[FailingCases | Note] = []
        unmoved: list[str] = []
        for behaviour in suite.tests:
            held = [(one, answer) for one, answer in zip(made, answers, strict=True) if one.behaviour is behaviour]
            if not held:
                continue
            name, kind = held[0][0].case.behaviour, behaviour.kind
            fails = np.array([answer.fails for _, answer in held], dtype=bool)
            if setting.only_decision is not None and not fails.any() and _says_nothing(kind, held):
                unmoved.append(name)
                continue
            # A few templates are too few to resample; their texts are taken as they come.
            codes = [i if one.person is None else one.person for i, (one, _) in enumerate(held)]
            people = People(np.array(codes, dtype=np.int64))
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
                    where={"behaviour": name},
                )
            )
            failing = [_shown(one, answer, model.labels) for one, answer in held if answer.fails]
            if failing:
                exhibits.append(
                    FailingCases(
                        behaviour=name, test=kind, cases=tuple(failing[:KEPT]), total=len(failing), of=len(held)
                    )
                )
        if unmoved:
            notes.append(
                f"failure_rate is not given for {', '.join(unmoved)}: the model decides every text of the data as "
                f"'{setting.only_decision}', so a decision that stays says nothing about robustness."
            )
        notes.append(
            f"Suite {suite.name}: {suite.description} Failure rates count changed decisions, right or wrong before. "
            "Texts filled from a few templates are alike, so the intervals of minimum functionality tests are too "
            "narrow: they say how the model does on such sentences, not on all. Read the cases."
        )
        return Measured(measurements=tuple(measurements), exhibits=(*exhibits, *(Note(text=note) for note in notes)))

    @property
    def _read(self) -> SuiteFile:
        assert self.file is not None  # __post_init__ saw to it
        return self.file

    def _cases(
        self, suite: Suite, model: Classifier, corpus: Corpus, setting: Setting
    ) -> tuple[list[_Made], list[str]]:
        drawn = corpus.sample(self.examples).canonical()
        # A suite of one's own may use the ids of the shipped one.
        prefix = "" if self._read.shipped else f"{suite.name}: "
        cases: list[_Made] = []
        unchanged: list[str] = []
        foreign: dict[str, list[str]] = {}
        for behaviour in suite.tests:
            if behaviour.label is not None and behaviour.label not in model.labels:
                foreign.setdefault(behaviour.label, []).append(prefix + behaviour.id)
                continue

            def case(text: str, before: str | None = None, behaviour: Behaviour = behaviour) -> Case:
                return Case(
                    behaviour=prefix + behaviour.id,
                    test=behaviour.kind,
                    text=text,
                    before=before,
                    label=behaviour.label,
                    tolerance=behaviour.tolerance,
                )

            if behaviour.templates:
                rng = setting.streams.stream("templates", behaviour.id)
                texts = suite.texts(behaviour, most=self.templates, rng=rng)
                cases += [_Made(behaviour, case(text)) for text in texts]
                continue
            made = [
                _Made(behaviour, case(text, one.input), one.id, drawn.owners[one.id])
                for one in drawn
                if (text := suite.rewritten(behaviour, one.input, setting.streams.stream(behaviour.id, one.id)))
                != one.input
            ]
            if not made:
                unchanged.append(prefix + behaviour.id)
            cases += made
        notes = [
            f"failure_rate does not apply to {', '.join(ids)}: the model has no label {label!r}."
            for label, ids in foreign.items()
        ]
        if unchanged:
            notes.append(f"failure_rate does not apply to {', '.join(unchanged)}: none of the texts drawn is changed.")
        return cases, notes


def _says_nothing(kind: Kind, held: Sequence[tuple[_Made, Answer]]) -> bool:
    """Return whether any model that knows one decision only would pass these cases, because nothing need move."""
    if kind == "directional":
        return all(
            answer.probabilities_before is not None
            and np.array_equal(answer.probabilities, answer.probabilities_before)
            for _, answer in held
        )
    return kind == "invariance"


def _shown(made: _Made, answer: Answer, labels: tuple[str, ...]) -> FailingCase:
    """Return a failing case for a reader."""
    case, before = made.case, answer.probabilities_before
    watched = answer.decided if case.label is None else labels.index(case.label)
    return FailingCase(
        example=made.example,
        text=case.text,
        before=case.before,
        label=case.label,
        tolerance=case.tolerance,
        decided_before=None if answer.decided_before is None else labels[answer.decided_before],
        decided=labels[answer.decided],
        watched=labels[watched],
        probability_before=None if before is None else float(before[watched]),
        probability=float(answer.probabilities[watched]),
    )
