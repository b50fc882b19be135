"""Counterfactual token fairness: what a decision owes to the word for a group, other words equal.

Garg et al. 2019, "Counterfactual fairness in text classification through robustness": the score of a text should not
change when an identity term in it is replaced by another. Where the replaced text means something else to a reader (an
asymmetric counterfactual), it may rightly change: the pairs are there to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.audit.fairness.effects import Effect, change_interval, effect
from workbench.audit.fairness.lexicon import Axis, LexiconFile, read_lexicon
from workbench.audit.fairness.swaps import Pair, pairs_of
from workbench.audit.probe import UNRECORDED, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.errors import Misconfigured
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import Note, SwappedText, TermPair, TokenSwaps
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray, Truncating

KEPT = 50
"""Flipped texts of one swap that stay in the record."""
TERMS = 12
"""Pairs of terms of one swap that are shown."""


class _Swap(NamedTuple):
    """All pairs of two groups, from one source."""

    axis: Axis
    facet: str
    first: int
    second: int
    added: bool
    pairs: list[Pair]


@probes.register("fairness.counterfactual@1")
@dataclass(frozen=True)
class Counterfactual:
    """Exchanges the terms of two groups in texts that mention them, and counts what the model then decides otherwise.

    The lexicon is read once, when the probe is made. Of a file of one's own the probe keeps name and digest, not the
    place: whoever has the file makes the same probe from it again, and no other file will do.
    """

    lexicon: str = "english"
    """A shipped lexicon, or a TOML file; of a file its own name, once it has been read."""
    examples: int = 200
    """Texts of one axis at most: of those that mention its groups, and again where a sentence is put before texts."""
    minimum: int = 30
    """Where fewer people mention any two groups of an axis, a sentence that mentions them is put before texts."""
    sha256: str = ""
    """Of the lexicon's file; '' for whatever is read."""
    file: LexiconFile | None = field(default=None, repr=False, compare=False, metadata=UNRECORDED)
    """What was read."""

    name: ClassVar[str] = "fairness.counterfactual@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, minimum=0)
        read = self.file or read_lexicon(self.lexicon)
        if self.sha256 not in ("", read.sha256):
            raise Misconfigured(
                f"{self.name}: the lexicon {self.lexicon} with sha256 {self.sha256:.12}… is asked for, and this one "
                f"has {read.sha256:.12}…; find the file that was used, or leave the digest out"
            )
        object.__setattr__(self, "file", read)
        object.__setattr__(self, "sha256", read.sha256)
        if not read.shipped:
            object.__setattr__(self, "lexicon", read.lexicon.name)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return flip rates and score changes of every two groups. All texts go to the model in one request."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples; no term can be swapped")
        swaps, notes = self._swaps(corpus, setting)
        pairs = [pair for swap in swaps for pair in swap.pairs]
        if not pairs:
            return NotApplicable(
                reason=f"no text mentions a group of the lexicon {self._read.lexicon.name}, and it has no sentences to "
                "put before texts; give a lexicon in the texts' language, with sentences"
            )
        texts = list(dict.fromkeys(text for pair in pairs for text in (pair.before, pair.after)))
        rows = np.asarray(model.predict_proba(texts), dtype=np.float64)
        assert np.isfinite(rows).all(), "the model returned a probability that is not a number"
        place = {text: i for i, text in enumerate(texts)}
        positive = setting.positive(model.labels)
        seen = _Seen(place, rows[:, positive], setting.decision.decide(rows, positive), model.labels, positive)
        if isinstance(model, Truncating) and (cut := model.truncated(texts)):
            notes.append(
                f"{cut:,} of {len(texts):,} texts are longer than the model reads: a term beyond that is swapped "
                "unseen, which counts as no change."
            )
        measurements: list[Measurement] = []
        exhibits: list[TokenSwaps] = []
        silent: list[str] = []
        for swap in swaps:
            made = _effect(swap, seen, setting)
            told = list(made.measurements(swap.facet))
            if setting.only_decision is not None and not made.flips.any():
                silent.append(swap.facet)
                told = [one for one in told if not one.name.endswith("flip_rate")]
            if made.change is None:
                notes.append(
                    f"counterfactual_score_change is not given for {swap.facet}: {made.people.size} people are too few "
                    "for an interval."
                )
            measurements += told
            exhibits.append(_shown(swap, made, seen, setting))
        if silent:
            notes.append(
                f"counterfactual_flip_rate is not given for {', '.join(silent)}: the model decides every text of the "
                f"data as '{setting.only_decision}', so a decision that stays says nothing."
            )
        notes += self._caveats(len(swaps))
        return Measured(measurements=tuple(measurements), exhibits=(*exhibits, *(Note(text=note) for note in notes)))

    @property
    def _read(self) -> LexiconFile:
        assert self.file is not None  # __post_init__ saw to it
        return self.file

    def _swaps(self, corpus: Corpus, setting: Setting) -> tuple[list[_Swap], list[str]]:
        # A lexicon of one's own may use the ids of the shipped one.
        prefix = "" if self._read.shipped else f"{self._read.lexicon.name}: "
        swaps: dict[tuple[str, bool, int, int], _Swap] = {}
        notes: list[str] = []
        for axis in self._read.lexicon.axes:
            made = pairs_of(axis, corpus, setting.streams, most=self.examples, minimum=self.minimum)
            for pair in made.pairs:
                key = (axis.id, pair.added, pair.first, pair.second)
                if key not in swaps:
                    facet = f"{prefix}{axis.id}, {axis.groups[pair.first]} to {axis.groups[pair.second]}"
                    facet += ", in a sentence added" if pair.added else ""
                    swaps[key] = _Swap(axis, facet, pair.first, pair.second, pair.added, [])
                swaps[key].pairs.append(pair)
            notes.append(f"{axis.id}: {made.mentioning:,} of {len(corpus):,} texts mention its groups. {axis.source}")
            notes += [
                f"{axis.id}: {count} of the texts drawn left out, because what “{term}” would become cannot be told "
                "from its place."
                for term, count in sorted(made.unclear.items())
            ]
            if not made.pairs:
                notes.append(
                    f"counterfactual_flip_rate, counterfactual_absolute_change and counterfactual_score_change are not "
                    f"given for {axis.id}: no text mentions its groups, and it has no sentences to add."
                )
        return [swaps[key] for key in sorted(swaps, key=lambda key: key[1])], notes

    def _caveats(self, swaps: int) -> list[str]:
        lexicon = self._read.lexicon
        return [
            f"Lexicon {lexicon.name}: {lexicon.description} Only these terms and groups were looked at. A score may "
            "rightly change where the swapped text says something else to a reader: read the pairs. A change of the "
            "score is the positive label's probability with the second group's terms less that with the first's; texts "
            "that mention both groups have theirs exchanged, and count in the flip rate and the size of the change.",
            f"The interval of each of {swaps} swaps holds for itself: of many, one in twenty misses.",
        ]


class _Seen(NamedTuple):
    """What the model made of every text."""

    place: dict[str, int]
    scores: FloatArray
    """Probability of the positive label."""
    decided: NDArray[np.int64]
    labels: tuple[str, ...]
    positive: int

    def of(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows of `texts`."""
        return np.array([self.place[text] for text in texts], dtype=np.int64)


def _effect(swap: _Swap, seen: _Seen, setting: Setting) -> Effect:
    before, after = (seen.of([getattr(pair, which) for pair in swap.pairs]) for which in ("before", "after"))
    direction = np.array([pair.direction for pair in swap.pairs], dtype=np.int64)
    return effect(
        seen.scores[after] - seen.scores[before],
        direction,
        np.asarray(seen.decided[after] != seen.decided[before]),
        People(np.array([pair.person for pair in swap.pairs], dtype=np.int64)),
        rng=setting.streams.stream("interval", Counterfactual.name, swap.facet),
    )


def _shown(swap: _Swap, made: Effect, seen: _Seen, setting: Setting) -> TokenSwaps:
    rng = setting.streams.stream("terms", Counterfactual.name, swap.facet)
    flipped = sorted(np.flatnonzero(made.flips).tolist(), key=lambda i: (-abs(made.differences[i]), i))
    return TokenSwaps(
        swap=swap.facet,
        first=swap.axis.groups[swap.first],
        second=swap.axis.groups[swap.second],
        positive=seen.labels[seen.positive],
        source=swap.axis.source,
        added=swap.added,
        terms=() if swap.axis.names else tuple(_terms(swap, made, rng)),
        flipped=tuple(_text(swap.pairs[i], seen) for i in flipped[:KEPT]),
        total=len(flipped),
        of=len(swap.pairs),
    )


def _terms(swap: _Swap, made: Effect, rng: np.random.Generator) -> Iterator[TermPair]:
    """Yield the commonest pairs of terms, over the texts that mention one of the groups only."""
    held: dict[tuple[str, str], list[int]] = {}
    for i, pair in enumerate(swap.pairs):
        if pair.direction:
            sides = {
                (one.before.lower(), one.after.lower())[:: 1 if one.group == swap.first else -1] for one in pair.changes
            }
            for side in sides:
                held.setdefault((side[0], side[1]), []).append(i)
    for (first, second), rows in sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))[:TERMS]:
        people = People(made.people.codes[rows])
        flips, change = made.flips[rows], made.differences[rows] * made.direction[rows]
        flip_interval = proportion_interval(flips, people, rng=rng)
        assert flip_interval is not None  # there are rows
        yield TermPair(
            first=first,
            second=second,
            n=len(rows),
            people=people.size,
            flips=int(flips.sum()),
            flip_interval=flip_interval,
            change=float(np.clip(change.mean(), -1, 1)),
            change_interval=change_interval(change, people, rng=rng),
        )


def _text(pair: Pair, seen: _Seen) -> SwappedText:
    before, after = seen.of([pair.before, pair.after])
    return SwappedText(
        example=pair.example,
        before=pair.before,
        after=pair.after,
        decided_before=seen.labels[seen.decided[before]],
        decided=seen.labels[seen.decided[after]],
        probability_before=float(np.clip(seen.scores[before], 0, 1)),
        probability=float(np.clip(seen.scores[after], 0, 1)),
    )
