"""Which examples a run learns from, which it watches, and which it is judged on at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.data.corpus import Corpus
from workbench.data.splits import SHARES, assign, place, split
from workbench.errors import EmptyData
from workbench.evidence.cards import MembershipList, TextCanaries
from workbench.seeds import Streams
from workbench.text.words import normalise
from workbench.train.experiment import half
from workbench.train.planted import planted
from workbench.train.recipe import Recipe

OWN_SHARE = 0.7
"""A private run learns from the texts that rank below this share by their own hash, 0.05 below the cut of the ordinary
training part: that cut moves with every row, by about 0.4 / sqrt(rows) of the corpus, so that in one of a few
thousand rows nothing of the test part lies below."""


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
    pool: Corpus | None = None
    """Of an experiment: all on whom the coins decided."""
    shared: int = 0
    """Examples of the ordinary validation and test parts that were left out, as a private run may learn from them."""
    canaries: TextCanaries | None = None
    """Made-up texts, and which of them are in `train`."""


def divide(corpus: Corpus, recipe: Recipe, *, backbone: str = "") -> Parts:
    """Return the parts of `corpus`. Raises `EmptyData` where nothing, or one label only, is left to learn from.

    `backbone`: digest of what the run starts from; made-up texts follow from it, and nothing else does.
    """
    whole = {name: part.canonical() for name, part in _split(corpus).items()}
    held_out = sum(len(whole[name]) for name in ("validation", "test"))
    if recipe.privacy is not None:
        whole = _apart(private_part(corpus).canonical(), whole)
    train = whole["train"]
    if recipe.fraction is not None:
        train = train.fraction(recipe.fraction, by="example" if recipe.privacy is None else recipe.privacy.unit)
    if recipe.limit is not None:
        train = train.sample(recipe.limit)
    membership, pool = None, None
    if recipe.experiment:
        pool = train
        train, membership = half(train, recipe, corpus=corpus.digest)
    canaries = None
    if recipe.canaries:
        train, canaries = planted(train, recipe, backbone=backbone)
    present = sorted({example.label for example in train})
    if len(present) < 2:
        found = f"only the label {present[0]!r}" if present else "no examples"
        raise EmptyData(
            f"corpus {corpus.name!r}: the training split of {len(train)} has {found}; a classifier needs examples of "
            f"at least two of {', '.join(corpus.labels)}: add data, or raise limit or fraction"
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
        pool=pool,
        shared=held_out - len(whole["validation"]) - len(whole["test"]),
        canaries=canaries,
    )


def private_part(corpus: Corpus) -> Corpus:
    """Return the examples of the whole `corpus` that a private run may learn from.

    Each is in or out by its own text and nothing else: where it depended on other examples, one person who leaves would
    let others in or out, and the model differ by more people than epsilon counts.
    """
    return replace(corpus.where(lambda one: place(one.input) < OWN_SHARE), split="train")


def _apart(train: Corpus, whole: Mapping[str, Corpus]) -> dict[str, Corpus]:
    """Return the parts with `train` for training, and nothing of its people and texts held out.

    Left out is what is held out, never what is learned from.
    """
    people, texts = {one.person for one in train}, {normalise(one.input) for one in train}
    rest = {
        name: whole[name].where(lambda one: one.person not in people and normalise(one.input) not in texts)
        for name in ("validation", "test")
    }
    return {"train": train, **rest}


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
