"""What a reader sees of attacks and tests of behaviour: one text each, before and after."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.evidence.schema import Stored


class Rewrite(Stored):
    """What an attack made of one text."""

    kind: Literal["rewrite"] = "rewrite"
    example: str
    recipe: str
    outcome: Literal["succeeded", "resisted", "exhausted", "skipped", "failed"]
    """`skipped`: the model was wrong already; `exhausted`: query budget spent; `failed`: the attack itself crashed."""
    label: str
    """True label."""
    original: str
    rewritten: str | None
    """None unless succeeded."""
    predicted_before: str
    predicted_after: str | None
    probability_before: float = Field(ge=0, le=1)
    """Model's probability of the true label before."""
    probability_after: float | None = Field(default=None, ge=0, le=1)
    queries: int = Field(ge=0)
    words_changed: int | None = None
    similarity: float | None = Field(default=None, ge=-1, le=1)
    """Cosine of the two texts' embeddings by the default sentence encoder; None unless succeeded, or without it."""
    words: int = Field(ge=0)
    search_precision: str = "float32"
    """What the search that gave this outcome computed in. A success is always confirmed in float32."""
    unconfirmed: bool = False
    """A search in bfloat16 claimed a success that float32 did not confirm; the outcome is that of a float32 search."""
    repeated: Literal["agreed", "missed"] | None = None
    """A text that resisted a search in bfloat16 and was searched again in float32, and whether that found a success."""
    error: str | None = None
    person: int | None = Field(default=None, ge=0)
    """Whose text it is: equal numbers, same person. The number means nothing else."""


class Judgement(Stored):
    """What one person says about a rewrite."""

    judge: str
    """Who, by the name given; the file's where none was."""
    label_kept: Literal["yes", "no", "unsure"]
    """Whether the rewritten text still deserves its label."""
    comment: str = ""


class JudgedRewrite(Stored):
    """What people say about a successful rewrite: only where it keeps its label is the new decision a mistake."""

    kind: Literal["judged_rewrite"] = "judged_rewrite"
    example: str
    recipe: str
    judgements: tuple[Judgement, ...] = Field(min_length=1)
    """One per judge."""

    @property
    def kept(self) -> float:
        """Share of the judges who say yes."""
        return sum(one.label_kept == "yes" for one in self.judgements) / len(self.judgements)


class Reduction(Stored):
    """What is left of one text when words are taken away while the decision stays."""

    kind: Literal["reduction"] = "reduction"
    example: str
    outcome: Literal["reduced", "exhausted", "failed"]
    """`exhausted`: query budget spent, so more words might go; `failed`: the reduction itself crashed."""
    label: str
    """True label."""
    decided: str
    """The label decided, before and after."""
    original: str
    reduced: str | None
    """None where it failed."""
    words: int = Field(ge=0)
    words_left: int | None = Field(default=None, ge=0)
    probability_before: float = Field(ge=0, le=1)
    """Model's probability of the label decided."""
    probability_after: float | None = Field(default=None, ge=0, le=1)
    queries: int = Field(ge=0)
    error: str | None = None


class Certificate(Stored):
    """What is proved of a smoothed model's decision about one text, whichever of its words are replaced."""

    kind: Literal["certificate"] = "certificate"
    example: str
    label: str
    """True label."""
    decided: str | None
    """None where no label was shown to have more than half of the votes: the smoothed model abstains."""
    words: int = Field(ge=0)
    kept: int = Field(ge=0)
    """Words shown to the model at a time."""
    lower: float = Field(ge=0, le=1)
    """At least so large is the chosen label's share of the votes."""
    radius: int | None = Field(ge=0)
    """Words that may be replaced without changing the decision; None where it abstains."""
    draws: int = Field(ge=1)
    """Texts that the model was asked about."""
    exact: bool
    """Whether these were all there are; otherwise `lower` rests on random draws."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.decided is None) != (self.radius is None):
            raise ValueError("a decision has a radius, and an abstention none")
        return self

    def holds(self, radius: int) -> bool:
        """Return whether the decision is right and certified at `radius` at least."""
        return self.decided == self.label and self.radius is not None and self.radius >= radius


class FailingCase(Stored):
    """One text that fails a behavioural test."""

    example: str
    """Example id, or '' for a text from a template."""
    text: str
    before: str | None
    """The text that it was made from; None for a text from a template."""
    label: str | None
    """The label that the test is about; None where the decision must only stay."""
    tolerance: float = Field(ge=0, le=1)
    """By how much the label's probability may fall."""
    decided_before: str | None
    decided: str
    watched: str
    """The label whose probabilities are given: the test's, or the one decided."""
    probability_before: float | None = Field(default=None, ge=0, le=1)
    probability: float = Field(ge=0, le=1)


class FailingCases(Stored):
    """The texts that fail one behavioural test."""

    kind: Literal["failing_cases"] = "failing_cases"
    behaviour: str
    test: Literal["minimum functionality", "invariance", "directional"]
    cases: tuple[FailingCase, ...]
    total: int = Field(ge=0)
    """How many fail in all; `cases` may hold fewer."""
    of: int = Field(ge=1)
    """Cases of the test."""
