"""Canaries whose coins are known: a broken mechanism gives them away, a right one does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from workbench.adapters.privacy_accounting import noise_for
from workbench.audit.privacy.one_run import epsilon_lower_bound, guess, tally
from workbench.errors import Misconfigured
from workbench.train.private import clipping, step
from workbench.train.private.canaries import Canaries, plant
from workbench.train.private.step import Mechanism

M, GUESSES, STEPS, RATE, DELTA = 1_000, 200, 10, 0.2, 1e-5


class Nobody:
    """A run without private units: what is seen is canaries and noise."""

    def add(self, losses, *, rows, bound, sums):
        raise AssertionError("nobody takes part")


def audited(shop, mechanism, noise, *, steps=STEPS):
    """Return the lower bound of epsilon that canaries show of `steps` steps."""
    quiet = replace(mechanism, noise_multiplier=noise, clipper=Nobody())
    canaries = plant(M, quiet.parameters)
    optimiser = torch.optim.SGD(quiet.parameters, lr=0.0)
    for _ in range(steps):
        quiet.step(shop, optimiser, {}, canaries=canaries, rate=RATE)
    run = canaries.run(guesses=GUESSES, epsilon=1.0, delta=DELTA, steps=steps)
    found = tally(guess(run.scores, 100, 100, rng=np.random.default_rng(0)), run.included)
    return epsilon_lower_bound(M, GUESSES, found.right, DELTA)


@pytest.fixture(scope="module")
def noise():
    return noise_for(1.0, DELTA, sample_rate=RATE, steps=STEPS, accountant="rdp")


def test_a_right_mechanism_is_not_refuted(shop, mechanism, noise):
    found = [audited(shop, mechanism, noise) for _ in range(5)]
    assert max(found) <= 1.0, "each run exceeds with a chance of 5% at most; in truth far less often"


def test_no_noise_is_caught(shop, mechanism, noise, monkeypatch):
    monkeypatch.setattr(step, "normal", lambda shape, deviation, device: torch.zeros(shape, device=device))
    assert audited(shop, mechanism, noise) > 1.0, "the claim is refuted"


def test_no_clipping_is_caught(shop, mechanism, noise, monkeypatch):
    monkeypatch.setattr(clipping, "factors", lambda norms, bound: torch.ones_like(norms))
    assert audited(shop, mechanism, noise) > 1.0, "the claim is refuted"


def test_a_canary_adds_the_bound_and_no_more(shop, mechanism):
    canaries = plant(50, mechanism.parameters)
    everyone = Canaries(canaries.places, (True,) * 50, canaries.seen)
    sums = {}
    everyone.add(sums, mechanism.parameters, rate=1.0, bound=0.5)
    added = torch.cat([total.view(-1) for total in sums.values()])
    assert int((added != 0).sum()) == 50, "a coordinate each"
    assert float(added.max()) <= 0.5
    assert float(added[added != 0].min()) > 0.499


def test_those_left_out_never_take_part(shop, mechanism):
    canaries = plant(50, mechanism.parameters)
    sums = {}
    Canaries(canaries.places, (False,) * 50, canaries.seen).add(sums, mechanism.parameters, rate=1.0, bound=0.5)
    assert sums == {}


def test_they_survive_an_interruption(mechanism):
    canaries = plant(20, mechanism.parameters)
    canaries.seen += torch.arange(20)
    again = Canaries.of_tensors(canaries.tensors())
    assert (again.places, again.included) == (canaries.places, canaries.included)
    assert torch.equal(again.seen, canaries.seen)


def test_too_many_for_the_model_are_refused():
    with pytest.raises(Misconfigured, match="plant fewer"):
        plant(500, [nn.Parameter(torch.zeros(99, 10))])


def test_a_trained_model_keeps_them_for_the_audit(private_recipe, toy, tmp_path):
    from workbench.audit.privacy.one_run_probe import OneRun
    from workbench.audit.probe import Setting
    from workbench.evidence.decision import Decision
    from workbench.models.training_card import read_canaries
    from workbench.seeds import Streams
    from workbench.train.loop import train

    how = private_recipe.privacy.model_copy(update={"canaries": 200, "guesses": 60})
    done = train(private_recipe.model_copy(update={"privacy": how}), toy, tmp_path / "run")
    run = read_canaries(done.classifier.folder)
    assert run is not None
    assert len(run.included) == len(run.scores) == 200
    assert 60 < sum(run.included) < 140
    assert (run.positive_guesses, run.negative_guesses) == (30, 30)
    assert run.epsilon == done.card.privacy.epsilon
    found = OneRun().measure(done.classifier, toy, Setting(Streams(0), Decision(), "positive", canaries=run))
    by = {one.name: one for one in found.measurements}
    assert by["privacy.epsilon_lower_bound"].value < run.epsilon
    assert "privacy.claim_margin" not in by, "60 guesses cannot reach epsilon 8, so they say nothing of the claim"
    assert found.exhibits[0].text.startswith("claim_margin is not given: this audit could not have failed.")
    able = run.model_copy(update={"epsilon": 1.0})
    found = OneRun().measure(done.classifier, toy, Setting(Streams(0), Decision(), "positive", canaries=able))
    by = {one.name: one for one in found.measurements}
    assert by["privacy.claim_margin"].value == pytest.approx(1 - by["privacy.epsilon_lower_bound"].value)
    assert "claim_margin is not given" not in found.exhibits[0].text


def test_parameters_of_the_mechanism_are_left_as_they_were(shop, mechanism):
    assert isinstance(mechanism, Mechanism)
    before = [one.detach().clone() for one in mechanism.parameters]
    audited(shop, mechanism, 1.0, steps=1)
    assert all(torch.equal(one, was) for one, was in zip(mechanism.parameters, before, strict=True))
