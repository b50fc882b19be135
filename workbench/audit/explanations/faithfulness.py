"""Does the model use the words that an explanation names? Take them away, or keep nothing else, and ask.

- Comprehensiveness and sufficiency (DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate Rationalized NLP Models",
  section 4.2): p(text) - p(text without the top words) and p(text) - p(the top words alone), means over the top 1, 5,
  10, 20 and 50% of the words, at least one: the area over the perturbation curve as ERASER's own code averages it.
- Deletion and insertion (Petsiuk et al. 2018, "RISE", section 4.2): area under p while words go, or come, the strongest
  first, a tenth of them at a time.

p is the probability of the label explained. Words are ranked from what pushes most towards that label to what pushes
most away from it; equal scores in the order of the text. What a missing word leaves behind is said by `Removal`:
nothing, or a mask token. A method that takes words away itself (occlusion) has an advantage here, the more so with the
same removal.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Literal, NamedTuple

import numpy as np

from workbench.evidence.exhibits import WordScore
from workbench.models.protocols import FloatArray
from workbench.text.words import replaced

FRACTIONS = (0.01, 0.05, 0.10, 0.20, 0.50)
"""Of the words, from the top: ERASER's bins."""
TENTHS = tuple(i / 10 for i in range(11))

Removal = Literal["deletion", "mask"]


class Faithfulness(NamedTuple):
    """What one ranking of one text's words is worth."""

    comprehensiveness: float
    """In [-1, 1]; higher is better."""
    sufficiency: float
    """In [-1, 1]; lower is better: the top words alone keep the decision."""
    deletion_auc: float
    """In [0, 1]; lower is better."""
    insertion_auc: float
    """In [0, 1]; higher is better."""


def ranking(scores: Sequence[float]) -> tuple[int, ...]:
    """Return positions from the highest score to the lowest, equal ones in their order."""
    return tuple(int(i) for i in np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable"))


def top(n_words: int, fraction: float) -> int:
    """Return how many words `fraction` of them is, rounded up, at least one."""
    return max(1, ceil(n_words * fraction - 1e-9))


def without(text: str, words: Sequence[WordScore], gone: frozenset[int], mask: str | None) -> str:
    """Return `text` without the words at positions `gone`; `mask` stands in their place, None: nothing does."""
    spans = ((word.start, word.stop) for position, word in enumerate(words) if position in gone)
    return replaced(text, spans, mask or "")


def variants(text: str, words: Sequence[WordScore], order: Sequence[int], mask: str | None) -> list[str]:
    """Return every text that `faithfulness` needs an answer for, in its order: 5 + 5 + 11 + 11 of them."""
    n = len(words)

    def removed(gone: Sequence[int]) -> str:
        return without(text, words, frozenset(gone), mask)

    tops = [order[: top(n, fraction)] for fraction in FRACTIONS]
    steps = [order[: round(n * tenth)] for tenth in TENTHS]
    everything = frozenset(order)
    return [
        *(removed(chosen) for chosen in tops),
        *(removed(tuple(everything - set(chosen))) for chosen in tops),
        *(removed(chosen) for chosen in steps),
        *(removed(tuple(everything - set(chosen))) for chosen in steps),
    ]


def faithfulness(whole: float, answers: FloatArray) -> Faithfulness:
    """Return the four measures, given p(text) and p at each of the `variants`, (32,)."""
    bins, points = len(FRACTIONS), len(TENTHS)
    assert answers.shape == (2 * bins + 2 * points,)
    gone, alone, deletion, insertion = np.split(answers, [bins, 2 * bins, 2 * bins + points])
    return Faithfulness(
        comprehensiveness=float(np.mean(whole - gone)),
        sufficiency=float(np.mean(whole - alone)),
        deletion_auc=_area(deletion),
        insertion_auc=_area(insertion),
    )


def leave_one_out(text: str, words: Sequence[WordScore]) -> list[str]:
    """Return the text without each of its words, for the rank agreement with leave-one-out."""
    return [without(text, words, frozenset({position}), None) for position in range(len(words))]


def _area(heights: FloatArray) -> float:
    """Return the area under heights at equal distances over [0, 1] (trapezoidal rule)."""
    return float(np.mean([(a + b) / 2 for a, b in pairwise(heights.tolist())]))
