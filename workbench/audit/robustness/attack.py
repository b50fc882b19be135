"""Attack a sample of examples and count how many decisions fall.

Where the model has a faster, approximate twin, the search runs on that. Whatever it finds is evidence only once the
model itself confirms it; what it did not find is searched again on the model itself for a random part of the texts, so
that the report can say how many successes the faster search misses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar

import numpy as np

from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.audit.raised import raised
from workbench.audit.robustness.budget import course
from workbench.audit.robustness.rates import rates
from workbench.audit.robustness.recipes import recipes
from workbench.audit.robustness.victim import OutOfTime, Timed, Victim
from workbench.audit.robustness.words import words, words_changed
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import Misconfigured, MissingResource, Unsupported, Untrusted
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.measurement import Measurement
from workbench.evidence.names import NAMES, SEEN
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, Differentiable, searcher
from workbench.models.sentences import similarity

MOST_WORDS = 12_000
"""Longer texts are not attacked: every query reads the whole text, and one could hold up the audit for minutes."""

LATE = "ended by the limit"
"""How the record says that a search was ended by the clock."""

AGAIN = "the search again in float32"
"""How the record begins to say that a repetition crashed."""

REPEATED_SHARE, REPEATED_LEAST = 0.1, 20
"""How many of the texts that resisted a search on the twin are searched again on the model itself."""


@probes.register("robustness.attack@1")
@dataclass(frozen=True)
class AttackProbe:
    """Runs one recipe on a sample of examples drawn by hash of id from all examples, right and wrong."""

    recipe: str = "deepwordbug@1"
    examples: int = 30
    query_budget: int = 500
    """Texts scored per example at most."""
    seconds: float | None = None
    """Longest that a search on one text may take, waiting for its turn included; None: as long as its queries last.
    Where this ends a search, another run may end it elsewhere."""

    name: ClassVar[str] = "robustness.attack@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, query_budget=2)
        if self.seconds is not None and not self.seconds > 0:
            raise Misconfigured(f"{self.name}: seconds must be more than 0; got {self.seconds:g}")
        if self.recipe not in recipes:
            recipes[self.recipe]  # raises, naming what there is

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample. Not applicable, with the remedy, where the recipe lacks a resource or gradients."""
        try:
            recipes[self.recipe]().prepare()
            if recipes[self.recipe].needs_gradients:
                require_gradients(model, self.recipe)
        except (MissingResource, Unsupported) as error:
            return NotApplicable(reason=str(error))
        short = corpus.where(_attackable)
        if not len(short):
            return NotApplicable(reason=f"every text has more than {MOST_WORDS:,} words, too many to attack")
        return short.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return what the recipe made of `example`; a success counts only if the model confirms it on the full text."""
        rewrite = self._before(model, example, setting)
        if rewrite.predicted_before != example.label:
            return rewrite
        # The twin's gradients would be those of another, coarser model: what follows gradients searches on the model.
        fast = model if recipes[self.recipe].needs_gradients else searcher(model)
        precision = str(getattr(getattr(fast, "model", fast), "precision", "float32"))
        victim = self._victim(fast, setting)
        if fast is not model and victim.decide(fast.predict_proba([example.input])) == model.labels.index(
            example.label
        ):
            found = self._search(model, victim, example, rewrite, setting)
            if not found.unconfirmed:
                return found.model_copy(update={"search_precision": precision})
            # With the whole budget: what stands is what a search in float32 alone would have found and cost.
            rewrite = rewrite.model_copy(update={"unconfirmed": True})
        return self._search(model, self._victim(model, setting), example, rewrite, setting)

    def repeats(self, items: Sequence[Item], setting: Setting) -> Sequence[int]:
        """Return a random tenth, and at least twenty, of those that resisted a search in another precision."""
        resisted = [
            (setting.streams.seed("repeat", self.recipe, one.example), i)
            for i, one in enumerate(items)
            if isinstance(one, Rewrite)
            and one.outcome in ("resisted", "exhausted")
            and one.search_precision != "float32"
        ]
        wanted = max(REPEATED_LEAST, ceil(REPEATED_SHARE * len(resisted)))
        return sorted(i for _, i in sorted(resisted)[:wanted])

    def again(self, model: Classifier, example: Example, item: Item, setting: Setting) -> Item:
        """Search again on the model itself: what that finds stands."""
        rewrite = self._before(model, example, setting)
        found = self._search(model, self._victim(model, setting), example, rewrite, setting)
        if found.outcome == "failed":  # tells nothing about the first search, which stands
            return item.model_copy(update={"error": f"{AGAIN} crashed: {found.error}"})
        return found.model_copy(update={"repeated": "missed" if found.outcome == "succeeded" else "agreed"})

    def _victim(self, model: Classifier, setting: Setting) -> Victim:
        rule = setting.decision, setting.positive(model.labels)
        return Victim(model, *rule) if self.seconds is None else Timed(model, *rule, seconds=self.seconds)

    def _before(self, model: Classifier, example: Example, setting: Setting) -> Rewrite:
        """Return the rewrite of `example` that says that nothing was attacked."""
        before = model.predict_proba([example.input])
        return Rewrite(
            example=example.id,
            recipe=self.recipe,
            outcome="skipped",
            label=example.label,
            original=example.input,
            rewritten=None,
            predicted_before=model.labels[self._victim(model, setting).decide(before)],
            predicted_after=None,
            probability_before=float(before[0, model.labels.index(example.label)]),
            queries=0,
            words=len(words(example.input)),
        )

    def _search(
        self, model: Classifier, victim: Victim, example: Example, rewrite: Rewrite, setting: Setting
    ) -> Rewrite:
        """Search on `victim` and return `rewrite` with what came of it, confirmed by `model`."""
        label = model.labels.index(example.label)
        try:
            seed = setting.streams.seed("attack", self.recipe, example.id)
            found = recipes[self.recipe]().attack(victim, example.input, label, budget=self.query_budget, seed=seed)
        except MissingResource:
            raise  # no text's fault
        except OutOfTime:
            assert isinstance(victim, Timed), "nobody else is in a hurry"
            return rewrite.model_copy(
                update={
                    "outcome": "exhausted",
                    "queries": victim.queries,
                    "error": f"{LATE} of {self.seconds:g} seconds",
                }
            )
        except Exception as error:  # noqa: BLE001 - a recipe may crash on a text in any way; the others are still attacked
            return rewrite.model_copy(update={"outcome": "failed", "error": raised(error)})
        if found.rewritten is None:
            outcome = "exhausted" if found.exhausted else "resisted"
            return rewrite.model_copy(update={"outcome": outcome, "queries": found.queries})
        after = model.predict_proba([found.rewritten])
        decided = self._victim(model, setting).decide(after)
        if decided == label:
            own = victim.model is model
            return rewrite.model_copy(
                update={
                    "outcome": "resisted",
                    "predicted_after": model.labels[decided],
                    "probability_after": float(after[0, label]),
                    "queries": found.queries,
                    "unconfirmed": rewrite.unconfirmed or not own,
                    "error": "the search's success was not confirmed on the rewritten text" if own else None,
                }
            )
        if broken := recipes[self.recipe]().broken(example.input, found.rewritten):
            return rewrite.model_copy(
                update={
                    "outcome": "failed",
                    "error": f"the recipe broke its own rule: {broken}",
                    "queries": found.queries,
                }
            )
        return rewrite.model_copy(
            update={
                "outcome": "succeeded",
                "rewritten": found.rewritten,
                "predicted_after": model.labels[decided],
                "probability_after": float(after[0, label]),
                "queries": found.queries,
                "words_changed": words_changed(example.input, found.rewritten),
                "similarity": _similarity(example.input, found.rewritten),
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
        found = [one.model_copy(update={"person": corpus.owners[one.example]}) for one in found]
        people = People(np.array([corpus.owners[one.example] for one in found], dtype=np.int64))
        recipe, budget, streams, only = self.recipe, self.query_budget, setting.streams, setting.only_decision
        measured, notes = rates(found, people, recipe=recipe, budget=budget, streams=streams, only=only)
        more, shown = course(found, people, recipe=recipe, budget=budget, streams=streams, only=only)
        notes += self._caveats(found)
        if long := sum(not _attackable(example) for example in corpus):
            notes += (f"{long} of {len(corpus)} texts have more than {MOST_WORDS:,} words and were not drawn from.",)
        told = (*(Note(text=note) for note in notes), *shown)
        return Measured(measurements=self._marked((*measured, *more), setting), exhibits=(*told, *found))

    def _marked(self, measured: Sequence[Measurement], setting: Setting) -> tuple[Measurement, ...]:
        """Say of every figure of a hardened model whether its training saw edits of this family."""
        if setting.seen is None:
            return tuple(measured)
        mark = {SEEN: "yes" if recipes[self.recipe].family in setting.seen else "no"}
        return tuple(
            one.model_copy(update={"where": {**one.where, **mark}}) if SEEN in NAMES[one.name].qualifiers else one
            for one in measured
        )

    def uses(self) -> Mapping[str, str]:
        """Return what its results depend on beside its parameters: see `Attack.uses`."""
        return recipes[self.recipe]().uses()

    def _caveats(self, found: Sequence[Rewrite]) -> tuple[str, ...]:
        caveats = [
            "A rewrite may have lost its original meaning, and then the changed decision is no mistake: "
            "have people read the rewrites before relying on the rates (workbench judgements)."
        ]
        caveats += [f"Used: the {name} (sha256 {digest})." for name, digest in self.uses().items()]
        if late := sum((one.error or "").startswith(LATE) for one in found):
            caveats.append(
                f"{late} of {len(found)} searches were ended by the limit of {self.seconds:g} seconds a text; a slower "
                "or busier machine ends more, so these figures cannot be repeated exactly."
            )
        if crashed := sum((one.error or "").startswith(AGAIN) for one in found):
            caveats.append(f"{crashed} searches crashed when repeated in float32; what they found first stands.")
        limit = recipes[self.recipe]().words_edited(self.query_budget)
        if long := sum(one.words > limit for one in found):
            caveats.append(
                f"{long} of {len(found)} texts have more than {limit} words, and only the first {limit} could be "
                f"edited, because each text may cost {self.query_budget} queries (query_budget)."
            )
        return tuple(caveats)


def require_gradients(model: Classifier, recipe: str) -> None:
    """Raise `Unsupported` for a model without gradients at its input embeddings."""
    if not isinstance(model, Differentiable):
        raise Unsupported(
            f"the attack {recipe} follows the model's gradients, which this model does not offer; use one that asks "
            "for answers only, e.g. textfooler_glove@1"
        )
    getattr(getattr(model, "model", model), "require_embeddings", lambda: None)()


def _similarity(before: str, after: str) -> float | None:
    """Return how alike the texts are to the default sentence encoder; None where that is not at hand."""
    try:
        return float(similarity([before], [after])[0])
    except (MissingResource, Untrusted):
        return None


def _attackable(example: Example) -> bool:
    return len(example.input.split()) <= MOST_WORDS
