"""What one step of an audit cost, as measured in that audit."""

from __future__ import annotations

from pydantic import Field

from workbench.evidence.schema import Stored


class Effort(Stored):
    """Work counted while one step ran."""

    step: str
    """'predictions', or a probe."""
    grows: bool
    """Whether its work grows with the data; otherwise it works on a sample of fixed size."""
    complete: bool
    """False where a part was finished before an interruption, and is not counted here."""
    asked: int = Field(ge=0)
    """Texts asked about."""
    sequences: int = Field(ge=0)
    """Sequences that went through the network: the rest was remembered, or asked twice at once."""
    tokens: int = Field(ge=0)
    """Their tokens; 0 for a model that makes its own batches."""
    computed_tokens: int = Field(ge=0)
    """Tokens computed in all: padding and dummies included."""
    seconds: float = Field(ge=0)
    model_seconds: float = Field(ge=0)
    """Of these, seconds in which at least one batch was inside the network."""
