"""From the scores of tokens to those of words: what people read, and what methods are compared by."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evidence.exhibits import WordScore
from workbench.models.protocols import Classifier, Differentiable
from workbench.text.words import words


def by_word(
    text: str, spans: Sequence[tuple[int, int]], scores: Sequence[float], end: int | None = None
) -> tuple[WordScore, ...]:
    """Return every word of `text` that begins before `end`, with the sum of the scores of the tokens in it.

    A token counts for the word that it begins in or, between words, reaches into; punctuation and special tokens count
    for none. `end`: where the part that the model reads ends; None: nowhere.
    """
    found = [word for word in words(text) if end is None or word.start < end]
    sums = [0.0] * len(found)
    place = 0
    for (start, stop), score in sorted(zip(spans, scores, strict=True)):
        while place < len(found) and found[place].stop <= start:
            place += 1
        if place < len(found) and start < stop and stop > found[place].start:
            sums[place] += score
    return tuple(
        WordScore(start=word.start, stop=word.stop, score=total) for word, total in zip(found, sums, strict=True)
    )


def read_until(model: Classifier, text: str) -> int | None:
    """Return where the last token of `text` ends that `model` reads; None for a model that shows no tokens."""
    if not isinstance(model, Differentiable):
        return None
    return max((stop for _, stop in model.encode([text]).spans[0]), default=0)
