"""LIME: a linear model of the classifier around one text, fitted to random deletions of its words.

Ribeiro et al. 2016, "'Why Should I Trust You?': Explaining the Predictions of Any Classifier". LIME has a generator of
its own, so any number of explanations may run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EmptyData
from workbench.models.protocols import FloatArray


class Occurrence(NamedTuple):
    """One word of the text."""

    word: int
    """Which of the distinct words."""
    start: int
    stop: int


def require_words(text: str) -> Any:
    """Return `text` as LIME takes it apart. Raises `EmptyData` where LIME finds no word (letters, digits, '_')."""
    from lime.lime_text import IndexedString

    indexed = IndexedString(text)
    if not indexed.num_words():
        raise EmptyData(f"nothing to explain: LIME finds no word in {text[:40]!r}")
    return indexed


class Neighbourhood:
    """The texts around one text that LIME asks the model about, and the regression that it fits to the answers."""

    def __init__(self, text: str, labels: Sequence[str], *, samples: int, seed: int) -> None:
        """Let `LimeTextExplainer`, with its defaults, draw `samples` texts: the first is `text` itself.

        Raises:
            EmptyData: LIME finds no word in `text`.
        """
        from lime.lime_text import LimeTextExplainer

        indexed = require_words(text)
        self.occurrences = _occurrences(indexed)
        """The words in their order in the text."""
        self.n_words = int(indexed.num_words())
        """Distinct words: 'good' and 'Good' are two."""
        self.texts: tuple[str, ...] = ()
        """(samples,)"""
        explainer = LimeTextExplainer(class_names=list(labels), random_state=seed % 2**32)
        self._base, self._selection = explainer.base, explainer.feature_selection
        self._data: NDArray[np.float64] = np.zeros((0, 0))
        self._distances: NDArray[np.float64] = np.zeros(0)
        # LIME samples, asks and fits in one go. Its regression is held back here, to be fitted to what we choose.
        explainer.base = self

        def remember(texts: Sequence[str]) -> FloatArray:
            self.texts = tuple(texts)
            return np.zeros((len(texts), len(labels)))

        explainer.explain_instance(text, remember, num_samples=samples)

    def weights(self, probabilities: FloatArray, target: int, rows: Sequence[int] | None = None) -> FloatArray:
        """Return the weight of each distinct word, (n_words,), for the label in column `target`.

        Args:
            probabilities: the model's answers to `texts`, or to those of `rows`.
            target: column of the label.
            rows: the samples to fit to, beginning with 0; default: all.
        """
        chosen = slice(None) if rows is None else np.asarray(rows)
        assert rows is None or rows[0] == 0
        _, found, _, _ = self._base.explain_instance_with_data(
            self._data[chosen],
            probabilities,
            self._distances[chosen],
            target,
            self.n_words,
            feature_selection=self._selection,
        )
        weights = np.zeros(self.n_words)
        for word, weight in found:
            weights[word] = weight
        return weights

    def shared(self, weights: FloatArray) -> FloatArray:
        """Return for each occurrence of a word its part of the word's weight: the same for each of them."""
        place = [one.word for one in self.occurrences]
        times = np.bincount(place, minlength=self.n_words)
        return np.asarray((weights / times)[place], dtype=np.float64)

    def explain_instance_with_data(
        self, data: Any, _answers: Any, distances: Any, *_: Any, **__: Any
    ) -> tuple[float, list[Any], float, float]:
        """Stand in for LIME's regression while it samples: remember what it was to be fitted to."""
        self._data, self._distances = data, distances
        return 0.0, [], 0.0, 0.0


def _occurrences(indexed: Any) -> tuple[Occurrence, ...]:
    """Return where LIME's words stand. (LIME's own places are off by one after each NUL: NumPy cuts those off.)"""
    stops = list(accumulate(len(piece) for piece in indexed.as_list))
    found = [
        Occurrence(word, stops[place] - len(indexed.as_list[place]), stops[place])
        for word, places in enumerate(indexed.positions)
        for place in places
    ]
    return tuple(sorted(found, key=lambda one: one.start))
