"""Marked text: what an attack changed, and what moved a decision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from workbench.evidence.exhibits import TokenScores
from workbench.report.blocks import Run
from workbench.report.text import SHOWN

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_CONTEXT = 160
"""Characters kept on both sides of a change in a long text."""
_COMPARED = 1_000_000
"""Pairs of words from which on the commonest words no longer anchor the comparison: it is quadratic in them, and a text
may be an attack on the reader's time."""
LEVELS = 4
"""Shades of the heat of a word."""


def changes(original: str, rewritten: str) -> tuple[Run, ...]:
    """Return the rewritten text with its changes marked word by word; long unchanged stretches are left out."""
    before, after = _WORD.findall(original), _WORD.findall(rewritten)
    start, stop = _shared(before, after), 0
    if start < min(len(before), len(after)):
        stop = min(_shared(before[::-1], after[::-1]), len(before) - start, len(after) - start)
    runs = [Run("".join(before[:start]))] if start else []
    runs += _compared(before[start : len(before) - stop], after[start : len(after) - stop])
    runs += [Run("".join(before[len(before) - stop :]))] if stop else []
    if sum(len(run.text) for run in runs) > SHOWN:
        runs = [run if run.mark else Run(_middle_out(run.text)) for run in runs]
    return _capped(runs)


def _shared(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many words both begin with."""
    return next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )


def _compared(before: Sequence[str], after: Sequence[str]) -> Iterator[Run]:
    many = len(before) * len(after) > _COMPARED
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=many).get_opcodes():
        if tag == "equal":
            yield Run("".join(before[a:b]))
            continue
        if a < b:
            yield Run("".join(before[a:b]), "del")
        if c < d:
            yield Run("".join(after[c:d]), "ins")


def _middle_out(text: str) -> str:
    return text if len(text) <= 2 * _CONTEXT + 20 else f"{text[:_CONTEXT]} […] {text[-_CONTEXT:]}"


def _capped(runs: Iterable[Run]) -> tuple[Run, ...]:
    kept: list[Run] = []
    left = SHOWN
    for run in runs:
        if left <= 0:
            return (*kept, Run("…"))
        kept.append(Run(run.text[:left], run.mark, run.title))
        left -= len(run.text)
    return (*kept, Run("…")) if left < 0 else tuple(kept)


@dataclass(frozen=True, slots=True)
class Weight:
    """A word (or token) of an explained text with its score."""

    start: int
    stop: int
    text: str
    score: float


def weights(scores: TokenScores) -> tuple[Weight, ...]:
    """Return the scores by word, in reading order: a word's score is the sum over its pieces.

    Texts written without spaces stay split into tokens. Special tokens, which have no place in the text, are left out.
    """
    pieces = [
        Weight(start, stop, scores.text[start:stop], score)
        for (start, stop), score in zip(scores.spans, scores.scores, strict=True)
        if stop > start
    ]
    begin, end = scores.span_read
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", scores.text) if begin <= match.start() < end]
    if len(words) * 4 < len(pieces):
        return tuple(sorted(pieces, key=lambda piece: piece.start))
    merged: list[Weight] = []
    edges = iter(words)
    current = next(edges, None)
    for piece in sorted(pieces, key=lambda piece: piece.start):
        while current is not None and current[1] <= piece.start:
            current = next(edges, None)
        start, stop, score = piece.start, piece.stop, piece.score
        if current is not None and current[0] <= start:
            start, stop = current[0], max(current[1], stop)
        if merged and start < merged[-1].stop:  # another piece of the same word
            last = merged.pop()
            start, stop, score = last.start, max(last.stop, stop), last.score + score
        merged.append(Weight(start, stop, scores.text[start:stop], score))
    return tuple(merged)


def special(scores: TokenScores) -> float | None:
    """Return the sum of the scores of special tokens; None where there are none."""
    held = [score for (start, stop), score in zip(scores.spans, scores.scores, strict=True) if stop <= start]
    return sum(held) if held else None


def heat(scores: TokenScores) -> tuple[Run, ...]:
    """Return the text with its words marked by strength, relative to the strongest word, and by sign if they have one.

    What the model does not read is marked, too.
    """
    start = shown_from(scores)
    runs = _capped(_heat(scores, start))
    return (Run("…"), *runs) if start else runs


def shown_from(scores: TokenScores) -> int:
    """Return where the shown part of the text begins: not at 0 in a long text of which the beginning is unread."""
    first, _ = scores.span_read
    if not first or len(scores.text) <= SHOWN:
        return 0
    return max(0, min([first, *(word.start for word in weights(scores))]) - _CONTEXT)


def _heat(scores: TokenScores, begin: int) -> Iterator[Run]:
    words = weights(scores)
    first, last = scores.span_read
    largest = max((abs(word.score) for word in words), default=0.0)
    ends = [begin, *accumulate((min(word.stop, last) for word in words), max)]
    for word, end in zip(words, ends, strict=False):
        start, stop = max(word.start, first), min(word.stop, last)  # of a word that the cut runs through, what is read
        if start < end or stop <= start:
            continue  # overlaps the word before
        yield from _between(scores, end, start)
        share = word.score / largest if largest else 0.0
        strength = min(LEVELS, int(abs(share) * LEVELS + 0.5))
        kind = "size" if not scores.signed else "plus" if share > 0 else "minus"
        yield Run(scores.text[start:stop], f"{kind}{strength}" if strength else "", told(scores, word.score, ".3f"))
    yield from _between(scores, ends[-1], len(scores.text))


def _between(scores: TokenScores, start: int, stop: int) -> Iterator[Run]:
    """Yield a stretch without scores, of which the model may leave an end unread."""
    first, last = scores.span_read
    pieces = (
        (start, min(stop, first), "unread"),
        (max(start, first), min(stop, last), ""),
        (max(start, last), stop, "unread"),
    )
    yield from (Run(scores.text[a:b], mark) for a, b, mark in pieces if a < b)


def told(scores: TokenScores, score: float, form: str = ".4f") -> str:
    """Return a score as a number, with + or − only where it says which way."""
    return format(score, f"+{form}" if scores.signed else form)
