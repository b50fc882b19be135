"""Randomised ablation of words, and what follows from it for whoever replaces a few.

A text of d words is shown with k of them, drawn uniformly without replacement; a mask stands for every other. What lies
between the words (spaces, punctuation) stays. Let p_c(x) be the probability, over the draw, that a classifier decides c
on such a text, and let x' be x with r words replaced by others: as many words, the same between them.

A draw that keeps none of the r replaced words gives the same text from x and from x'. C(d-r, k) of the C(d, k) equally
likely draws do, so for every class c

    |p_c(x') - p_c(x)| <= Delta(r) = 1 - C(d-r, k) / C(d, k).

If p_c(x) >= p for one class c, then p_c(x') >= p - Delta(r). The probabilities of x' sum to 1, so once that is more
than 1/2, c has more than all other classes together: **p - Delta(r) > 1/2 certifies c at radius r.** (The comparison
with the best that another class could have, p - Delta > (1 - p) + Delta, is the same inequality.) Delta grows with r,
so fewer replaced words are covered too.

Levine and Feizi 2020, "Robustness Certificates for Sparse Adversarial Attacks by Randomized Ablation", theorem 1 and
corollary 1; for words, with a factor on Delta that we leave at its bound 1, Zeng et al. 2023, "Certified Robustness to
Text Adversarial Attacks by Randomized [MASK]". Nothing is said of words put in or left out: they change d.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import ceil, comb
from typing import NamedTuple

import numpy as np

from workbench.evidence.intervals import clopper_pearson
from workbench.models.protocols import Classifier
from workbench.text.words import replaced, words

STAND_IN = "..."
"""Stands for a missing word where a model has no mask token, as in SHAP: it holds no word."""

_ROUNDING = 1e-9
"""0.07 x 100 is a hair above 7 in floating point, and must keep 7 words."""


class Ablated(NamedTuple):
    """One text, ablated many times."""

    texts: list[str]
    words: int
    """d, of the text."""
    kept: int
    """k, of them."""
    exact: bool
    """Whether `texts` are all C(d, k) ablations, once each; otherwise they are independent draws."""


def ablate(text: str, *, keep: float, samples: int, mask: str, rng: np.random.Generator) -> Ablated:
    """Return `samples` random ablations of `text`, or all there are where they are no more than that.

    A text with no word or one is its own only ablation. `keep`, in (0, 1]: share of words kept, rounded up.
    """
    spans = [(word.start, word.stop) for word in words(text)]
    d, k = len(spans), kept(len(spans), keep)
    exact = comb(d, k) <= samples
    draws = (
        (frozenset(chosen) for chosen in combinations(range(d), k))
        if exact
        else (frozenset(rng.choice(d, size=k, replace=False, shuffle=False).tolist()) for _ in range(samples))
    )
    texts = [replaced(text, (span for i, span in enumerate(spans) if i not in chosen), mask) for chosen in draws]
    return Ablated(texts, d, k, exact)


def kept(words: int, keep: float) -> int:
    """Return k for a text of d `words`: max(1, ceil(keep d)); 0 for a text without words."""
    return min(words, max(1, ceil(keep * words - _ROUNDING)))


def delta(words: int, kept: int, changed: int) -> Fraction:
    """Return Delta(r) in [0, 1], exactly: the chance that a draw keeps one of r `changed` words, or more.

    Raises ValueError unless 0 <= changed <= words and 0 <= kept <= words.
    """
    if not (0 <= changed <= words and 0 <= kept <= words):
        raise ValueError(f"cannot change {changed} or keep {kept} of {words} words")
    return 1 - Fraction(comb(words - changed, kept), comb(words, kept))


def radius(lower: float | Fraction, words: int, kept: int) -> int | None:
    """Return the largest r for which `lower` - Delta(r) > 1/2; None where there is none (then abstain).

    `lower`: at most the probability of the class to certify. Give a Fraction where it is known exactly: half a vote
    decides. At radius 0 nothing is replaced; a text without words has no other radius.
    """
    spare = Fraction(lower) - Fraction(1, 2)
    if spare <= 0:
        return None
    r = 0
    while r < words and delta(words, kept, r + 1) < spare:
        r += 1
    return r


def lower_bound(votes: int, draws: int, alpha: float) -> float:
    """Return a number that is more than the probability of a vote in at most a share `alpha` of such samples.

    The one-sided limit of Clopper and Pearson 1934. The class must not be chosen by the same draws: then the largest
    of several counts would pass for one (Cohen et al. 2019, section 3.2).
    """
    return clopper_pearson(votes, draws, level=1 - 2 * alpha).low


def mask_of(model: Classifier) -> str:
    """Return what stands for a missing word: the mask token of the model's tokenizer, or `STAND_IN`."""
    return getattr(getattr(model, "tokenizer", None), "mask_token", None) or STAND_IN
