"""Explain a few decisions that are worth a look, and say which of the explanations do not add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.by_word import read_part
from workbench.audit.explanations.exemplars import Chosen, choose
from workbench.audit.explanations.explain import GAP_BOUND, explain, refusal
from workbench.audit.explanations.quality import first_reason
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import EmptyData, Misconfigured, Unsupported
from workbench.evidence.exhibits import ExplanationCheck, Note, TokenScores
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier
from workbench.text.words import words


@probes.register("explanations.attribution@1")
@dataclass(frozen=True)
class AttributionProbe:
    """Attributes the decided label's output on a sample of examples, at most one of each person."""

    attributor: str = "integrated_gradients@1"
    examples: int = 20
    gap_bound: float = GAP_BOUND
    """Relative completeness gap to reach, where the method has one."""

    name: ClassVar[str] = "explanations.attribution@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1)
        if not self.gap_bound > 0:
            raise Misconfigured(f"{self.name}: gap_bound must be above 0; got {self.gap_bound}")
        if self.attributor not in attributors:
            attributors[self.attributor]  # raises, naming what there is

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return examples of each kind (see `choose`), kind by kind.

        Not applicable where the method cannot explain this model: a gradient method, for one, a black box.
        """
        if reason := refusal(model, self.attributor):
            return NotApplicable(reason=reason)
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to explain")
        chosen = choose(
            corpus,
            model.predict_proba(corpus.inputs),
            setting.decision,
            setting.positive(corpus.labels),
            examples=self.examples,
            takes=lambda text: self._takes(model, text),
        )
        if not chosen:
            return NotApplicable(reason="the model reads no token of any text of the corpus")
        return chosen

    def _takes(self, model: Classifier, text: str) -> bool:
        """Return whether the method explains `text`: it has a word that is read, and no more words than it takes."""
        most = getattr(attributors[self.attributor], "most_words", None)
        found = words(read_part(model, text).text)
        return bool(found) and (most is None or len(found) <= most)

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return the explanation of `example`; without one where the method finds no word of its own kind."""
        positive = setting.positive(model.labels)
        try:
            scores = explain(
                model,
                example.input,
                method=self.attributor,
                gap_bound=self.gap_bound,
                decision=setting.decision,
                positive=positive,
                seed=setting.streams.seed("explain", self.attributor, example.id),
            )
        except (EmptyData, Unsupported) as error:
            decided = int(setting.decision.decide(model.predict_proba([example.input]), positive)[0])
            return ExplanationCheck(
                example=example.id,
                target=model.labels[decided],
                label=example.label,
                words=0,
                methods=(),
                absent={self.attributor: str(error)},
            )
        kind = example.chosen_as if isinstance(example, Chosen) else None
        return scores.model_copy(update={"example": example.id, "label": example.label, "chosen_as": kind})

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return every explanation. No figure: the texts were picked, so none would hold for the corpus."""
        found = [item for item in items if isinstance(item, TokenScores)]
        if not found:
            return NotApplicable(reason=f"no text chosen could be explained: {first_reason(items)}")
        gaps = [one.completeness_gap for one in found if one.completeness_gap is not None]
        notes = [self._choice(found)]
        if left := len(items) - len(found):
            notes.append(f"{left} of {len(items)} chosen could not be explained ({first_reason(items)}).")
        if open_gaps := sum(gap > self.gap_bound for gap in gaps):
            notes.append(
                f"{open_gaps} of {len(gaps)} explanations miss the completeness bound of {self.gap_bound:g}: "
                "their scores do not add up to what they explain, so read them with care."
            )
        if cut := sum(one.read is not None for one in found):
            notes.append(f"{cut} of {len(found)} texts are longer than the model reads; only the part read has scores.")
        return Measured(measurements=(), exhibits=(*(Note(text=note) for note in notes), *found))

    def _choice(self, found: Sequence[TokenScores]) -> str:
        wrong = sum(one.predicted != one.label for one in found)
        return (
            f"{len(found)} decisions are explained, {len(found) - wrong} right and {wrong} wrong: some of each kind "
            "that is worth a look, at most one of each person. They are examples, not a sample to take rates from."
        )
