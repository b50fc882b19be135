"""What became of a model whose decisions were changed after training to bring groups closer: its card."""

from __future__ import annotations

from pydantic import Field

from workbench.evidence.cards import CorpusCard
from workbench.evidence.measurement import Interval
from workbench.evidence.schema import Stored


class Figure(Stored):
    """A number with what it rests on."""

    value: float
    n: int = Field(ge=1)
    """People."""
    interval: Interval


class TradeOff(Stored):
    """One point of the trade-off between accuracy and a gap, on the examples that the thresholds were fitted on."""

    setting: str
    """How far the mitigation goes, in words: 'no mitigation', 'slack 0.05', 'mix 0.5'."""
    accuracy: Figure
    gap: Figure
    drawn: float = Field(ge=0, le=1)
    """Share of the examples whose decision is drawn."""


class HeldOut(Stored):
    """Before and after, on examples that the thresholds have not seen."""

    corpus: CorpusCard
    """`in_training` says how many of them the model has seen."""
    accuracy_before: Figure
    accuracy_after: Figure
    gained: Figure
    """Accuracy after minus before, pair by pair: negative is the price."""
    gap_before: Figure
    gap_after: Figure
    narrowed: Figure
    """Gap before minus after, pair by pair: positive is narrower."""
    drawn: float = Field(ge=0, le=1)
    overall: int = Field(ge=0)
    """Examples whose group has no rule of its own."""


class MitigationCard(Stored):
    """How a model's decisions were changed by group: stored beside its weights as `mitigation.json`."""

    method: str
    """The library's algorithm, with its version."""
    base: str
    """Name of the model whose scores are decided on."""
    base_digest: str
    attribute: str
    """The sensitive attribute, needed for every decision."""
    constraint: str
    objective: str
    slack: float | None
    mix: float
    gap: str
    """The measurement that the constraint is about, by name."""
    fitted_on: CorpusCard
    left_out: tuple[str, ...]
    """Groups too small to have a rule of their own."""
    trade_off: tuple[TradeOff, ...]
    held_out: HeldOut
    private_base: bool = False
    """Whether the model was trained with differential privacy."""
    public: str | None = None
    """Why the examples that the thresholds were fitted on need no protection, as whoever made this said; None: nobody
    said."""

    @property
    def breaks_privacy(self) -> bool:
        """Whether a privacy statement of the base does not cover this model: its thresholds tell of more people."""
        return self.private_base and self.public is None

    @property
    def unprotected(self) -> str:
        """Why, in a sentence."""
        return (
            f"the training was private, but the thresholds by {self.attribute} were fitted on {self.fitted_on.n:,} "
            "examples that its account does not cover, so nothing is guaranteed about this model as a whole; fit them "
            "on examples that need no protection (workbench mitigate --public REASON)"
        )
