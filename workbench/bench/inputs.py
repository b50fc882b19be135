"""The same model and the same held-out texts for both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.bench.results import Lengths
from workbench.data.corpus import Corpus, Example, hashed
from workbench.data.labels import align
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.errors import EmptyData, NotFound
from workbench.evidence.decision import Decision
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.seeds import Streams

CORPUS = "reviews"
STREAMS = Streams(0)
"""Both sides take their seeds from here, one for each example."""
_CANDIDATES = 4
"""Times as many examples as needed are decided, to find enough that are decided rightly."""


@dataclass(frozen=True)
class Case:
    """One text with what is asked about it."""

    example: Example
    target: int
    """Column of the label: the one decided."""

    @property
    def text(self) -> str:
        return self.example.input

    def seed(self, method: str) -> int:
        """Return the seed of `method` on this text: 31 bits, which every library takes as they are."""
        return STREAMS.seed("explain", method, self.example.id) % 2**31


@dataclass(frozen=True)
class Inputs:
    """The model, and texts that it reads whole, in the order of the hash of their id."""

    model: HuggingFaceTextClassifier
    corpus: Corpus
    """Held out."""
    everything: tuple[str, ...]
    """Distinct texts of the whole corpus, for measuring how cost grows."""

    def cases(self, n: int) -> list[Case]:
        """Return `n` examples that the model decides rightly, so that every one can be attacked."""
        pool = self.corpus.examples[: _CANDIDATES * n]
        decided = Decision().decide(self.model.predict_proba([example.input for example in pool]), 1)
        labels = self.model.labels
        right = [
            Case(example, int(column))
            for example, column in zip(pool, decided, strict=True)
            if labels[column] == example.label
        ]
        if not right:
            raise EmptyData(f"the model decides none of the first {len(pool)} texts rightly; nothing can be attacked")
        return right[:n]

    def texts(self, n: int) -> list[str]:
        """Return `n` texts, or as many as there are."""
        return list(self.corpus.inputs[:n])

    def lengths(self, cases: Sequence[Case]) -> Lengths:
        """Return how many tokens they have."""
        found = [len(ids) for ids in self.model.encoder.ids([case.text for case in cases])]
        return Lengths(n=len(found), mean=float(np.mean(found)), low=min(found), high=max(found))


def load_inputs(model: str | Path, *, device: str, corpus: Corpus | None = None) -> Inputs:
    """Load the checkpoint `model` and the test split of `corpus` (default: the named corpus `reviews`).

    Raises:
        NotFound: no such checkpoint; the message says how the default one is made.
        EmptyData: no text is short enough for the model to read it whole.
    """
    if not Path(model).is_dir():
        raise NotFound(
            f"no model folder {str(model)!r} to run the benchmark on: `make demo` trains the default one in runs/demo "
            "(about five minutes), or name another checkpoint for the same labels with --model"
        )
    whole = load_corpus(CORPUS) if corpus is None else corpus
    classifier = load_checkpoint(model, device=device)
    held_out = align(split(whole, "test") if whole.split == "all" else whole, classifier.labels, {})
    ordered = sorted(held_out.examples, key=lambda example: (hashed(example.id), example.id))
    read = [example for example in ordered if not classifier.truncated([example.input])]
    distinct = list({example.input: example for example in reversed(read)}.values())[::-1]
    if not distinct:
        raise EmptyData(f"every text of {whole.name} is longer than {model} reads; stock would cut or refuse it")
    everything = sorted(whole.examples, key=lambda example: (hashed(example.id), example.id))
    return Inputs(
        classifier,
        replace(held_out, examples=tuple(distinct)),
        tuple(dict.fromkeys(example.input for example in everything)),
    )
