"""Two hundred right runs of a linear model: the audit by canaries refutes a true claim in at most one of twenty."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from workbench.adapters.privacy_accounting import noise_for
from workbench.audit.privacy.one_run import epsilon_lower_bound, guess, tally
from workbench.train.privacy import Privacy
from workbench.train.private.canaries import plant
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.entropy import coins
from workbench.train.private.feed import Row
from workbench.train.private.step import Mechanism

RUNS, M, GUESSES, STEPS, RATE, DELTA, PEOPLE, WIDTH = 200, 1_000, 200, 10, 0.2, 1e-5, 60, 1_100


@dataclass(frozen=True)
class Numbers:
    """People as rows of numbers, through a linear model."""

    model: nn.Linear
    people: torch.Tensor
    labels: torch.Tensor
    copies: ClassVar[int] = 1

    def ready(self, rows):
        at = torch.tensor([row.ids[0] for row in rows])
        return lambda: nn.functional.cross_entropy(self.model(self.people[at]), self.labels[at], reduction="none")


@pytest.fixture(scope="module")
def shop():
    return SimpleNamespace(accelerator=Accelerator(cpu=True), recipe=SimpleNamespace(learning_rate=0.1))


def bound_of_a_run(shop, noise, seed):
    """Train from scratch on people who are learned from; return the lower bound that the canaries show."""
    torch.manual_seed(seed)
    model = nn.Linear(WIDTH, 2)
    people = torch.randn(PEOPLE, WIDTH)
    feed = Numbers(model, people, (people[:, 0] > 0).long())
    parameters = tuple(model.parameters())
    how = Privacy(noise_multiplier=noise, delta=DELTA, steps=STEPS, batch=12)
    mechanism = Mechanism(how, noise, Bookkeeper(model), feed, parameters)
    canaries = plant(M, parameters)
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(STEPS):
        taking_part = {int(i): [Row((int(i),), 0, 1.0)] for i in np.flatnonzero(coins(PEOPLE, RATE))}
        mechanism.step(shop, optimiser, taking_part, canaries=canaries, rate=RATE)
    run = canaries.run(guesses=GUESSES, epsilon=1.0, delta=DELTA, steps=STEPS)
    guessed = guess(run.scores, run.positive_guesses, run.negative_guesses, rng=np.random.default_rng(seed))
    return epsilon_lower_bound(M, GUESSES, tally(guessed, run.included).right, DELTA)


@pytest.mark.slow
def test_true_claims_are_refuted_in_at_most_one_run_of_twenty_and_false_ones_are(shop):
    noise = noise_for(1.0, DELTA, sample_rate=RATE, steps=STEPS, accountant="prv")
    right = [bound_of_a_run(shop, noise, seed) for seed in range(RUNS)]
    exceeded = sum(bound > 1.0 for bound in right)
    assert exceeded <= RUNS * 0.05
    assert max(right) > 0, "some runs show something: the audit is awake"
    false = [bound_of_a_run(shop, noise / 20, seed) for seed in range(10)]
    assert all(bound > 1.0 for bound in false), "a claim with a twentieth of its noise"
