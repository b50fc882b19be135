"""Words that tell which group a text is from: does the model make something of them?

A word tells a group where surely, corrected for all words and groups looked at, the odds that a text with it is from
the group are more than twice the odds of any text. Each person counts once there. Such a word is no fault. That
decisions hang on it may be one: the model would treat a group's texts differently for a word that only says whose they
are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from workbench.audit.explanations.weights import spread, weights_of
from workbench.data.corpus import MISSING, Corpus, hashed
from workbench.evidence.bootstrap import proportion_interval
from workbench.evidence.exhibits import GroupWord, GroupWords, WordEffects
from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Interval
from workbench.seeds import Streams
from workbench.text.words import normalise, words

ODDS = 2.0
"""How many times the odds of any text, at least."""
SHOWN = 12


def group_words(
    found: Sequence[WordEffects], corpus: Corpus, *, method: str, least: int, streams: Streams
) -> GroupWords | None:
    """Return the words that tell a group, the strongest first; None for a corpus without groups.

    Args:
        found: explained texts of the corpus.
        corpus: where words are looked for in groups, in one text of each person.
        method: that explained them.
        least: people whose explained texts a word must be in.
        streams: for the intervals.
    """
    if not corpus.attributes or not found:
        return None
    weights = weights_of(found, corpus, least)
    strength = np.array([float(weight.strengths.mean()) for weight in weights.values()])
    rows = []
    for telling in _telling(corpus, list(weights)):
        weight = weights[telling.word]
        rng = streams.stream("interval", "proxies", telling.word)
        strengths = spread(weight.strengths, weight.people, rng)
        flips = proportion_interval(weight.flips, weight.people, rng=rng, replicates=1000)
        if flips is None or weight.idle:
            continue
        mean = float(weight.strengths.mean())
        rows.append(
            GroupWord(
                word=telling.word,
                attribute=telling.attribute,
                group=telling.group,
                share=telling.inside / telling.n,
                share_interval=telling.interval,
                base=telling.base,
                n=telling.n,
                explained=len(weight.strengths),
                strength=mean,
                strength_interval=None
                if strengths is None
                else strengths.model_copy(update={"low": max(0.0, strengths.low)}),  # a size is none below 0
                stronger_than=float((strength < mean).sum() / max(1, len(strength) - 1)),
                flips=int(weight.flips.sum()),
                flip_interval=flips,
            )
        )
    rows.sort(key=lambda row: (-row.strength, row.word, row.attribute, row.group))
    return GroupWords(
        method=method,
        output=found[0].output,
        texts=len(found),
        least=least,
        compared=len(weights),
        rows=tuple(rows[:SHOWN]),
    )


class _Telling(NamedTuple):
    """A word that tells a group."""

    word: str
    attribute: str
    group: str
    inside: int
    n: int
    interval: Interval
    base: float


def _telling(corpus: Corpus, candidates: Sequence[str]) -> Iterator[_Telling]:
    """Yield each candidate word with each group that it tells. One text of each person counts."""
    first = {one.person: one for one in sorted(corpus, key=lambda one: (hashed(one.id), one.id), reverse=True)}
    texts = list(first.values())
    places: dict[str, list[int]] = {word: [] for word in candidates}
    for i, one in enumerate(texts):
        for form in {normalise(word.text) for word in words(one.input)} & places.keys():
            places[form].append(i)
    groups = [
        (attribute, group, np.array([(one.groups.get(attribute) or MISSING) == group for one in texts]))
        for attribute in corpus.attributes
        for group in sorted(set(corpus.group_of(attribute)))
    ]
    level = 1 - 0.05 / max(1, len(candidates) * len(groups))
    for word, held in places.items():
        for attribute, group, is_inside in groups:
            base, inside = float(is_inside.mean()), int(is_inside[held].sum())
            if not held or inside == 0 or base == 1.0:
                continue
            interval = wilson(inside, len(held), level=level)
            if _odds(interval.low) > ODDS * _odds(base):
                yield _Telling(word, attribute, group, inside, len(held), interval, base)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("inf")
