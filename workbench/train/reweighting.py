"""What a recipe may say about how much each group counts: its table `[reweighting]`.

Each training example's loss is multiplied by a weight of its group and label, counted in the training split (never in
validation or test):

- `independent`: P(group) P(label) / P(group, label), under which label and group are independent (Kamiran and Calders
  2012, "Data preprocessing techniques for classification without discrimination");
- `groups`: n / (groups * count of group), under which every group has the same total weight (a group-balanced loss);
- `cells`: the same for every pair of group and label;
- a table group -> label -> weight. Whatever it does not name weighs 1.

The first three count people, so a private run takes the last only. Weights multiply a unit's loss before its gradient
is clipped: no unit can move the sum further than without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from workbench.data.corpus import Corpus
from workbench.errors import Misconfigured, NotFound
from workbench.evidence.schema import Stored

Weights = dict[str, dict[str, Annotated[float, Field(gt=0)]]]
"""Group -> label -> weight."""


class Reweighting(Stored):
    """How much each group, and each label in it, counts in the loss."""

    attribute: str
    """The sensitive attribute, one of the corpus's group columns. The model itself never sees it."""
    weights: Literal["independent", "groups", "cells"] | Weights = "independent"

    @property
    def counts(self) -> bool:
        """Whether the weights are counted in the training examples."""
        return isinstance(self.weights, str)


def group_weights(how: Reweighting, train: Corpus) -> Weights:
    """Return the weight of each group and label that `train` has, or of those that the recipe names.

    Raises `NotFound` where the corpus does not say the groups, or a table names a label that it has not.
    """
    membership = train.group_of(how.attribute)
    if not isinstance(how.weights, str):
        for row in how.weights.values():
            for label in row:
                if label not in train.labels:
                    raise NotFound.among("label", label, train.labels, where="reweighting.weights")
        return how.weights
    n, by_group = len(train), Counter(membership)
    by_label = Counter(example.label for example in train)
    cells = Counter(zip(membership, (example.label for example in train), strict=True))

    def weight(group: str, label: str) -> float:
        if how.weights == "independent":
            return by_group[group] * by_label[label] / (n * cells[group, label])
        if how.weights == "groups":
            return n / (len(by_group) * by_group[group])
        return n / (len(cells) * cells[group, label])

    found: Weights = {}
    for group, label in sorted(cells):
        found.setdefault(group, {})[label] = weight(group, label)
    return found


def example_weights(how: Reweighting | None, train: Corpus) -> tuple[float, ...]:
    """Return how much each example counts, (n,); 1 for all without a table. Raises as `group_weights` does."""
    if how is None:
        return (1.0,) * len(train)
    weights, membership = group_weights(how, train), train.group_of(how.attribute)
    return tuple(_of(weights, group, example.label) for group, example in zip(membership, train, strict=True))


def require_known(how: Reweighting, train: Corpus) -> None:
    """Raise `Misconfigured` where a table names a group that no example is in. Not for private runs: it would tell."""
    if how.counts:
        return
    known = set(train.group_of(how.attribute))
    if strange := sorted(set(how.weights) - known):
        raise Misconfigured(
            f"reweighting.weights names {', '.join(strange)}; the groups of {how.attribute!r} in training are "
            f"{', '.join(sorted(known))}"
        )


def _of(weights: Mapping[str, Mapping[str, float]], group: str, label: str) -> float:
    return weights.get(group, {}).get(label, 1.0)
