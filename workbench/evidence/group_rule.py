"""A decision rule that asks whose text it is: thresholds by group, as post-processing finds them.

For a score s of somebody in group g, the positive label is decided with probability

    p(s, g) = ignored * constant + (1 - ignored) * (first_share * [first takes s] + second_share * [second takes s]),

which is Fairlearn's `InterpolatedThresholder` (Hardt, Price and Srebro 2016, "Equality of Opportunity in Supervised
Learning"), in the order of its arithmetic, so that the two agree to the last digits. Probabilities between 0 and 1 mean
that the decision is drawn: two people with the same score and group may be decided differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.errors import BadInput
from workbench.evidence.schema import Stored
from workbench.seeds import Streams

Floats = NDArray[np.float64]


class Cut(Stored):
    """Which scores are taken. Without `at`, all or none: Fairlearn's thresholds at plus or minus infinity."""

    takes: Literal["above", "below", "all", "none"]
    at: float | None = None
    """Strictly above, or below, this score."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.at is None) != (self.takes in ("all", "none")):
            raise ValueError(f"a cut that takes {self.takes!r} {'needs' if self.at is None else 'has no'} threshold")
        return self

    def of(self, scores: Floats) -> NDArray[np.bool_]:
        """Return whether each of `scores` (n,) is taken."""
        if self.at is None:
            return np.full(len(scores), self.takes == "all")
        return np.asarray(scores > self.at if self.takes == "above" else scores < self.at)


class GroupCut(Stored):
    """How one group is decided: two cuts and how often each is used."""

    group: str
    n: int = Field(ge=1)
    """Examples of the group that it was fitted on."""
    first: Cut
    first_share: float = Field(ge=0, le=1)
    second: Cut
    second_share: float = Field(ge=0, le=1)
    ignored: float = Field(default=0.0, ge=0, le=1)
    """Share of decisions that do not look at the score; then the positive label is decided with `constant`."""
    constant: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.first_share + self.second_share - 1) > 1e-9:
            raise ValueError(f"group {self.group!r}: the two cuts' shares must add up to 1")
        return self

    def positive(self, scores: Floats) -> Floats:
        """Return the probability of deciding the positive label at each of `scores` (n,)."""
        found = self.first_share * self.first.of(scores) + self.second_share * self.second.of(scores)
        return np.asarray(self.ignored * self.constant + (1 - self.ignored) * found, dtype=np.float64)


class GroupRule(Stored):
    """Decisions of a two-label model by the group of one sensitive attribute, which they need every time."""

    attribute: str
    positive_label: str
    groups: tuple[GroupCut, ...]
    unknown: Literal["refuse", "overall"] = "overall"
    """What becomes of somebody whose group has no rule: nobody decides, or the one threshold for everybody does."""
    overall: float = Field(default=0.5, gt=0, lt=1)
    """That threshold: positive from this score on."""
    mix: float = Field(default=1.0, ge=0, le=1)
    """Share of decisions that the groups' rules take; the rest is decided by `overall`."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.group for one in self.groups]
        if len(set(names)) != len(names):
            raise ValueError(f"a group of {self.attribute!r} has two rules")
        return self

    def known(self, groups: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each of `groups` (n,) has a rule of its own."""
        names = {one.group for one in self.groups}
        return np.array([group in names for group in groups], dtype=np.bool_)

    def positive(self, scores: Floats, groups: Sequence[str]) -> Floats:
        """Return the probability of deciding the positive label, (n,), from its `scores` (n,) and everybody's group.

        Raises `BadInput` for a group without a rule where `unknown` is 'refuse'.
        """
        scores = np.asarray(scores, dtype=np.float64)
        if self.unknown == "refuse" and not (known := self.known(groups)).all():
            strangers = sorted({group for group, has in zip(groups, known, strict=True) if not has})
            raise BadInput(
                f"no decision rule for {', '.join(map(repr, strangers[:5]))} of {self.attribute!r}, and this model "
                "refuses to decide about groups that it has none for; leave these examples out, or make the model "
                "with --unknown overall"
            )
        plain = (scores >= self.overall).astype(np.float64)
        found = plain.copy()
        held = np.array(groups, dtype=object)
        for one in self.groups:
            rows = held == one.group
            found[rows] = one.positive(scores[rows])
        return found if self.mix == 1 else np.asarray(self.mix * found + (1 - self.mix) * plain, dtype=np.float64)

    def drawn(self, chances: Floats, ids: Sequence[str], streams: Streams) -> NDArray[np.bool_]:
        """Return whether each example is decided positive: drawn once where its chance lies between 0 and 1.

        The draw depends on the root seed and the example's id, on nothing else.
        """
        found = chances >= 1
        for i in np.flatnonzero((chances > 0) & (chances < 1)):
            found[i] = streams.stream("decision by group", ids[int(i)]).random() < chances[i]
        return np.asarray(found, dtype=np.bool_)
