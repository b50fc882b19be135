"""Private training: a fixed number of steps, each paid for before it is taken; the last weights are the result.

Nothing that the loop decides depends on the private examples: not how long it runs, not which weights it keeps, not how
large its steps are. It tells no training loss, which would be one more thing to pay for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from workbench.adapters.privacy_accounting import Phase, epsilon_of, noise_for
from workbench.data.corpus import Corpus
from workbench.errors import Misconfigured
from workbench.evidence.cards import CanaryRun
from workbench.home import private_ledger
from workbench.train.events import OnEvent, TrainingEvent
from workbench.train.optimiser import make_optimiser, rate_at, set_rate
from workbench.train.privacy import Privacy
from workbench.train.private.account import Account
from workbench.train.private.canaries import Canaries, plant
from workbench.train.private.checks import after, before, snapshot_of, untouched
from workbench.train.private.clippers import clipper_for
from workbench.train.private.feed import Feed, Row
from workbench.train.private.feeds import feed_for
from workbench.train.private.heritage import Heritage
from workbench.train.private.layers import require_rows_apart
from workbench.train.private.ledger import Entry, enter
from workbench.train.private.step import Mechanism, together
from workbench.train.private.units import Units, units_of
from workbench.train.resume import begin, snapshot
from workbench.train.reweighting import example_weights
from workbench.train.state import (
    CANARIES,
    Progress,
    Weights,
    load_weights,
    newest_state,
    optimiser_moments,
    save_state,
    state_folder,
)
from workbench.train.step import Workshop
from workbench.train.variants import Source, Variants

_NOTHING = Heritage()


@dataclass(frozen=True)
class Plan:
    """What is fixed before the first step, and what it will have spent at the last."""

    how: Privacy
    units: Units
    sample_rate: float
    noise_multiplier: float
    epsilon: float
    """Of all `phases`."""
    heritage: Heritage = _NOTHING

    @property
    def own(self) -> Phase:
        """The steps of this run as accountants see them."""
        return Phase(self.noise_multiplier, self.sample_rate, self.how.steps)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All steps that the result owes to private examples: those that made the backbone, then this run's."""
        return (*self.heritage.phases, self.own)

    @property
    def said(self) -> str:
        """What a run tells before it starts."""
        before = ""
        if self.heritage.before:
            gone = epsilon_of(self.heritage.phases, self.how.delta, accountant=self.how.accountant)
            before = f", of which the backbone's own training had spent {gone:.3g}"
        return (
            f"private training: epsilon {self.epsilon:.3g} at delta {self.how.delta:g} for {len(self.units):,} units "
            f"(one {self.how.unit} each){before}; {self.how.steps:,} steps with {self.how.batch:,} units on average, "
            f"noise multiplier {self.noise_multiplier:.4g}"
        )


class Finished(NamedTuple):
    """What the loop leaves."""

    progress: Progress
    weights: Weights
    """The last ones."""
    clipping: str
    """How the sums of clipped gradients were computed."""
    trainable: int
    """Parameters that training may change."""
    checks: tuple[str, ...]
    """Names of the checks of the mechanism that this run passed."""
    canaries: CanaryRun | None
    """What became of the canaries; None without."""


def plan_of(how: Privacy, train: Corpus, heritage: Heritage = _NOTHING) -> Plan:
    """Return the plan of a run on `train` that starts from a backbone with `heritage`.

    Raises `Misconfigured` for one that cannot be, or protects nobody.
    """
    if how.unit == "person" and all(one.person == one.id for one in train):
        raise Misconfigured(
            'privacy.unit is "person", but the data does not say whose record an example is, so the records of one '
            "person would be protected one by one only; name the column that says it (--person-column), or protect "
            'examples (privacy.unit = "example")'
        )
    units = units_of(train, how.unit, most=how.records)
    if how.delta >= 1 / len(units):
        raise Misconfigured(
            f"privacy.delta is {how.delta:g}, which allows to publish whole records: with {len(units):,} units it must "
            f"be below {1 / len(units):.2g}; a tenth of that is usual"
        )
    rate = how.sample_rate if how.sample_rate is not None else how.batch / len(units)
    if rate > 1:
        raise Misconfigured(f"privacy.batch is {how.batch:,}, but there are only {len(units):,} units; lower it")
    noise = how.noise_multiplier
    if noise is None:
        assert how.epsilon is not None, "a recipe has one of the two"
        noise = noise_for(
            how.epsilon,
            how.delta,
            sample_rate=rate,
            steps=how.steps,
            accountant=how.accountant,
            before=heritage.phases,
        )
    spent = epsilon_of((*heritage.phases, Phase(noise, rate, how.steps)), how.delta, accountant=how.accountant)
    return Plan(how, units, rate, noise, spent, heritage)


def fit_private(
    shop: Workshop, plan: Plan, train: Corpus, source: Source, out: Path, *, corpus: str, run: str, tell: OnEvent
) -> Finished:
    """Run the loop from the newest state, or from the start, to its last step.

    Args:
        shop: the network and what surrounds it.
        plan: of this run.
        train: the private examples.
        source: of their rewritings.
        out: what the run will become; its state lies beside it.
        corpus: digest of the whole corpus, for the ledger.
        run: digest of the run.
        tell: told every step.

    Raises `Unsupported` for a network whose layers mix rows, `GuaranteeBroken` where a check fails.
    """
    recipe, accelerator = shop.recipe, shop.accelerator
    network = accelerator.unwrap_model(shop.network)
    require_rows_apart(network)
    optimiser = make_optimiser(network, recipe)
    weights = example_weights(recipe.reweighting, train)
    progress, _ = begin(shop, optimiser, out, run=run)
    account = Account(state_folder(out))
    begun = together(shop, account.begun(at_least=progress.step))
    if begun == 0 and accelerator.is_main_process:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        # with what the backbone had spent: the runs that spent it need not be in this ledger, or of this very corpus
        enter(private_ledger(), Entry(corpus, plan.how.unit, plan.epsilon, plan.how.delta, run, now))
    progress = progress.model_copy(update={"lost": progress.lost + begun - progress.step, "step": begun})
    if plan.how.steps == progress.lost:
        raise Misconfigured(
            f"all {progress.lost:,} private steps were begun, and interruptions took back what came of them: there is "
            f"nothing to resume; remove {state_folder(out)} to start anew, which spends as much again, and choose a "
            "smaller checkpoint_every"
        )
    if begun:
        tell(TrainingEvent("train", begun, plan.how.steps, message=_resumed(begun, progress.lost)))
    since = time.monotonic() - progress.seconds
    feed = feed_for(shop, train)
    round_of_all = ceil(1 / plan.sample_rate)  # steps in which each unit takes part once, on average
    network.train()
    way, clipper = clipper_for(plan.how.clipping, shop, feed, plan.units, rewritten=recipe.augmentation is not None)
    trained = tuple(one for one in network.parameters() if one.requires_grad)
    mechanism = Mechanism(plan.how, plan.noise_multiplier, clipper, feed, trained)
    checks = before(shop, mechanism, plan.units, plan.sample_rate)
    start, first = snapshot_of(trained), progress.step
    buffers = tuple(network.buffers())
    kept = snapshot_of(buffers)
    canaries = _canaries(plan, trained, out, run) if accelerator.is_main_process else None
    while progress.step < plan.how.steps:
        step = progress.step
        variants = source.of(step // round_of_all, starts=step % round_of_all == 0)
        if accelerator.is_main_process:
            account.begin()
        rate = rate_at(step, plan.how.steps, recipe)
        set_rate(optimiser, rate)
        chosen = together(shop, plan.units.sample(plan.sample_rate))
        mechanism.step(
            shop,
            optimiser,
            {unit: _rows(feed, plan, variants, weights, unit) for unit in chosen},
            canaries=canaries,
            rate=plan.sample_rate,
        )
        progress = progress.model_copy(
            update={
                "step": step + 1,
                "seconds": time.monotonic() - since,
                "rewritings": sum(map(len, variants.texts.values())),
            }
        )
        tell(TrainingEvent("train", step + 1, plan.how.steps, learning_rate=rate))
        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == plan.how.steps:
            if accelerator.is_main_process:
                moments = optimiser_moments(optimiser, network)
                held = None if canaries is None else canaries.tensors()
                save_state(state_folder(out), progress, network.state_dict(), moments, None, held)
            accelerator.wait_for_everyone()
    progress = progress.model_copy(update={"stopped": "steps completed", "best_step": progress.step})
    checks += after(trained, start) if progress.step > first else ()
    checks += untouched(buffers, kept)
    found = None
    if canaries is not None:
        found = canaries.run(
            guesses=plan.how.guessed,
            epsilon=epsilon_of((plan.own,), plan.how.delta, accountant=plan.how.accountant),
            delta=plan.how.delta,
            steps=max(1, progress.step - progress.lost),
        )
    return Finished(progress, snapshot(network), way, sum(one.numel() for one in trained), checks, found)


def _canaries(plan: Plan, trained: Sequence[nn.Parameter], out: Path, run: str) -> Canaries | None:
    """Return the run's canaries: planted anew, or those of the state that it goes on from."""
    if not plan.how.canaries:
        return None
    state = newest_state(state_folder(out), run=run)
    if state is None:
        return plant(plan.how.canaries, trained)
    return Canaries.of_tensors(load_weights(state[1] / CANARIES, torch.device("cpu")))


def _rows(feed: Feed, plan: Plan, variants: Variants, weights: Sequence[float], unit: int) -> list[Row]:
    """Return the rows of one unit: those of its examples with their rewritings, a share for each by its weight."""
    mine = plan.units.members[unit]
    texts, instead = variants.texts, variants.instead
    return [row for i in mine for row in feed.rows(i, texts.get(i, ()), share=weights[i] / len(mine), instead=instead)]


def _resumed(begun: int, lost: int) -> str:
    return f"resumed after step {begun}" + (f"; {lost} steps were paid for and lost" if lost else "")
