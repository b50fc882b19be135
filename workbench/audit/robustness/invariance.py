"""Write texts otherwise without changing what they say, and count how many decisions change.

The invariance tests of Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList". All
variants of all texts go to the model in one request, so its engine fills its batches with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import Case, Cases, Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier
from workbench.text.words import words

SHOWN = 5
"""Changed decisions shown of one behaviour."""
_LETTERS = 4
"""Letters that a word must have for two inner ones to change places."""


@probes.register("robustness.invariance@1")
@dataclass(frozen=True)
class Invariance:
    """Rewrites a sample of examples, drawn by hash of id, in each of the ways of `BEHAVIOURS`."""

    examples: int = 100

    name: ClassVar[str] = "robustness.invariance@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return, for each behaviour, the share of the texts it changed whose decision it changed too."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to rewrite")
        drawn = corpus.sample(self.examples).canonical()
        rng = {one.id: setting.streams.stream("invariance", one.id) for one in drawn}
        variants = {
            behaviour: [change(one.input, rng[one.id]) for one in drawn] for behaviour, change in BEHAVIOURS.items()
        }
        asked = [*drawn.inputs, *(text for texts in variants.values() for text in texts)]
        probabilities = model.predict_proba(asked).reshape(1 + len(variants), len(drawn), -1)
        positive = setting.positive(model.labels)
        before = setting.decision.decide(probabilities[0], positive)
        measurements: list[Measurement] = []
        exhibits: list[Note | Cases] = []
        for (behaviour, texts), after in zip(variants.items(), probabilities[1:], strict=True):
            decided = setting.decision.decide(after, positive)
            written = np.array([text != one.input for text, one in zip(texts, drawn, strict=True)], dtype=bool)
            flipped = written & (decided != before)
            people = People(drawn.people).among(written)
            interval = proportion_interval(
                flipped[written], people, rng=setting.streams.stream("interval", self.name, behaviour)
            )
            if interval is None:
                exhibits.append(Note(text=f"Not measured: {behaviour}: it changed none of the texts drawn."))
                continue
            measurements.append(
                Measurement(
                    name="robustness.failure_rate",
                    value=float(flipped[written].mean()),
                    unit="proportion",
                    better="lower",
                    n=people.size,
                    interval=interval,
                    where={"behaviour": behaviour},
                )
            )
            if flipped.any():
                exhibits.append(
                    Cases(
                        title=f"Decisions changed by {behaviour}",
                        cases=tuple(
                            Case(
                                example=drawn[int(i)].id,
                                text=texts[i],
                                label=drawn[int(i)].label,
                                predicted=model.labels[decided[i]],
                                probability=float(after[i, decided[i]]),
                                groups=dict(drawn[int(i)].groups),
                            )
                            for i in np.flatnonzero(flipped)[:SHOWN]
                        ),
                        total=int(flipped.sum()),
                    )
                )
        if not measurements:
            return NotApplicable(reason="no text drawn has a letter that could be written otherwise")
        exhibits.append(
            Note(
                text="Behaviour failure rates count changed decisions, right or wrong before: each rewriting is "
                "meant to leave the meaning as it is, so none should change one. Read the cases."
            )
        )
        return Measured(measurements=tuple(measurements), exhibits=tuple(exhibits))


def _one_typo(text: str, rng: np.random.Generator) -> str:
    """Return `text` with two neighbouring inner letters of one word in each other's place."""
    places = [
        word.start + i
        for word in words(text)
        if len(word.text) >= _LETTERS and word.text.isalpha()
        for i in range(1, len(word.text) - 2)
        if word.text[i] != word.text[i + 1]
    ]
    if not places:
        return text
    i = int(rng.choice(places))
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


BEHAVIOURS: Mapping[str, Callable[[str, np.random.Generator], str]] = MappingProxyType(
    {
        "capitals only": lambda text, rng: text.upper(),
        "small letters only": lambda text, rng: text.lower(),
        "no final punctuation": lambda text, rng: text.rstrip(".!?… \t\n") or text,
        "two spaces between words": lambda text, rng: text.replace(" ", "  "),
        "one typo": _one_typo,
    }
)
"""What must not change a decision, and how a text is rewritten so. It returns the text as it is where it cannot."""
