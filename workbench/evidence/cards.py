"""Identity cards: which model, which data, which training."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from workbench.evidence.schema import Stored


class Dropped(Stored):
    """Rows left out of a corpus, and why."""

    reason: str
    n: int = Field(ge=1)


class CorpusCard(Stored):
    """Which examples were used, where they came from, what was left out."""

    name: str
    """Named corpus, file name or hub id; never a full path of somebody's machine."""
    digest: str
    """sha256 over the sorted examples (id, person, input, label, groups): the order of rows does not matter."""
    source: str
    """Package and version, file name with its sha256, or hub id and revision."""
    licence: str
    split: str
    n: int = Field(ge=0)
    people: int = Field(ge=0)
    labels: dict[str, int]
    """Label -> number of examples, in label order."""
    groups: dict[str, dict[str, int]]
    """Attribute -> group -> number of examples."""
    dropped: tuple[Dropped, ...] = ()
    repeated: int = 0
    """How many examples repeat the text of an earlier one, so that n may overstate the information."""
    words_median: float | None = None
    words_max: int | None = None
    in_training: int | None = None
    """How many of these examples share a person or text with the model's training data; None where unknown."""
    truncated: int | None = None
    """How many of these examples are longer than the model reads; None where not counted yet."""


class ModelCard(Stored):
    """Which model it is, byte for byte."""

    name: str
    digest: str
    """sha256 over the sorted (file name, sha256) of config, all weight files and tokenizer files."""
    files: dict[str, str]
    """File name -> sha256."""
    architecture: str
    base: str | None
    """The model it was fine-tuned from, where known."""
    task: str
    labels: tuple[str, ...]
    max_length: int | None
    """Tokens read of one text; the rest is cut off and counted."""
    parameters: int
    bytes: int
    """Size of the weight files on disk."""


class EpochPoint(Stored):
    """One row of the training curve."""

    epoch: float
    step: int
    train_loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    validation_roc_auc: float | None = None


class AttackRound(Stored):
    """One round of attacks against the model in training, whose rewritings it then learned from."""

    epoch: int = Field(ge=0)
    """At whose start, counted from 0."""
    drawn: int = Field(ge=0)
    """Training examples drawn."""
    attacked: int = Field(ge=0)
    """Of these, those that the model decided rightly."""
    failed: int = Field(ge=0)
    """Those that the attack crashed on."""
    succeeded: int = Field(ge=0)
    """Those that it found a rewriting of."""
    seconds: float = Field(ge=0)


class AugmentationCard(Stored):
    """What a model has seen in training beside the texts of its corpus."""

    families: tuple[str, ...]
    """Families of edits; an attack of one of them is no test of the model."""
    primary_attack: str | None
    """The attack, of another family, that was named before training to judge the model by."""
    rewritings: int = Field(ge=0)
    """Rewritten texts that the last epoch learned from."""
    rounds: tuple[AttackRound, ...] = ()


class TrainingCard(Stored):
    """How a model was made: stored beside its weights as `training.json`."""

    recipe: dict[str, Any]
    backbone_digest: str | None = None
    """sha256 over config, weights and tokenizer of the backbone that the recipe names; None in older cards."""
    corpus: CorpusCard
    """The training split."""
    fingerprints: str
    """File beside the weights that lists hashes of the training examples' texts and people, for overlap counts."""
    curve: tuple[EpochPoint, ...]
    best_step: int
    steps: int
    stopped: str
    """Why training ended: 'epochs completed', 'early stopping after …'."""
    class_weights: dict[str, float] | None
    validation_report: str
    test_report: str
    """scikit-learn's classification report, verbatim."""
    device: str
    processes: int
    precision: str
    seconds: float
    date: str
    code: str
    versions: dict[str, str]
    resumed: int = 0
    """How many times training was resumed after an interruption."""
    augmentation: AugmentationCard | None = None
    """None: it learned from the corpus alone."""
