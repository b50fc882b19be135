from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example, Task
from workbench.evidence.cards import ModelCard
from workbench.evidence.decision import Decision
from workbench.seeds import Streams


@dataclass(frozen=True)
class Oracle:
    """A classifier that knows each text's probabilities by heart."""

    known: dict[str, tuple[float, ...]]
    labels: tuple[str, ...]
    task: Task = Task.TEXT_CLASSIFICATION

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="oracle", digest="0" * 64, files={}, architecture="table", base=None, task=self.task,
            labels=self.labels, max_length=None, parameters=1234, bytes=5678,
        )  # fmt: skip

    def predict_proba(self, inputs: Sequence[str]) -> np.ndarray:
        return np.array([self.known[text] for text in inputs], dtype=np.float64).reshape(len(inputs), len(self.labels))


def build(probabilities, labels, *, names, people=None, groups=None):
    """Return an oracle and a corpus with these rows."""
    n = len(labels)
    rows = tuple(
        Example(
            id=f"e{i:05d}",
            person=f"p{people[i]:05d}" if people is not None else f"e{i:05d}",
            input=f"text {i}",
            label=names[labels[i]],
            groups={} if groups is None else {a: g[i] for a, g in groups.items() if g[i] is not None},
        )
        for i in range(n)
    )
    corpus = Corpus(rows, labels=tuple(names), name="made", source="test").canonical()
    oracle = Oracle({f"text {i}": tuple(map(float, probabilities[i])) for i in range(n)}, tuple(names))
    return oracle, corpus


def simulate(n, *, k=2, seed=0, ties=False, repeat=1, groups=None):
    """Return an oracle and a corpus whose probabilities are informative; `repeat` rows a person."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        p = np.round(p * 8) + 0.25
        p /= p.sum(axis=1, keepdims=True)
    named = {a: [g[i] for i in rng.integers(0, len(g), n)] for a, g in (groups or {}).items()}
    people = np.arange(n) // repeat if repeat > 1 else None
    return build(p, labels, names=[f"l{i}" for i in range(k)], people=people, groups=named or None)


def setting(positive="l1", *, seed=0, threshold=None):
    rule = Decision() if threshold is None else Decision(rule="threshold", threshold=threshold)
    return Setting(streams=Streams(seed), decision=rule, positive_label=positive)


@pytest.fixture
def bench():
    """Return (build, simulate, setting)."""
    return build, simulate, setting
