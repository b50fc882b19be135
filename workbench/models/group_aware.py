"""A model that decides by group: another's scores, and thresholds that depend on whose text it is.

What it learned is in the scores, which are the other model's, bit by bit. The text alone does not decide: somebody's
group is needed every time, and decisions may be drawn. So it is no `Classifier`, and cannot be mistaken for one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.data.corpus import Task
from workbench.errors import BadInput, Misconfigured, Unsupported
from workbench.evidence.cards import ModelCard
from workbench.evidence.group_rule import GroupRule
from workbench.evidence.mitigation import MitigationCard
from workbench.models.checkpoint import GROUP_RULE
from workbench.models.protocols import Classifier, FloatArray
from workbench.models.training_card import read_stored

RULE, CARD = GROUP_RULE, "mitigation.json"
"""Files beside the weights: the rule is part of the model's digest; the card tells how it came about."""


@dataclass(frozen=True)
class GroupAwareClassifier:
    """`scores`, decided by `rule`."""

    scores: Classifier
    rule: GroupRule
    mitigation: MitigationCard | None = None

    def __post_init__(self) -> None:
        if len(self.scores.labels) != 2:
            raise Unsupported(f"thresholds by group need two labels; the model has {len(self.scores.labels)}")
        if self.rule.positive_label not in self.scores.labels:
            raise Misconfigured(
                f"the rule is about the label {self.rule.positive_label!r}; the model has {list(self.scores.labels)}"
            )

    @property
    def task(self) -> Task:
        return self.scores.task

    @property
    def labels(self) -> tuple[str, ...]:
        return self.scores.labels

    @property
    def folder(self) -> Path | None:
        """Where the model lies; None where it lies nowhere."""
        return getattr(self.scores, "folder", None)

    @cached_property
    def card(self) -> ModelCard:
        """The scores' card, with a digest of its own where the rule does not lie beside the weights."""
        card = self.scores.card
        if RULE in card.files:
            return card
        digest = hashlib.sha256(f"{card.digest} {self.rule.model_dump_json()}".encode()).hexdigest()
        return card.model_copy(update={"name": f"{card.name}, decided by group", "digest": digest})

    def predict_proba(self, inputs: Sequence[str], groups: Sequence[str]) -> FloatArray:
        """Return how likely each label is to be *decided*, (n, 2), for texts of people in `groups` (n,).

        0 or 1 where the decision is certain, between them where it is drawn. How likely a label is to be *true* is what
        `scores` says. Raises `BadInput` for a group that the rule refuses, or where groups and texts are not as many.
        """
        if len(inputs) != len(groups):
            raise BadInput(
                f"{len(inputs)} texts and {len(groups)} groups: one of {self.rule.attribute!r} for each text"
            )
        column = self.labels.index(self.rule.positive_label)
        chance = self.rule.positive(self.scores.predict_proba(inputs)[:, column], groups)
        found = np.empty((len(inputs), 2), dtype=np.float64)
        found[:, column], found[:, 1 - column] = chance, 1 - chance
        return found


def read_rule(folder: Path) -> GroupRule | None:
    """Return the rule in `folder`; None for a model that decides without. Raises `BadInput` for one that is damaged."""
    return read_stored(folder / RULE, GroupRule, "the decision rule by group")


def read_mitigation(folder: Path) -> MitigationCard | None:
    """Return the card of the rule in `folder`; None without. Raises `BadInput`."""
    return read_stored(folder / CARD, MitigationCard, "the card of the mitigation")
