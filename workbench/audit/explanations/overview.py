"""Over many texts: which words push towards which decision, and on which single words do decisions hang?

A word that flips many decisions when it is taken away is a possible shortcut: the model may have learned the word
instead of what it was to stand for. Whether it is one, only a person can say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.audit.explanations.by_word import read_part
from workbench.audit.explanations.explain import explain, full_name, refusal
from workbench.audit.explanations.faithfulness import leave_one_out
from workbench.audit.explanations.proxies import group_words, spread, weights_of
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import EmptyData, Unsupported
from workbench.evidence.bootstrap import proportion_interval
from workbench.evidence.exhibits import GroupWords, Note, WordEffect, WordEffects, WordRow, WordTable
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

SHOWN = 12
"""Words in a table."""


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
        """Return tables of words: by decision, and among wrong decisions."""
        found = [item for item in items if isinstance(item, WordEffects) and item.words]
        if not found:
            return NotApplicable(reason="no text drawn could be explained")
        tables: list[WordTable | GroupWords] = [
            table
            for wrong in (False, True)
            for target in corpus.labels
            if (table := self._table(found, corpus, target, wrong, setting)) is not None
        ]
        telling = group_words(found, corpus, method=self.attributor, least=self.least, streams=setting.streams)
        if telling is not None:
            tables.append(telling)
        note = (
            f"{len(found)} of {len(items)} texts drawn by hash of their id have words that could be explained; each of "
            "these words was taken away in turn. "
            f"Words in fewer than {self.least} people's texts are left out. The tables hold the largest of many words, "
            "so some are large by chance, and each interval is that of a word alone: it does not allow for the choice. "
            "Look for words that should not matter."
        )
        return Measured(measurements=(), exhibits=(Note(text=note), *tables))

    def _table(
        self, found: Sequence[WordEffects], corpus: Corpus, target: str, wrong: bool, setting: Setting
    ) -> WordTable | None:
        """Return the words that pushed most towards `target` where it was decided (where that was wrong)."""
        texts = [one for one in found if one.target == target and (one.label != target or not wrong)]
        rows = [row for row in self._rows(texts, corpus, target, wrong, setting) if row.mean > 0]
        if not rows:
            return None
        rows.sort(key=lambda row: (-row.mean, row.word))
        return WordTable(
            title=f"Words that push towards {target}" + (", where that was wrong" if wrong else ""),
            target=target,
            method=self.attributor,
            output=texts[0].output,
            texts=len(texts),
            least=self.least,
            rows=tuple(rows[:SHOWN]),
        )

    def _rows(
        self, texts: Sequence[WordEffects], corpus: Corpus, target: str, wrong: bool, setting: Setting
    ) -> Iterator[WordRow]:
        for form, weight in weights_of(texts, corpus, self.least).items():
            kind = "wrong" if wrong else "all"
            rng = setting.streams.stream("interval", self.name, target, kind, form)
            interval = spread(weight.scores, weight.people, rng)
            share = proportion_interval(weight.flips, weight.people, rng=rng, replicates=1000)
            if share is None or weight.idle:
                continue
            yield WordRow(
                word=form,
                n=len(weight.scores),
                mean=float(weight.scores.mean()),
                interval=interval,
                mean_absolute=float(weight.strengths.mean()),
                flips=int(weight.flips.sum()),
                flip_interval=share,
            )
