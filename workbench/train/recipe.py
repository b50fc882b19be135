"""What a training run is told: everything that decides the result, and nothing about where it runs."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from workbench.data.corpus import Task
from workbench.errors import Misconfigured
from workbench.evidence.schema import Stored
from workbench.files import read_toml
from workbench.train.adapter import Adapter
from workbench.train.augmentation import Adversarial, Augmentation, Embedding
from workbench.train.privacy import Privacy
from workbench.train.reweighting import Reweighting

SHIPPED = Path(__file__).parent / "recipes"
_TABLES = ("adapter", "augmentation", "privacy", "reweighting")
_NOT_PRIVATE: dict[str, str] = {
    "epochs": "privacy.steps says how long training takes",
    "batch_size": "privacy.batch says how large a step is",
    "accumulation": "privacy.physical_tokens bounds memory",
    "gradient_clipping": "privacy.max_grad_norm bounds each unit's gradient",
    "evaluate_every": "a private run is evaluated once, at its end",
    "early_stopping_patience": "a private run takes a fixed number of steps",
}
"""Keys that a private recipe leaves as they are, and why."""


class Recipe(Stored):
    """How to fine-tune a text classifier. The defaults are the shipped recipe, `recipes/default.toml`."""

    backbone: str = "all-minilm-l6-v2"
    """A named model, a checkpoint folder, or a hub id."""
    task: Task = Task.TEXT_CLASSIFICATION
    data: str = "reviews"
    """A named corpus, a file, or a hub data set."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many training examples, sampled by hash of their id; validation and test are not touched."""
    fraction: float | None = Field(default=None, gt=0, le=1)
    """About this share of the training examples: each takes part by a hash of its own id (with `unit = "person"` in
    `[privacy]`, of its person), whoever else is there; so a private run may use it, where `limit` is refused."""
    epochs: int = Field(default=1, ge=1)
    batch_size: int = Field(default=32, ge=1)
    """Texts per forward pass, over all processes."""
    accumulation: int = Field(default=1, ge=1)
    """Forward passes per step: a step sees batch_size * accumulation texts, exactly like one batch of that size."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """'adamw': Loshchilov and Hutter 2019. 'sgd': gradient descent with `momentum`, as in much of the literature on
    private training: nothing divides by the size of past gradients, which here is mostly noise's."""
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """Of 'sgd'; None: 0.9."""
    learning_rate: float = Field(default=1e-4, gt=0, le=100)
    """At the peak, after warm-up. Above 1 only with 'sgd', whose steps are as long as its gradients."""
    schedule: Literal["linear", "constant"] = "linear"
    """After warm-up the learning rate falls linearly to (almost) zero, or stays."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of all steps over which the learning rate rises linearly."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled ('adamw'), or added to the gradient ('sgd'); never on biases and normalisation layers."""
    gradient_clipping: float | None = Field(default=1.0, gt=0)
    """Longest gradient (Euclidean norm over all parameters); None for no limit."""
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = "none"
    """'balanced': each label weighs n / (labels * its count), as scikit-learn's compute_class_weight. Or a table: label
    to weight, which a private run needs where it weighs labels, because it may not count them."""
    random_labels: bool = False
    """Deal the labels of training and validation examples out at random, each as often as before. The model that this
    makes is good for one thing: an audit compares explanations with its (`--label-randomised`)."""
    experiment: bool = False
    """Learn from a random half: a fair coin of its own decides for each person (each unit, with privacy) whether the
    run learns from them, and `membership.json` beside the weights keeps the coins. An audit then measures how well an
    attacker tells who took part (`privacy.membership@1`). For measuring; a model to be released learns from all."""
    canaries: int = Field(default=0, ge=0)
    """Made-up texts with labels dealt at random, half of which, by a fair coin each, become training examples: what the
    model knows of them it can only have memorised (`privacy.exposure@1`). `text_canaries.json` keeps them."""
    max_length: int = Field(default=256, ge=8)
    """Tokens read of one text, in training and ever after."""
    pooling: Literal["backbone", "mean"] = "backbone"
    """What is classified: 'backbone': as its architecture has it (BERT: a dense layer over the first token); 'mean':
    the mean over tokens, which sentence encoders such as the default one were made for."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """None: as the backbone's config says."""
    evaluate_every: int | None = Field(default=None, ge=1)
    """Steps between two evaluations on the validation split; None: at the end of each epoch. The end always counts."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between two states to resume from; every evaluation leaves one too."""
    early_stopping_patience: int | None = Field(default=None, ge=1)
    """Stop after so many evaluations without improvement; None: never."""
    early_stopping_min_delta: float = Field(default=0.0, ge=0)
    """By how much the validation loss must fall to count as improvement."""
    validation_limit: int = Field(default=500, ge=1)
    """At most so many validation examples, sampled by hash of their id, so that evaluation time is bounded."""
    test_limit: int = Field(default=1_000, ge=1)
    """At most so many test examples in the closing report; the audit uses them all."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """'bfloat16' is autocast: weights stay float32. 'auto': bfloat16 where the hardware has it, else float32."""
    seed: int = Field(default=0, ge=0)
    adapter: Adapter | None = None
    """Which parameters training may change; None: all. See `workbench.train.adapter`."""
    privacy: Privacy | None = None
    """Train with differential privacy: see `workbench.train.privacy`."""
    reweighting: Reweighting | None = None
    """How much each group counts in the loss: see `workbench.train.reweighting`."""
    augmentation: Augmentation | None = None
    """What training sees beside the texts: see `workbench.train.augmentation`."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.task is not Task.TEXT_CLASSIFICATION:
            raise ValueError(f"task: only {Task.TEXT_CLASSIFICATION} can be trained in this version; got {self.task}")
        if self.optimiser == "adamw" and self.learning_rate > 1:
            raise ValueError(
                f"learning_rate: {self.learning_rate:g} is more than 1, and adamw changes every number by about so "
                "much in a step; lower it, or choose optimiser sgd"
            )
        if self.optimiser == "adamw" and self.momentum is not None:
            raise ValueError("momentum: has no effect on adamw; leave it out, or choose optimiser sgd")
        if self.early_stopping_min_delta and self.early_stopping_patience is None:
            raise ValueError("early_stopping_min_delta: has no effect without early_stopping_patience; set both")
        if self.experiment and self.random_labels:
            raise ValueError("experiment: attacks need the labels that were learned; leave random_labels out")
        if self.privacy is not None:
            self._private()
        elif isinstance(self.augmentation, Adversarial) and not self.augmentation.rounds(self.epochs):
            raise ValueError(
                f"augmentation.clean_epochs: {self.augmentation.clean_epochs} leave none of {self.epochs} epochs for "
                "attacks; raise epochs"
            )
        return self

    def _private(self) -> None:
        """Raise ValueError for what a private run cannot do."""
        for key, why in _NOT_PRIVATE.items():
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key}: has no effect in a private run: {why}; leave it out")
        if self.limit is not None:
            raise ValueError(
                "limit: takes the examples that rank first, so one that leaves lets another in, and the model would "
                "differ by two where epsilon counts one; give fraction, which decides for each by itself"
            )
        if self.random_labels:
            raise ValueError(
                "random_labels: deals the labels of all examples out among each other, so one that leaves changes the "
                "labels of others; leave it out of a private run"
            )
        if self.class_weights == "balanced":
            raise ValueError(
                "class_weights: 'balanced' counts the labels of private examples; give a table of label = weight"
            )
        if self.reweighting is not None and self.reweighting.counts:
            raise ValueError(
                f"reweighting.weights: {self.reweighting.weights!r} counts the groups of private examples; give a "
                "table of group, label and weight that owes nothing to them"
            )
        if isinstance(self.augmentation, Embedding) and self.augmentation.method == "virtual":
            raise ValueError(
                "augmentation.method: 'virtual' compares two copies of a text with each other, and clipped sums are "
                "made of the losses of single copies; choose 'pgd' or 'freelb' for a private run"
            )

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read a TOML file, or a shipped recipe by name ('default').

        Raises:
            NotFound: no such file.
            Misconfigured: not TOML, an unknown key or an impossible value; the message starts with file and key.
        """
        found = read_toml(path, kind="recipe", shipped=SHIPPED)
        return cls.checked(found.table, where=found.where)

    @classmethod
    def checked(cls, content: dict[str, Any], *, where: str) -> Recipe:
        """Return the recipe with `content`. Raises `Misconfigured`; its message starts with `where`."""
        for key in content:
            if key not in cls.model_fields:
                raise Misconfigured(f"{where}: {_unknown(key, content[key], cls)}")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise Misconfigured("; ".join(f"{where}: {_said(problem)}" for problem in error.errors())) from None

    def but(self, *, where: str = "recipe", **changes: Any) -> Recipe:
        """Return this recipe with `changes`, checked; a change to None is no change (a flag not given)."""
        given = {key: value for key, value in changes.items() if value is not None}
        return self.checked({**self.model_dump(), **given}, where=where)


def _unknown(key: str, value: Any, recipe: type[Recipe]) -> str:
    if isinstance(value, dict):
        inner = next(iter(value), None)
        where = f"{key}{'' if inner is None else f'.{inner}'}"
        return f"{where}: a recipe has the tables {', '.join(_TABLES)}; put other keys at the top level"
    near = difflib.get_close_matches(key, recipe.model_fields, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(recipe.model_fields)})"
    return f"{key}: unknown key{hint}"


def _said(problem: Any) -> str:
    """Return one of pydantic's errors as 'key: what is wrong; got value'."""
    key = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message}; got {problem['input']!r}" if key else message
