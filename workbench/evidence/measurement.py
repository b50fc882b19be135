"""A number that can defend itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from workbench.evidence.schema import Stored

EXACT = frozenset({"cost.parameters", "cost.bytes", "privacy.epsilon", "privacy.delta"})
"""Quantities that are counted or derived, not estimated: the only ones that may come without an interval."""

Better = Literal["higher", "lower", "neither"]


def _sorted(where: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(where.items()))


Facets = Annotated[dict[str, str], AfterValidator(_sorted)]


class Interval(Stored):
    """A range that holds the true value with the stated confidence."""

    low: float
    high: float
    level: float = Field(default=0.95, gt=0, lt=1)
    """Nominal coverage, e.g. 0.95."""
    method: str
    """How it was computed, in words a statistician recognises: 'Wilson', 'percentile bootstrap over people, 2000'."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"an interval's low ({self.low}) lies above its high ({self.high})")
        return self


class Measurement(Stored):
    """One measured number with what it was measured on, how sure it is and which direction is better."""

    name: str = Field(pattern=r"^[a-z]+\.[a-z0-9_]+$")
    """`pillar.metric`, as listed in the architecture's table of names."""
    value: float
    unit: str
    """'proportion', 'seconds', 'bytes', 'queries', 'nats', 'count', 'score', 'examples/second', …"""
    better: Better
    n: int = Field(ge=1)
    """Number of independent units the value rests on (people, attacked examples, timed calls)."""
    interval: Interval | None
    where: Facets = Field(default_factory=dict)
    """Facets: what the number is about, e.g. {'attribute': 'age_band', 'group': '60+'}."""
    left_out: tuple[str, ...] = ()
    """Of a number over all groups of an attribute: those that it is not about, because they are too few to compare."""

    @model_validator(mode="after")
    def _defended(self) -> Self:
        if self.interval is None and self.name not in EXACT:
            raise ValueError(f"{self.name} has no interval; only {', '.join(sorted(EXACT))} are exact")
        return self

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Name and facets: what identifies this measurement within a record."""
        return self.name, tuple(self.where.items())
