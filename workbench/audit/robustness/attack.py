"""Attack a sample of examples and count how many decisions fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.probe import Item, Setting, probes
from workbench.audit.raised import raised
from workbench.audit.robustness.rates import rates
from workbench.audit.robustness.recipes import recipes
from workbench.audit.robustness.victim import Victim
from workbench.audit.robustness.words import words, words_changed
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import Misconfigured, MissingResource
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

MOST_WORDS = 12_000
"""Longer texts are not attacked: every query reads the whole text, and one could hold up the audit for minutes."""


@probes.register("robustness.attack@1")
@dataclass(frozen=True)
class AttackProbe:
    """Runs one recipe on a sample of examples drawn by hash of id from all examples, right and wrong."""

    recipe: str = "deepwordbug@1"
    examples: int = 30
    query_budget: int = 500
    """Texts scored per example at most."""

    name: ClassVar[str] = "robustness.attack@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        if self.examples < 1:
            raise Misconfigured(f"{self.name}: examples must be at least 1; got {self.examples}")
        if self.query_budget < 2:
            raise Misconfigured(f"{self.name}: query_budget must be at least 2; got {self.query_budget}")
        if self.recipe not in recipes:
            recipes[self.recipe]  # raises, naming what there is

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample. Not applicable, with the remedy, where the recipe lacks a resource."""
        try:
            recipes[self.recipe]().prepare()
        except MissingResource as error:
            return NotApplicable(reason=str(error))
        short = corpus.where(_attackable)
        if not len(short):
            return NotApplicable(reason=f"every text has more than {MOST_WORDS:,} words, too many to attack")
        return short.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return what the recipe made of `example`; a success counts only if the model confirms it on the full text."""
        victim = Victim(model, setting.decision, setting.positive(model.labels))
        label = model.labels.index(example.label)
        before = model.predict_proba([example.input])
        rewrite = Rewrite(
            example=example.id,
            recipe=self.recipe,
            outcome="skipped",
            label=example.label,
            original=example.input,
            rewritten=None,
            predicted_before=model.labels[victim.decide(before)],
            predicted_after=None,
            probability_before=float(before[0, label]),
            queries=0,
            words=len(words(example.input)),
        )
        if victim.decide(before) != label:
            return rewrite
        try:
            seed = setting.streams.seed("attack", self.recipe, example.id)
            found = recipes[self.recipe]().attack(victim, example.input, label, budget=self.query_budget, seed=seed)
        except MissingResource:
            raise  # no text's fault
        except Exception as error:  # noqa: BLE001 - a recipe may crash on a text in any way; the others are still attacked
            return rewrite.model_copy(update={"outcome": "failed", "error": raised(error)})
        if found.rewritten is None:
            outcome = "exhausted" if found.exhausted else "resisted"
            return rewrite.model_copy(update={"outcome": outcome, "queries": found.queries})
        after = model.predict_proba([found.rewritten])
        confirmed = victim.decide(after) != label
        return rewrite.model_copy(
            update={
                "outcome": "succeeded" if confirmed else "resisted",
                "rewritten": found.rewritten if confirmed else None,
                "predicted_after": model.labels[victim.decide(after)],
                "probability_after": float(after[0, label]),
                "queries": found.queries,
                "words_changed": words_changed(example.input, found.rewritten) if confirmed else None,
                "error": None if confirmed else "the search's success was not confirmed on the rewritten text",
            }
        )

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return rates over the sample, what they leave out, and every rewrite.

        Raises RuntimeError when the recipe crashed on every text that it tried.
        """
        found = [item for item in items if isinstance(item, Rewrite)]
        failed = [one for one in found if one.outcome == "failed"]
        if failed and not any(one.outcome in {"succeeded", "resisted", "exhausted"} for one in found):
            raise RuntimeError(f"{self.recipe} crashed on all {len(failed)} texts that it tried: {failed[0].error}")
        code = {example.id: int(person) for example, person in zip(corpus, corpus.people, strict=True)}
        people = People(np.array([code[one.example] for one in found], dtype=np.int64))
        measured, notes = rates(found, people, recipe=self.recipe, streams=setting.streams)
        notes += self._caveats(found)
        if long := sum(not _attackable(example) for example in corpus):
            notes += (f"{long} of {len(corpus)} texts have more than {MOST_WORDS:,} words and were not drawn from.",)
        return Measured(measurements=measured, exhibits=(*(Note(text=note) for note in notes), *found))

    def _caveats(self, found: Sequence[Rewrite]) -> tuple[str, ...]:
        caveats = [
            "A rewrite may have lost its original meaning, and then the changed decision is no mistake: "
            "have people read the rewrites before relying on the rates."
        ]
        limit = recipes[self.recipe]().words_edited(self.query_budget)
        if long := sum(one.words > limit for one in found):
            caveats.append(
                f"{long} of {len(found)} texts have more than {limit} words, and only the first {limit} could be "
                f"edited, because each text may cost {self.query_budget} queries (query_budget)."
            )
        return tuple(caveats)


def _attackable(example: Example) -> bool:
    return len(example.input.split()) <= MOST_WORDS
