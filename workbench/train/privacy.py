"""What a recipe may say about privacy: its table `[privacy]`.

Training with differential privacy (DP-SGD, Abadi et al. 2016): in each step every unit takes part by a coin of its own,
its gradient is shortened to a bound, and noise in proportion to that bound is added to their sum. How many steps, how
large the noise and how likely the coin decide epsilon; the data decides none of them.
"""

from __future__ import annotations

from math import ceil
from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.evidence.schema import Stored


class Privacy(Stored):
    """How private the training is to be, and at what price."""

    epsilon: float | None = Field(default=None, gt=0)
    """What the finished model may have spent at most, with what made a privately trained backbone; the noise follows
    from it. Give this or `noise_multiplier`."""
    noise_multiplier: float | None = Field(default=None, gt=0)
    """Standard deviation of the noise over `max_grad_norm`; epsilon follows from it."""
    delta: float = Field(ge=1e-12, lt=1)
    """Chance that the bound of epsilon does not hold; well below one over the number of units. Numerical accountants do
    not resolve a smaller one."""
    unit: Literal["example", "person"] = "example"
    """Whose taking part cannot be told from the model: one example, or one person with all examples of theirs."""
    records: int = Field(default=8, ge=1)
    """Examples of one person that training sees at most (`unit = "person"`); a number that no data may decide."""
    steps: int = Field(ge=1)
    """Steps of the run: always so many, whatever the loss does."""
    batch: int = Field(ge=1)
    """Units that a step is expected to have; gradients are divided by this number, whoever takes part."""
    sample_rate: float | None = Field(default=None, gt=0, le=1)
    """Chance of each unit to take part in a step. None: `batch` over the number of units, which then is public."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Longest gradient that one unit may add."""
    accountant: Literal["prv", "rdp"] = "prv"
    """'prv' (Gopi et al. 2021) is tight; 'rdp' (Mironov 2017) is looser, and never below it."""
    clipping: Literal["auto", "bookkeeping", "ghost", "hooks"] = "auto"
    """How the sum of clipped gradients is computed; all give the same. 'auto': whichever is fastest here."""
    physical_tokens: int = Field(default=8192, ge=1)
    """Tokens that go through the network at once: bounds memory, and changes nothing else."""

    canaries: int = Field(default=0, ge=0)
    """Made-up units of known coins, half of them used, for an audit that tries to refute epsilon; 0: none. They cost a
    little of the model: a coordinate each."""
    guesses: int | None = Field(default=None, ge=1)
    """How many of the canaries' coins that audit will guess, fixed here, before anything is seen; None: a fifth."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.epsilon is None) == (self.noise_multiplier is None):
            given = "neither" if self.epsilon is None else "both"
            raise ValueError(f"give epsilon or noise_multiplier, the other follows from it; got {given}")
        if self.guesses is not None and self.guesses > self.canaries:
            raise ValueError(f"guesses: {self.guesses} of {self.canaries} canaries; guess fewer, or plant more")
        return self

    def epochs(self, n: int) -> int:
        """Return in how many rounds of the run's steps each of `n` examples takes part once, on average; rounded up."""
        return ceil(self.steps / ceil(1 / (self.sample_rate or min(1.0, self.batch / n))))

    @property
    def guessed(self) -> int:
        """How many canaries will be guessed."""
        return max(1, self.canaries // 5) if self.guesses is None else self.guesses
