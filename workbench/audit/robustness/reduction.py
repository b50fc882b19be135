"""Input reduction: how many words of a text may go before the decision changes, and how sure the model stays.

A model that decides as before, and confidently, when a text is reduced to a word or two that say nothing to a person
does not decide by what the text says. Feng et al. 2018, "Pathologies of Neural Models Make Interpretations Difficult".
It is no attack: the decision stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.adapters.textattack import require_textattack
from workbench.adapters.textattack_reduction import reduce
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.audit.raised import raised
from workbench.audit.robustness.rules import tokens
from workbench.audit.robustness.victim import Victim
from workbench.audit.robustness.words import words
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import MissingResource
from workbench.evidence.bootstrap import People, score_interval
from workbench.evidence.exhibits import Note, Reduction
from workbench.evidence.measurement import Better, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray

RECIPE = "input_reduction@1"


@probes.register("robustness.input_reduction@1")
@dataclass(frozen=True)
class InputReduction:
    """Reduces a sample of texts, drawn by hash of id from all with two words or more, decided rightly or wrongly."""

    examples: int = 30
    query_budget: int = 500
    """Texts scored per example at most. A reduction takes two a word: longer texts are not drawn."""

    name: ClassVar[str] = "robustness.input_reduction@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, query_budget=5)

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample. Not applicable, with the remedy, where TextAttack is missing or every text is too long."""
        try:
            require_textattack()
        except MissingResource as error:
            return NotApplicable(reason=str(error))
        fitting = corpus.where(lambda one: 2 <= len(words(one.input)) <= self._most)
        if not len(fitting):
            return NotApplicable(
                reason=f"no text has between 2 and {self._most:,} words, as many as can be tried with query_budget "
                f"{self.query_budget}"
            )
        return fitting.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return what is left of `example`; the decision on that is asked for again."""
        victim = Victim(model, setting.decision, setting.positive(model.labels))
        before = model.predict_proba([example.input])
        decided = victim.decide(before)
        found = Reduction(
            example=example.id,
            outcome="failed",
            label=example.label,
            decided=model.labels[decided],
            original=example.input,
            reduced=None,
            words=len(words(example.input)),
            words_left=None,
            probability_before=float(before[0, decided]),
            probability_after=None,
            queries=0,
        )
        try:
            seed = setting.streams.seed("reduction", example.id)
            made = reduce(victim.scores, example.input, decided, budget=self.query_budget, seed=seed)
        except MissingResource:
            raise  # no text's fault
        except Exception as error:  # noqa: BLE001 - it may crash on a text in any way; the others are still reduced
            return found.model_copy(update={"error": raised(error)})
        after = model.predict_proba([made.text])
        if victim.decide(after) != decided or not _within(made.text, example.input):
            return found.model_copy(
                update={"queries": made.queries, "error": "it is decided otherwise, or is more than words taken away"}
            )
        return found.model_copy(
            update={
                "outcome": "exhausted" if made.exhausted else "reduced",
                "reduced": made.text,
                "words_left": len(words(made.text)),
                "probability_after": float(after[0, decided]),
                "queries": made.queries,
            }
        )

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the mean share of words left and the mean confidence on them, and every reduced text.

        Raises RuntimeError when it crashed on every text.
        """
        found = [item for item in items if isinstance(item, Reduction)]
        done = [one for one in found if one.outcome == "reduced"]
        if found and all(one.outcome == "failed" for one in found):
            raise RuntimeError(f"input reduction crashed on all {len(found)} texts: {found[0].error}")
        people = People(np.array([corpus.owners[one.example] for one in done], dtype=np.int64))
        left = np.array([(one.words_left or 0) / one.words for one in done], dtype=np.float64)
        sure = np.array([one.probability_after for one in done], dtype=np.float64)
        measured = [
            *self._mean("words_left_mean", left, "higher", people, setting),
            *self._mean("reduced_confidence_mean", sure, "lower", people, setting),
        ]
        notes = self._notes(found, corpus)
        if not measured:
            notes.append("Means are not given: no text was reduced.")
        return Measured(measurements=tuple(measured), exhibits=(*(Note(text=note) for note in notes), *found))

    def _mean(
        self, metric: str, values: FloatArray, better: Better, people: People, setting: Setting
    ) -> Iterator[Measurement]:
        """Yield the mean of numbers in [0, 1]; nothing without any."""
        interval = score_interval(values, people, rng=setting.streams.stream("interval", self.name, metric))
        if interval is not None:
            yield Measurement(
                name=f"robustness.{metric}",
                value=min(max(float(values.mean()), interval.low), interval.high),
                unit="score",
                better=better,
                n=people.size,
                interval=interval,
                where={"recipe": RECIPE},
            )

    def _notes(self, found: Sequence[Reduction], corpus: Corpus) -> list[str]:
        count: Counter[str] = Counter(one.outcome for one in found)
        apart = [
            f"{count[outcome]} {what}"
            for outcome, what in (
                ("exhausted", "took more queries than the budget holds"),
                ("failed", "could not be reduced because the reduction itself crashed"),
            )
            if count[outcome]
        ]
        notes = [
            f"Input reduction: of {len(found)} texts drawn by hash of their id, {count['reduced']} were reduced until "
            "no further word that was tried could go without changing the decision"
            + (f"; {', and '.join(apart)}: these are in no mean." if apart else ".")
            + " Words are tried once each, the least telling first; fewer might do. Read what is left: where a person "
            "would decide as surely, little is wrong."
        ]
        if other := sum(not 2 <= len(words(example.input)) <= self._most for example in corpus):
            notes.append(
                f"{other} of {len(corpus)} texts have fewer than 2 words, or more than the {self._most:,} that the "
                f"query_budget of {self.query_budget} is enough for, and were not drawn from."
            )
        return notes

    @property
    def _most(self) -> int:
        """Words that can be ranked and tried within the budget, with the text itself."""
        return (self.query_budget - 2) // 2


def _within(reduced: str, text: str) -> bool:
    """Return whether `reduced` has no word that is not in `text`, in their order."""
    rest = iter(tokens(text))
    return all(word in rest for word in tokens(reduced))
