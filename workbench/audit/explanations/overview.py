"""Over many texts: which words push towards which decision, and on which single words do decisions hang?

A word that flips many decisions when it is taken away is a possible shortcut: the model may have learned the word
instead of what it was to stand for. Whether it is one, only a person can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.audit.explanations.by_word import read_part
from workbench.audit.explanations.explain import explain, full_name, refusal
from workbench.audit.explanations.faithfulness import leave_one_out
from workbench.audit.explanations.proxies import group_words
from workbench.audit.explanations.word_tables import LONGEST, Tables
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import EmptyData, Unsupported
from workbench.evidence.exhibits import GroupWords, Note, WordEffect, WordEffects, WordTable
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier


@probes.register("explanations.overview@1")
@dataclass(frozen=True)
class OverviewProbe:
    """Explains a sample of examples, drawn by hash of id, and takes each word of each of them away."""

    attributor: str = "integrated_gradients@1"
    examples: int = 30
    least: int = 3
    """Texts of different people that a word must be in."""

    name: ClassVar[str] = "explanations.overview@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, least=2)
        object.__setattr__(self, "attributor", full_name(self.attributor))

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample. Not applicable where the method cannot explain this model."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to explain")
        if reason := refusal(model, self.attributor):
            return NotApplicable(reason=reason)
        return corpus.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return every word of `example` with its contribution to the decision and whether that hangs on it."""
        positive = setting.positive(model.labels)
        decided = int(setting.decision.decide(model.predict_proba([example.input]), positive)[0])
        effects: tuple[WordEffect, ...] = ()
        try:
            found = explain(
                model,
                example.input,
                target=model.labels[decided],
                method=self.attributor,
                seed=setting.streams.seed("overview", self.attributor, example.id),
            )
        except (EmptyData, Unsupported):
            found = None  # no word that the model reads, or too many words for the method
        if found is not None and found.words:
            part = read_part(model, example.input)
            fewer = leave_one_out(part.text, part.words(found.words))
            without = setting.decision.decide(model.predict_proba(fewer), positive)
            effects = tuple(
                WordEffect(start=word.start, stop=word.stop, score=word.score, flips=bool(other != decided))
                for word, other in zip(found.words, without, strict=True)
            )
        return WordEffects(
            example=example.id,
            text=example.input,
            target=model.labels[decided],
            label=example.label,
            output="" if found is None else found.output,
            words=effects,
        )

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return tables of words and phrases: see `workbench.audit.explanations.word_tables`."""
        found = [item for item in items if isinstance(item, WordEffects) and item.words]
        if not found:
            return NotApplicable(reason="no text drawn could be explained")
        made = Tables(
            found,
            corpus,
            method=self.attributor,
            probe=self.name,
            least=self.least,
            streams=setting.streams,
        )
        tables: list[WordTable | GroupWords] = list(made.all())
        telling = group_words(found, corpus, method=self.attributor, least=self.least, streams=setting.streams)
        if telling is not None:
            tables.append(telling)
        note = (
            f"{len(found)} of {len(items)} texts drawn by hash of their id have words that could be explained; each of "
            "these words was taken away in turn. "
            f"Words and phrases in fewer than {self.least} people's texts are left out. The tables hold the "
            "largest of many, so some are large by chance, and each interval is that of a word alone: it does not "
            "allow for the choice. Look for words that should not matter."
        )
        notes = [note, made.hinges()]
        if not any(isinstance(table, WordTable) and table.by == "phrases" for table in tables):
            notes.append(
                f"No phrase of 2 to {LONGEST} words that {self.least} people or more use where one label was decided "
                "pushes towards it with a tenth or more by either end."
            )
        return Measured(measurements=(), exhibits=(*(Note(text=one) for one in notes), *tables))
