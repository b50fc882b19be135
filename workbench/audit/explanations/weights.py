"""What a model makes of a word or a phrase, over many explained texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Corpus
from workbench.evidence.bootstrap import ROUNDING, People, agree, mean_interval
from workbench.evidence.exhibits import WordEffects
from workbench.evidence.measurement import Interval
from workbench.models.protocols import FloatArray
from workbench.text.words import normalise


class Weight(NamedTuple):
    """What the model makes of one word, over the explained texts that hold it."""

    people: People
    scores: FloatArray
    """(n,): its contribution to each text's decision, all occurrences together."""
    flips: NDArray[np.bool_]
    """(n,): whether the text's decision is another without one occurrence of it."""

    @property
    def strengths(self) -> FloatArray:
        """How much it contributes, whichever way."""
        return np.abs(self.scores)

    @property
    def idle(self) -> bool:
        """Whether it contributes nothing anywhere, and no decision hangs on it."""
        return not self.flips.any() and bool(self.strengths.max() <= ROUNDING)


class Phrase(NamedTuple):
    """What the model makes of a few words in a row, over the explained texts that hold them."""

    people: People
    scores: FloatArray
    """(n,): the contributions of its words to each text's decision, all occurrences together."""
    ends: FloatArray
    """(n, 2): of these, those of its first and of its last word."""


def spread(values: FloatArray, people: People, rng: np.random.Generator) -> Interval | None:
    """Return the interval of the mean of `values`; None where they are all the same, which has none."""
    return None if agree(values) else mean_interval(values, people, rng=rng, replicates=1000)


def weights_of(found: Sequence[WordEffects], corpus: Corpus, least: int) -> dict[str, Weight]:
    """Return what the model makes of each word that is in the explained texts of at least `least` people."""
    sums: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    flips: dict[str, set[int]] = defaultdict(set)
    for i, one in enumerate(found):
        for word in one.words:
            form = normalise(one.text[word.start : word.stop])
            sums[form][i] += word.score
            if word.flips:
                flips[form].add(i)
    weights = {
        form: Weight(
            _people(found, corpus, by_text),
            np.array(list(by_text.values())),
            np.array([i in flips[form] for i in by_text], dtype=bool),
        )
        for form, by_text in sorted(sums.items())
    }
    return {form: weight for form, weight in weights.items() if weight.people.size >= least}


def phrases_of(found: Sequence[WordEffects], corpus: Corpus, least: int, *, longest: int) -> dict[str, Phrase]:
    """Return what the model makes of each phrase that is in the explained texts of at least `least` people.

    A phrase is 2 to `longest` words in a row, on one line, with nothing but space between them. Its contribution is the
    sum of its words', as contributions of additive methods are; an occurrence that overlaps the one before it does not
    count.
    """
    sums: dict[str, dict[int, FloatArray]] = defaultdict(dict)
    for i, one in enumerate(found):
        forms = [normalise(one.text[word.start : word.stop]) for word in one.words]
        free: dict[str, int] = {}
        for a in range(len(forms)):
            for b in range(a + 1, min(a + longest, len(forms))):
                between = one.text[one.words[b - 1].stop : one.words[b].start]
                if between.strip() or len(between.splitlines()) > 1:
                    break
                form = " ".join(forms[a : b + 1])
                if free.get(form, 0) <= a:
                    free[form] = b + 1
                    whole = sum(word.score for word in one.words[a : b + 1])
                    parts = np.array([whole, one.words[a].score, one.words[b].score])
                    sums[form][i] = sums[form].get(i, 0.0) + parts
    phrases = {}
    for form, by_text in sorted(sums.items()):
        people = _people(found, corpus, by_text)
        if people.size >= least:
            table = np.stack(list(by_text.values()))
            phrases[form] = Phrase(people, table[:, 0], table[:, 1:])
    return phrases


def _people(found: Sequence[WordEffects], corpus: Corpus, texts: Iterable[int]) -> People:
    """Return whose the explained texts at these positions are."""
    return People(np.array([corpus.owners[found[i].example] for i in texts], dtype=np.int64))
