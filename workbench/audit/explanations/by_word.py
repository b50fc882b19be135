"""From the scores of tokens to those of words: what people read, and what methods are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.errors import EmptyData
from workbench.evidence.exhibits import PartRead, WordScore
from workbench.models.protocols import Classifier, Differentiable
from workbench.text.words import Word, words


class Part(NamedTuple):
    """The part of a text that a model reads: `text[start:stop]`.

    Whoever takes words away must take them from this part. With the rest behind it, what was never read would move up
    into the place of what is gone, and the answer would tell of other words than those that an explanation is about.
    """

    text: str
    start: int
    stop: int

    def words(self, scored: Sequence[WordScore]) -> tuple[WordScore, ...]:
        """Return words of the whole text at their places in this part; of a word on its edge, what is read of it."""
        return tuple(
            word.model_copy(
                update={
                    "start": max(word.start, self.start) - self.start,
                    "stop": min(word.stop, self.stop) - self.start,
                }
            )
            for word in scored
        )


def read_part(model: Classifier, text: str) -> Part:
    """Return the part of `text` that `model` reads, whichever end it cuts off; all of it for one without tokens.

    White space at an end that is not cut belongs to it, and so does that before its first token.
    """
    if not isinstance(model, Differentiable):
        return Part(text, 0, len(text))
    spans = [(start, stop) for start, stop in model.encode([text]).spans[0] if start < stop]
    if not spans:
        return Part("", 0, 0)
    start, stop = len(text[: min(spans)[0]].rstrip()), max(stop for _, stop in spans)
    stop = stop if text[stop:].strip() else len(text)
    return Part(text[start:stop], start, stop)


def unread(text: str, part: Part) -> PartRead | None:
    """Return how far the model reads `text`, of which it reads `part`; None where it leaves no word unread.

    A word that is cut in two counts both as read and as unread; punctuation and white space alone count as neither.
    """
    if not words(text[: part.start]) and not words(text[part.stop :]):
        return None
    read = by_word(text, (), (), part.start, part.stop)
    return PartRead(start=part.start, stop=part.stop, words=len(read), of=len(words(text)))


def require_words(text: str) -> tuple[Word, ...]:
    """Return the words of `text`. Raises `EmptyData` where there is none."""
    if not (found := words(text)):
        raise EmptyData(f"nothing to explain: no word in {text[:40]!r}")
    return found


def by_word(
    text: str, spans: Sequence[tuple[int, int]], scores: Sequence[float], start: int = 0, stop: int | None = None
) -> tuple[WordScore, ...]:
    """Return every word of `text` that lies in its part from `start` to `stop`, with the scores of the tokens in it.

    A token counts for the word that it begins in or, between words, reaches into; punctuation and special tokens count
    for none. A word on the part's edge counts as a whole.
    """
    end = len(text) if stop is None else stop
    found = [word for word in words(text) if word.start < end and word.stop > start]
    sums = [0.0] * len(found)
    place = 0
    for (first, last), score in sorted(zip(spans, scores, strict=True)):
        while place < len(found) and found[place].stop <= first:
            place += 1
        if place < len(found) and first < last and last > found[place].start:
            sums[place] += score
    return tuple(
        WordScore(start=word.start, stop=word.stop, score=total) for word, total in zip(found, sums, strict=True)
    )
