"""Does an explanation stay as it is where nothing that matters has changed?

Another seed; an edit without meaning; for methods that work from embeddings, embeddings moved a little (`sensitivity`,
Yeh et al. 2019, by Captum).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from workbench.adapters.captum_sensitivity import sensitivity_max
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.by_word import read_part
from workbench.audit.explanations.explain import explain, full_names
from workbench.audit.explanations.quality import Table, absences, first_reason, untold
from workbench.audit.explanations.ranks import spearman
from workbench.audit.explanations.view import moved
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import EmptyData, Unsupported
from workbench.evidence.exhibits import ExplanationCheck, MethodQuality, Note, TokenScores
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, Differentiable, FloatArray
from workbench.text.edits import two_spaces, without_final_punctuation

EDITS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "two spaces between words": two_spaces,
        "no final punctuation": without_final_punctuation,
        "no commas": lambda text: text.replace(",", ""),
    }
)
"""Edits that keep every word, so that scores can be compared word by word."""
SHARE = 0.05
"""Embeddings move by at most this share of their root mean square."""


@probes.register("explanations.stability@1")
@dataclass(frozen=True)
class StabilityProbe:
    """Explains a sample of examples, drawn by hash of id, with two seeds, after each of `EDITS`, and moved a little."""

    methods: tuple[str, ...] = ("integrated_gradients@1", "occlusion@1", "input_x_gradient_l2@1", "saliency@1")
    examples: int = 12
    moves: int = 10
    """Ways in which the embeddings of each text are moved; 0: in none, and sensitivity is not measured."""

    name: ClassVar[str] = "explanations.stability@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, moves=0)
        object.__setattr__(self, "methods", full_names(self.methods))

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to explain")
        return corpus.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return how alike each method's explanations of `example` are: across seeds, and across edits (their mean)."""
        whole = model.predict_proba([example.input])
        target = model.labels[int(setting.decision.decide(whole, setting.positive(model.labels))[0])]
        # An edit of the whole would let other words into the part that is read.
        own = read_part(model, example.input).text
        edited = [text for edit in EDITS.values() if _reads_otherwise(model, own, text := edit(own))]
        methods: list[MethodQuality] = []
        absent: dict[str, str] = {}
        n_words = 0
        for method in self.methods:
            seeds = [setting.streams.seed("stability", str(draw), method, example.id) for draw in (1, 2)]

            def words(text: str, seed: int, method: str = method) -> FloatArray:
                found: TokenScores = explain(model, text, target=target, method=method, seed=seed)
                return np.array([word.score for word in found.words])

            try:
                first = words(own, seeds[0])
                values: dict[str, float] = {}
                if getattr(attributors[method], "seeded", False):
                    again = spearman(first, words(own, seeds[1]))
                    values |= {} if again is None else {"seed_stability": again}
                alike = [found for text in edited if (found := _alike(first, words(text, seeds[0]))) is not None]
                values |= {"edit_stability": float(np.mean(alike))} if alike else {}
                if self._moves(method) and isinstance(model, Differentiable):
                    rng = setting.streams.stream("sensitivity", method, example.id)
                    values["sensitivity"] = self._sensitivity(model, own, target, method, seeds[0], rng)
            except (Unsupported, EmptyData) as error:
                absent[method] = str(error)
                continue
            n_words = len(first)
            if values:
                methods.append(MethodQuality(attributor=method, values=values))
        return ExplanationCheck(
            example=example.id, target=target, label=example.label, words=n_words, methods=tuple(methods), absent=absent
        )

    def _moves(self, method: str) -> bool:
        return self.moves > 0 and getattr(attributors[method], "embedded", False)

    def _sensitivity(
        self, model: Differentiable, text: str, target: str, method: str, seed: int, rng: np.random.Generator
    ) -> float:
        """Return by how much, at most, the words' scores change when the text's embeddings move a little."""
        encoded = model.encode([text])

        def scores(embedded: Any) -> FloatArray:
            found = explain(moved(model, encoded, embedded), text, target=target, method=method, seed=seed)
            return np.array([word.score for word in found.words])

        own = model.embed(encoded.input_ids)
        return sensitivity_max(scores, own, encoded.special, share=SHARE, samples=self.moves, rng=rng)

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return each method's mean correlations and median sensitivity with their intervals."""
        found = [item for item in items if isinstance(item, ExplanationCheck) and item.methods]
        if not found:
            return NotApplicable(reason=f"no text drawn could be explained twice: {first_reason(items)}")
        table = Table(found, corpus, setting)
        measurements = tuple(one for method in self.methods for one in table.of(method))
        steady = [method for method in self.methods if not getattr(attributors[method], "seeded", False)]
        notes = [
            f"Edits: {', '.join(EDITS)}. {len(found)} texts were explained again after each that changes what the "
            "model reads.",
            *absences([item for item in items if isinstance(item, ExplanationCheck)]),
        ]
        if self.moves and (wordy := [method for method in self.methods if not self._moves(method)]):
            notes.append(
                f"sensitivity_median does not apply to {', '.join(wordy)}: they see words, not embeddings. The edits "
                "stand in for it."
            )
        if any(self._moves(method) for method in self.methods):
            notes.append(
                f"Sensitivity: the largest change over {self.moves} random movements of the embeddings, each number "
                f"by at most {SHARE:.0%} of their root mean square."
            )
        asked = ("edit_stability", "seed_stability", "sensitivity")
        able = [method for method in self.methods if not all(method in one.absent for one in found)]
        notes += untold(table, measurements, able, asked)
        if steady:
            notes.append(
                f"seed_stability does not apply to {', '.join(steady)}: without chance, it is the same for all."
            )
        return Measured(measurements=measurements, exhibits=tuple(Note(text=note) for note in notes))


def _reads_otherwise(model: Classifier, text: str, edited: str) -> bool:
    """Return whether the model sees an edit at all: a tokenizer that drops spaces makes both the same text."""
    if not isinstance(model, Differentiable):
        return text != edited
    one, other = (model.encode([each]).input_ids[0].tolist() for each in (text, edited))
    return bool(one != other)


def _alike(one: FloatArray, other: FloatArray) -> float | None:
    """Return the rank correlation of two explanations; None where the edit changed how the text falls into words."""
    return spearman(one, other) if len(one) == len(other) else None
