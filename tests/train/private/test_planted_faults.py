"""Mistakes that real implementations of private training have made, planted one by one: each is caught by name."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from workbench.errors import GuaranteeBroken, Unsupported
from workbench.train.private import account, checks, clipping, step, units
from workbench.train.private.checks import after, before, snapshot_of, untouched
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.layers import require_rows_apart
from workbench.train.private.units import Units

PEOPLE = Units("person", tuple((i,) for i in range(60)), 0)


def run(shop, mechanism, of=PEOPLE):
    return before(shop, mechanism, of, 0.1)


def caught(name):
    return pytest.raises(GuaranteeBroken, match=f"check '{name}' failed")


def test_the_right_mechanism_passes(shop, mechanism):
    for _ in range(3):
        assert len(run(shop, mechanism)) == 6
    assert all(one.grad is None for one in shop.network.parameters())


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_no_noise_or_noise_of_a_wrong_scale(shop, mechanism, monkeypatch, factor):
    real = step.normal
    monkeypatch.setattr(step, "normal", lambda shape, deviation, device: real(shape, deviation * factor, device))
    with caught("noise has the stated deviation"):
        run(shop, mechanism)


def test_a_small_parameter_without_noise(shop, mechanism, monkeypatch):
    real, small = step.normal, min(one.numel() for one in mechanism.parameters)

    def normal(shape, deviation, device):
        return real(shape, deviation * (shape.numel() > small), device)

    monkeypatch.setattr(step, "normal", normal)
    with caught("noise has the stated deviation"):
        run(shop, mechanism)


def test_clipping_that_is_off(shop, mechanism, monkeypatch):
    monkeypatch.setattr(clipping, "factors", lambda norms, bound: torch.ones_like(norms))
    with caught("one unit adds at most max_grad_norm"):
        run(shop, mechanism)


def test_copies_that_are_clipped_apart(shop, mechanism):
    class Apart:
        def __init__(self):
            self.inner = Bookkeeper(shop.network)

        def add(self, losses, *, rows, bound, sums):
            return self.inner.add(losses, rows=1, bound=bound, sums=sums)

    with caught("all rows of a unit share one clip"):
        run(shop, replace(mechanism, clipper=Apart()))


@pytest.mark.parametrize("kind", [nn.Embedding, nn.LayerNorm, nn.Linear])
def test_a_kind_of_parameters_that_is_left_out_of_the_norm(shop, mechanism, monkeypatch, kind):
    rule = clipping.RULES[kind]
    silent = rule._replace(square=lambda layer, entered, returned: torch.zeros(len(entered)))
    monkeypatch.setitem(clipping.RULES, kind, silent)
    with caught("one unit adds at most max_grad_norm"):
        run(shop, mechanism)


def test_one_parameter_that_is_left_out_of_the_norm(shop, mechanism, monkeypatch):
    rule, quiet = clipping.RULES[nn.Linear], shop.network.classifier
    monkeypatch.setitem(
        clipping.RULES,
        nn.Linear,
        rule._replace(
            square=lambda layer, entered, returned: rule.square(layer, entered, returned) * (layer is not quiet)
        ),
    )
    with caught("one unit adds at most max_grad_norm"):
        run(shop, mechanism)


def divide_by_who_takes_part(monkeypatch):
    summed, released = step.Mechanism.clipped_sum, step.Mechanism.released
    taking = []

    def clipped_sum(self, shop, taking_part):
        taking.append(len(taking_part))
        return summed(self, shop, taking_part)

    def averaged(self, shop, sums):
        released(self, shop, {one: total * self.how.batch / max(1, taking[-1]) for one, total in sums.items()})

    monkeypatch.setattr(step.Mechanism, "clipped_sum", clipped_sum)
    monkeypatch.setattr(step.Mechanism, "released", averaged)


def test_a_divisor_that_depends_on_who_takes_part(shop, mechanism, monkeypatch):
    divide_by_who_takes_part(monkeypatch)
    with caught("sums are divided by the expected batch"):
        run(shop, mechanism)


def test_a_divisor_that_depends_on_who_takes_part_in_several_processes(shop, mechanism, monkeypatch):
    """Two processes, of which this is the first and the other has no unit."""
    alone = SimpleNamespace(
        num_processes=2, process_index=0, is_main_process=True, reduce=lambda tensor, reduction: tensor,
        unwrap_model=lambda network: network,
    )  # fmt: skip
    both = replace(shop, accelerator=alone)
    assert len(run(both, mechanism)) == 6

    divide_by_who_takes_part(monkeypatch)
    with caught("sums are divided by the expected batch"):
        run(both, mechanism)


def test_shuffled_batches_instead_of_coins(shop, mechanism, monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        Units, "sample", lambda self, rate: rng.permutation(len(self))[: round(rate * len(self))].tolist()
    )
    with caught("units take part by independent coins"):
        run(shop, mechanism)


@pytest.mark.parametrize(
    "favourites",
    [
        lambda rng, n, rate: list(range(rng.binomial(n, rate))),
        lambda rng, n, rate: [i for i in range(1, n, 2) if rng.random() < 2 * rate],
    ],
    ids=["always the first", "every second never"],
)
def test_a_sampler_with_favourites(shop, mechanism, monkeypatch, favourites):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(Units, "sample", lambda self, rate: favourites(rng, len(self), rate))
    with caught("units take part by independent coins"):
        run(shop, mechanism)


def test_a_sampler_that_takes_more_than_it_states(shop, mechanism, monkeypatch):
    monkeypatch.setattr(units, "coins", lambda n, chance: np.random.default_rng().random(n) < 1.2 * chance)
    with caught("units take part by independent coins"):
        run(shop, mechanism)


def test_an_account_that_forgets_a_step(shop, mechanism, monkeypatch):
    real, calls = account.Account.begin, []

    def begin(self):
        calls.append(None)
        if len(calls) % 3:  # as where empty batches are skipped
            real(self)

    monkeypatch.setattr(checks.Account, "begin", begin)
    with caught("every begun step is counted"):
        run(shop, mechanism)


def test_a_resumed_run_that_forgets_its_steps(shop, mechanism, monkeypatch):
    monkeypatch.setattr(checks.Account, "begun", lambda self, at_least=0: self._place.stat().st_size)
    with caught("every begun step is counted"):
        run(shop, mechanism)


def test_an_adapter_that_never_moves(shop, mechanism):
    trained = mechanism.parameters
    start = snapshot_of(trained)
    optimiser = torch.optim.SGD(trained[1:], lr=1.0)  # the first parameter was never handed over
    mechanism.step(shop, optimiser, {})
    with caught("every trainable parameter moved"):
        after(trained, start)
    mechanism.step(shop, torch.optim.SGD(trained, lr=1.0), {})
    assert after(trained, start) == ("every trainable parameter moved",)


def test_a_trainable_parameter_that_the_mechanism_does_not_reach(shop, mechanism):
    stray = nn.Parameter(torch.ones(3))
    with caught("one unit adds at most max_grad_norm"):
        run(shop, replace(mechanism, parameters=(*mechanism.parameters, stray)))


class Normalised(nn.Module):
    """A network with batch normalisation inside, as a backbone may have."""

    def __init__(self, inner, kind):
        super().__init__()
        self.inner, self.norm = inner, kind


@pytest.mark.parametrize("trained", [True, False], ids=["trained", "frozen"])
@pytest.mark.parametrize(
    "kind", [nn.BatchNorm1d(4), nn.SyncBatchNorm(4), nn.InstanceNorm1d(4, track_running_stats=True)]
)
def test_layers_that_mix_texts_are_refused(shop, kind, trained):
    kind.requires_grad_(trained)
    with pytest.raises(Unsupported, match=r"norm is a .*also where its parameters are frozen; replace it by GroupNorm"):
        require_rows_apart(Normalised(shop.network, kind))
    require_rows_apart(Normalised(shop.network, nn.InstanceNorm1d(4)))
    require_rows_apart(shop.network)


def test_running_means_that_training_moves(shop, mechanism):
    norm = nn.BatchNorm1d(4)
    buffers = tuple(norm.buffers())
    start = snapshot_of(buffers)
    assert untouched(buffers, start)
    norm(torch.randn(8, 4))
    with caught("nothing but trainable parameters moved"):
        untouched(buffers, start)
