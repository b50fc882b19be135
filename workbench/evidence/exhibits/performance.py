"""What a reader sees of decisions: which are confused, curves, cases worth a look, and slices that do worse."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.evidence.measurement import Facets, Interval
from workbench.evidence.schema import Stored


class Confusion(Stored):
    """Counts of decided against true labels."""

    kind: Literal["confusion"] = "confusion"
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """Rows: true label; columns: decided label."""


class CurvePoint(Stored):
    """One point of a curve with its uncertainty."""

    x: float
    y: float
    low: float
    high: float
    n: int = Field(ge=1)


class Curve(Stored):
    """A measured curve, e.g. a reliability diagram."""

    kind: Literal["curve"] = "curve"
    name: str
    """e.g. 'reliability', 'roc', 'threshold_sweep'."""
    x_label: str
    y_label: str
    points: tuple[CurvePoint, ...]
    reference: Literal["diagonal", "none"] = "none"
    method: str
    """How low and high were computed."""
    where: Facets = Field(default_factory=dict)
    x_scale: Literal["linear", "log"] = "linear"


class Case(Stored):
    """One audited example that a reader may want to see."""

    example: str
    text: str
    label: str
    predicted: str
    probability: float = Field(ge=0, le=1)
    """Probability of the predicted label."""
    groups: dict[str, str] = Field(default_factory=dict)


class Cases(Stored):
    """A capped list of examples, e.g. the most confident mistakes."""

    kind: Literal["cases"] = "cases"
    title: str
    cases: tuple[Case, ...]
    total: int = Field(ge=0)
    """How many there are in all; `cases` may hold fewer."""


class Slice(Stored):
    """A part of the data that looked worse than the rest on one half, and how it does on the other."""

    name: str
    """The rule that makes it, e.g. 'words <= 12'."""
    n_found: int = Field(ge=1)
    people_found: int = Field(ge=1)
    error_found: float = Field(ge=0, le=1)
    """Share of wrong decisions on the half where it was found: too high on average, because it was chosen for it."""
    n: int = Field(ge=1)
    people: int = Field(ge=1)
    error: float = Field(ge=0, le=1)
    """On the half held out."""
    interval: Interval
    rest: float = Field(ge=0, le=1)
    """Share of wrong decisions on the rest of the half held out."""
    p: float = Field(ge=0, le=1)
    """That chance alone makes it so much worse than the rest of the half held out; adjusted for all slices tested."""
    confirmed: bool


class Slices(Stored):
    """The slices that looked worst on one half of the people, with their errors on the other."""

    kind: Literal["slices"] = "slices"
    slices: tuple[Slice, ...]
    """Every one that was tested, whatever came of it; the worst on the half held out first."""
    looked_at: int = Field(ge=0)
    """Candidates on the first half, of which the tested ones are the worst."""
    minimum: int = Field(ge=1)
    """Fewest people of a slice, on either half."""
    overall: float = Field(ge=0, le=1)
    """Share of wrong decisions on the half held out."""
    people_found: int = Field(ge=1)
    people: int = Field(ge=1)
    """On the half where slices were found, and on the one held out."""
    level: float = Field(gt=0, lt=1)
    """Chance of any false confirmation, at most."""
    method: str
    """How slices were tested."""
