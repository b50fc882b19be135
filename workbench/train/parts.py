"""Which examples a run learns from, which it watches, and which it is judged on at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.data.corpus import Corpus
from workbench.data.splits import SHARES, assign, split
from workbench.errors import EmptyData
from workbench.evidence.cards import MembershipList
from workbench.seeds import Streams
from workbench.train.experiment import half
from workbench.train.recipe import Recipe


@dataclass(frozen=True)
class Parts:
    """The splits in canonical order, sampled as the recipe says, and how large they were before."""

    train: Corpus
    validation: Corpus
    test: Corpus
    validation_of: int
    test_of: int
    membership: MembershipList | None = None
    """Of an experiment: who could have been in `train`, and who is."""


def divide(corpus: Corpus, recipe: Recipe) -> Parts:
    """Return the parts of `corpus`. Raises `EmptyData` where nothing, or one label only, is left to learn from."""
    whole = {name: part.canonical() for name, part in _split(corpus).items()}
    train = whole["train"] if recipe.limit is None else whole["train"].sample(recipe.limit)
    membership = None
    if recipe.experiment:
        train, membership = half(train, recipe, corpus=corpus.digest)
    present = sorted({example.label for example in train})
    if len(present) < 2:
        found = f"only the label {present[0]!r}" if present else "no examples"
        raise EmptyData(
            f"corpus {corpus.name!r}: the training split of {len(train)} has {found}; a classifier needs examples of "
            f"at least two of {', '.join(corpus.labels)}: add data, or raise limit"
        )
    validation = whole["validation"].sample(recipe.validation_limit)
    if recipe.random_labels:
        streams = Streams(recipe.seed)
        train, validation = (_dealt(part, streams.stream("random labels", part.split)) for part in (train, validation))
    return Parts(
        train=train,
        validation=validation,
        test=whole["test"].sample(recipe.test_limit),
        validation_of=len(whole["validation"]),
        test_of=len(whole["test"]),
        membership=membership,
    )


def _dealt(part: Corpus, rng: np.random.Generator) -> Corpus:
    """Return `part` with its own labels in random order."""
    labels = [part.examples[int(i)].label for i in rng.permutation(len(part))]
    return replace(part, examples=tuple(replace(one, label=label) for one, label in zip(part, labels, strict=True)))


def _split(corpus: Corpus) -> dict[str, Corpus]:
    """Return what `split` returns for each part; who belongs where is found out once."""
    where = assign(corpus) if corpus.split == "all" else ()
    if set(where) < set(SHARES):
        return {name: split(corpus, name) for name in SHARES}  # raises the error that fits
    rows = list(zip(corpus, where, strict=True))
    return {name: replace(corpus, examples=tuple(e for e, at in rows if at == name), split=name) for name in SHARES}
