"""A linear bag-of-words classifier with chosen weights: the exact oracle that methods are checked against.

For a text with word counts c, the logit of label k is  b_k + sum over words w of c_w * W_wk,  and the probabilities are
the softmax over k. Counts are not normalised, so the contribution of every word occurrence is exactly its weight:
attributions, attack outcomes and rates have closed forms.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.data.corpus import Task
from workbench.errors import Misconfigured
from workbench.evidence.cards import ModelCard
from workbench.models.protocols import FloatArray

_WORD = re.compile(r"\w+")


class LinearTextClassifier:
    """Softmax over unnormalised word counts, in float64. Words are lower-cased runs of letters, digits and '_'."""

    def __init__(
        self,
        weights: Mapping[str, Sequence[float]],
        labels: Sequence[str],
        *,
        bias: Sequence[float] | None = None,
        name: str = "linear",
    ) -> None:
        """Take, per lower-case word, one weight per label; unknown words weigh nothing. Raises `Misconfigured`."""
        self._labels = tuple(labels)
        self._weights = {word: tuple(float(value) for value in row) for word, row in weights.items()}
        self._bias = tuple(float(value) for value in bias) if bias is not None else (0.0,) * len(self._labels)
        for word, row in (*self._weights.items(), ("(bias)", self._bias)):
            if len(row) != len(self._labels):
                raise Misconfigured(f"{word!r} has {len(row)} weights; there are {len(self._labels)} labels")
            if not all(math.isfinite(value) for value in row):
                raise Misconfigured(f"{word!r} has a weight that is not finite: {row}")
        for word in self._weights:
            if words_of(word) != [word]:
                raise Misconfigured(f"{word!r} is not one lower-case word, so no text could ever contain it")
        self._name = name

    @classmethod
    def binary(
        cls,
        weights: Mapping[str, float],
        *,
        bias: float = 0.0,
        labels: tuple[str, str] = ("negative", "positive"),
        name: str = "linear",
    ) -> LinearTextClassifier:
        """Return the two-label classifier whose log-odds of the second label are `bias` plus the words' weights."""
        return cls({word: (0.0, value) for word, value in weights.items()}, labels, bias=(0.0, bias), name=name)

    @property
    def task(self) -> Task:
        return Task.TEXT_CLASSIFICATION

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    @property
    def card(self) -> ModelCard:
        content = json.dumps([self._labels, sorted(self._weights.items()), self._bias]).encode()
        parameters = (len(self._weights) + 1) * len(self._labels)
        return ModelCard(
            name=self._name,
            digest=hashlib.sha256(content).hexdigest(),
            files={},
            architecture="LinearTextClassifier",
            base=None,
            task=self.task,
            labels=self._labels,
            max_length=None,
            parameters=parameters,
            bytes=8 * parameters,
        )

    def logits(self, inputs: Sequence[str]) -> FloatArray:
        """Return logits, shape (n, n_labels); correctly rounded sums, so the order of words changes no bit."""
        rows = np.zeros((len(inputs), len(self._labels)), dtype=np.float64)
        for i, text in enumerate(inputs):
            known = [(n, row) for word, n in Counter(words_of(text)).items() if (row := self._weights.get(word))]
            rows[i] = [math.fsum((bias, *(n * row[k] for n, row in known))) for k, bias in enumerate(self._bias)]
        return rows

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        logits = self.logits(inputs)
        if not len(inputs):
            return logits
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: FloatArray = powers / powers.sum(axis=1, keepdims=True)
        return probabilities


def words_of(text: str) -> list[str]:
    """Return the words that this classifier sees in `text`, in order."""
    return _WORD.findall(text.lower())
