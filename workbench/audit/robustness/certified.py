"""Certify the decisions of a smoothed model: which no replacement of a few words, whatever they become, can change.

An attack that fails proves nothing; a certificate does, but of the model smoothed by randomised ablation, not of the
model itself. See `models.ablation` for what is proved. For each example, two samples of ablated texts are drawn: the
first chooses the label, the second bounds from below how often the model decides it (Cohen et al. 2019, algorithm
CERTIFY; Levine and Feizi 2020). A text with so few words that every ablation of it can be asked about has no chance
left in its certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.audit.robustness.certificates import caveats, certified_accuracy
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import Misconfigured
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Certificate, Note
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.ablation import ablate, lower_bound, mask_of, radius
from workbench.models.protocols import Classifier
from workbench.models.smoothed import Smoothed, require_keep, votes

MOST_CHARACTERS = 20_000
"""Longer texts are not certified: hundreds of copies of each are held at once."""


@probes.register("robustness.certified@1")
@dataclass(frozen=True)
class Certified:
    """Certifies a sample of examples, drawn by hash of id from all examples, at `radii` replaced words.

    It costs `selection` + `samples` texts asked about per example, fewer for very short ones: 16,500 by default.
    """

    keep: float = 0.2
    """Share of a text's words that the model is shown at a time, rounded up. In texts of 60 words, votes that all agree
    reach 6 replaced words at 0.1, 2 at 0.2, 1 at 0.3; but the fewer words are kept, the less they say."""
    examples: int = 30
    selection: int = 50
    """Ablated copies of each text that choose the label."""
    samples: int = 500
    """Fresh copies that bound its share of the votes."""
    alpha: float = 0.05
    """Chance, for each certificate, that its bound is wrong."""
    radii: tuple[int, ...] = (0, 1, 2, 3, 5)
    """Numbers of replaced words."""

    name: ClassVar[str] = "robustness.certified@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_keep(self.name, self.keep)
        require_at_least(self, examples=1, selection=1, samples=1)
        if not 0 < self.alpha < 0.5:
            raise Misconfigured(f"{self.name}: alpha must lie between 0 and 0.5; got {self.alpha}")
        if self._best() <= 0.5:
            raise Misconfigured(
                f"{self.name}: with {self.samples} samples and alpha {self.alpha:g} nothing could be shown; draw more"
            )
        object.__setattr__(self, "radii", tuple(self.radii))
        if not self.radii or min(self.radii) < 0 or sorted(set(self.radii)) != [*self.radii]:
            raise Misconfigured(f"{self.name}: radii must be whole numbers from 0 on, growing; got {self.radii}")

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample. Not applicable to a model that is smoothed already: its base is to be asked."""
        if isinstance(inner := getattr(model, "model", model), Smoothed):
            return NotApplicable(
                reason=f"this model is smoothed already, by asking another {inner.samples} times about each text; what "
                f"is certified is found by auditing that one, its base, with keep {inner.keep:g}"
            )
        short = corpus.where(_short)
        if not len(short):
            return NotApplicable(reason=f"every text has more than {MOST_CHARACTERS:,} characters, too many to certify")
        return short.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return the certificate of `example`, or that none could be given."""
        first, second = (
            ablate(
                example.input,
                keep=self.keep,
                samples=samples,
                mask=mask_of(model),
                rng=setting.streams.stream("certified", purpose, example.id),
            )
            for purpose, samples in (("selection", self.selection), ("bound", self.samples))
        )
        positive = setting.positive(model.labels)
        counts = votes(model, second.texts, decision=setting.decision, positive=positive)
        lower: float | Fraction
        if second.exact:
            top = int(counts.argmax())
            lower = Fraction(int(counts[top]), len(second.texts))
        else:
            top = int(votes(model, first.texts, decision=setting.decision, positive=positive).argmax())
            lower = lower_bound(int(counts[top]), len(second.texts), self.alpha)
        found = radius(lower, second.words, second.kept)
        return Certificate(
            example=example.id,
            label=example.label,
            decided=None if found is None else model.labels[top],
            words=second.words,
            kept=second.kept,
            lower=float(lower),
            radius=found,
            draws=len(second.texts) + (0 if second.exact else len(first.texts)),
            exact=second.exact,
        )

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return certified accuracy at each radius, what it means, and every certificate."""
        found = [item for item in items if isinstance(item, Certificate)]
        reach = max(self._reach(one) for one in found)
        beyond = [r for r in self.radii if r > reach]
        unreachable = (
            f"with {100 * self.keep:.3g}% of the words kept, not even votes that all agree certify any of these texts "
            f"at radius {', '.join(map(str, beyond))}. Keeping fewer words reaches further."
        )
        if len(beyond) == len(self.radii):
            return NotApplicable(reason=unreachable)
        people = People(np.array([corpus.owners[one.example] for one in found], dtype=np.int64))
        within = [r for r in self.radii if r <= reach]
        measured = certified_accuracy(found, people, within, setting.streams, keep=self.keep)
        notes = caveats(
            found,
            keep=self.keep,
            alpha=self.alpha,
            threshold=setting.decision.threshold,
            positive=setting.positive_label,
        )
        if beyond:
            notes.append(f"certified_accuracy is not given where no vote reaches: {unreachable}")
        if long := sum(not _short(example) for example in corpus):
            notes.append(
                f"{long} of {len(corpus)} texts have more than {MOST_CHARACTERS:,} characters and were not drawn from."
            )
        return Measured(measurements=measured, exhibits=(*(Note(text=note) for note in notes), *found))

    def _reach(self, one: Certificate) -> int:
        """Return the radius that the text of `one` would have if all votes agreed."""
        best = radius(1 if one.exact else self._best(), one.words, one.kept)
        assert best is not None  # __post_init__ saw to it
        return best

    def _best(self) -> float:
        """Return the bound where all votes agree."""
        return lower_bound(self.samples, self.samples, self.alpha)


def _short(example: Example) -> bool:
    return len(example.input) <= MOST_CHARACTERS
