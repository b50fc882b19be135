"""Identity cards: which model, which data, which training."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, Self

from pydantic import Field, model_validator

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


class Reckoned(Stored):
    """What one accountant makes of the steps of a private run."""

    accountant: str
    """'prv', 'rdp', 'gdp' (approximate: it can say too little) or 'pld'."""
    library: str
    """Whose: package and version."""
    epsilon: float = Field(ge=0)
    error: str
    """What is known of its error: on which side of the true figure it lies, and how near."""


class PaidSteps(Stored):
    """Private steps of one run, all alike."""

    noise_multiplier: float = Field(gt=0)
    sample_rate: float = Field(gt=0, le=1)
    steps: int = Field(ge=1)


class PrivacyCard(Stored):
    """What a private training run guarantees, what that rests on, and what it does not cover."""

    epsilon: float = Field(ge=0)
    """The claim: what the recipe's accountant makes of all steps that were begun, an upper bound. It counts what a
    privately trained backbone had spent before."""
    delta: float = Field(gt=0, lt=1)
    unit: Literal["example", "person"]
    records: int | None = Field(default=None, ge=1)
    """Examples of one person that training saw at most; None where the unit is one example."""
    units: int = Field(ge=1)
    """How many there were in training."""
    left_out: int = Field(default=0, ge=0)
    """Examples beyond `records`, never seen."""
    neighbours: str
    """Which two data sets cannot be told apart."""
    sampling: str
    """What really chose who takes part in a step."""
    sample_rate: float = Field(gt=0, le=1)
    units_public: bool
    """Whether the sampling rate was derived from the number of units, which the guarantee then does not hide."""
    batch: int = Field(ge=1)
    """Expected units of a step, and what sums are divided by."""
    noise_multiplier: float = Field(gt=0)
    max_grad_norm: float = Field(gt=0)
    steps: int = Field(ge=1)
    """Steps that were begun: these are paid for."""
    lost: int = Field(default=0, ge=0)
    """Those of them that an interruption took back: paid for, and of no use."""
    before: tuple[PaidSteps, ...] = ()
    """Steps of the private runs that the backbone came from, oldest first; the claim composes them with this run's, as
    if all had been on the same units."""
    unprotected: bool = False
    """Whether the backbone had learned from other examples by a run without privacy, which nothing here protects."""
    clipping: str
    noise: str
    """Where noise and coins come from."""
    accountants: tuple[Reckoned, ...]
    trainable: int = Field(ge=1)
    """Parameters that training may change."""
    runs: int = Field(ge=1)
    """Private training runs on these examples, this one included, as far as the ledger here knows."""
    epsilon_of_runs: float | None = None
    """What all runs in the ledger spend together (their epsilons added up), were all of them published; None where the
    ledger does not say, or some of them protect less than this one's unit."""
    delta_of_runs: float | None = None
    """The delta of that: theirs added up. None where `epsilon_of_runs` is, and in cards of older versions."""
    checks: tuple[str, ...]
    """Checks of its own mechanism that the run passed, by name."""
    not_covered: tuple[str, ...]
    """What is published beside the weights and is not covered by the guarantee, and what it assumes."""

    @property
    def paid(self) -> tuple[PaidSteps, ...]:
        """All steps that the claim counts, oldest first: what made the backbone, then this run's."""
        own = PaidSteps(noise_multiplier=self.noise_multiplier, sample_rate=self.sample_rate, steps=self.steps)
        return (*self.before, own)


class CanaryRun(Stored):
    """Canaries of a training run, stored beside its weights as `canaries.json`: which were used, how each scored."""

    kind: Literal["gradient", "text"]
    """'gradient': made-up gradients along one coordinate each, seen in every released gradient; 'text': made-up texts,
    by what the finished model says of them."""
    included: tuple[bool, ...]
    """Whether each was a unit of the run, by a fair coin."""
    scores: tuple[float, ...]
    """Higher: more likely a unit."""
    positive_guesses: int = Field(ge=0)
    negative_guesses: int = Field(ge=0)
    """How many of the highest are guessed to be units, and of the lowest not to be: fixed before training."""
    epsilon: float = Field(ge=0)
    delta: float = Field(gt=0, lt=1)
    """What the run's own steps spend: what had made its backbone was before the canaries."""
    steps: int = Field(ge=1)


class TextCanaries(Stored):
    """Made-up texts of a training run, stored beside its weights as `text_canaries.json`: which it learned from."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    """Of each, dealt at random: nothing in a text tells it."""
    included: tuple[bool, ...]
    """Whether the run learned from it, by a fair coin."""
    guesses: int = Field(ge=1)
    """How many coins an audit guesses: fixed before training."""


class MembershipList(Stored):
    """Who could have been learned from, and who was: stored beside the weights as `membership.json`."""

    drawn: bool
    """Whether a fair coin of its own decided for each unit. Else members and others may differ in other ways, too."""
    corpus: str | None
    """Digest of the whole corpus that the ids are from; None for a list that somebody gave, with ids alone."""
    unit: Literal["example", "person"]
    """What one coin decided about; people of the corpus in a list that somebody gave."""
    ids: tuple[str, ...]
    """Example ids, sorted."""
    member: tuple[bool, ...]
    """Whether each was learned from."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.ids) != len(self.member) or len(set(self.ids)) != len(self.ids):
            raise ValueError("a membership list needs one True or False for each id, and no id twice")
        return self

    @property
    def digest(self) -> str:
        """sha256 of the list as it is stored."""
        return hashlib.sha256(self.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()


class TrainingCard(Stored):
    """How a model was made: stored beside its weights as `training.json`."""

    recipe: dict[str, Any]
    backbone_digest: str | None = None
    """sha256 over config, weights and tokenizer of the backbone that the recipe names; None in older cards."""
    corpus: CorpusCard
    """The training split."""
    fingerprints: str | None
    """File beside the weights that lists hashes of the training examples' texts and people, for overlap counts; None
    for a private model, whose folder would tell who took part."""
    curve: tuple[EpochPoint, ...]
    best_step: int
    steps: int
    stopped: str
    """Why training ended: 'epochs completed', 'early stopping after …'."""
    class_weights: dict[str, float] | None
    group_weights: dict[str, dict[str, float]] | None = None
    """Group -> label -> weight in the loss; None: all groups count alike."""
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
    privacy: PrivacyCard | None = None
    """None: it was trained without a guarantee."""
