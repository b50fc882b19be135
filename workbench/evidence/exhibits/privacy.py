"""What a reader sees of attacks on training records."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.evidence.schema import Stored


class RecordAtRisk(Stored):
    """One training record that an attack found."""

    example: str
    label: str
    score: float
    """Of the attack; higher: more likely learned from."""


class RecordsAtRisk(Stored):
    """The training records that an attack on membership is surest of."""

    kind: Literal["records_at_risk"] = "records_at_risk"
    attack: str
    fpr: float = Field(gt=0, lt=1)
    """Share of those not learned from that score as high: these would be accused wrongly."""
    records: tuple[RecordAtRisk, ...]
    """The highest scores first; it may hold fewer than `total`."""
    total: int = Field(ge=1)
    """Members that score so high."""
    of: int = Field(ge=1)
    """Members in all."""
