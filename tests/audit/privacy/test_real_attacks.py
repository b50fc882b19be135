"""Attacks on models that were really trained: one that overfits, a private one, and a private one that is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.audit.privacy.membership_probe import Membership
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision
from workbench.evidence.record import Measured
from workbench.models.membership import members_of
from workbench.models.training_card import read_membership
from workbench.seeds import Streams
from workbench.text.canaries import canary
from workbench.train.loop import train
from workbench.train.privacy import Privacy
from workbench.train.private import checks, loop, step
from workbench.train.recipe import Recipe

pytestmark = pytest.mark.slow

LABELS = ("a", "b", "c", "d", "e", "f", "g", "h")


@pytest.fixture(scope="module")
def noise() -> Corpus:
    """500 texts of random letters, whose labels nothing in them tells: they can only be memorised."""
    rng = np.random.default_rng(0)
    rows = tuple(
        Example(f"e{i:04d}", f"e{i:04d}", canary(rng), LABELS[int(rng.integers(len(LABELS)))]) for i in range(500)
    )
    return Corpus(rows, LABELS, "noise", "made for the tests")


@pytest.fixture(scope="module")
def wide(build_checkpoint, tmp_path_factory) -> Path:
    """A network with as many features as a run has texts: its head alone can learn each by heart."""
    return build_checkpoint(
        tmp_path_factory.mktemp("wide") / "wide", hidden_size=256, intermediate_size=512, num_hidden_layers=1
    )


def recipe(backbone: Path, **changes) -> Recipe:
    adapter = {"kind": "last_layers", "layers": 0}
    return Recipe(
        **{
            "backbone": str(backbone), "data": "noise", "experiment": True, "pooling": "mean", "adapter": adapter,
            "learning_rate": 5e-2, "max_length": 32, "dropout": 0.0, "weight_decay": 0.0, "precision": "float32",
            "checkpoint_every": 10_000, **changes,
        }
    )  # fmt: skip


def attacked(how: Recipe, corpus: Corpus, out: Path) -> dict[str, object]:
    done = train(how, corpus, out)
    members = members_of(read_membership(out), corpus, LABELS, {})
    setting = Setting(Streams(0), Decision(), "h", training=done.card, members=members)
    rest = corpus.where(lambda one: one.id not in {held.id for held in members.pool})
    found = Membership(replicates=300).measure(done.classifier, rest, setting)
    assert isinstance(found, Measured)
    return {"/".join([one.name, *one.where.values()]): one for one in found.measurements}


def test_an_overfitted_model_gives_its_members_away(noise, wide, tmp_path):
    found = attacked(recipe(wide, batch_size=47, epochs=20, evaluate_every=10_000), noise, tmp_path / "run")
    assert found["privacy.membership_auc/loss"].interval.low > 0.6
    assert found["privacy.membership_tpr/loss/0.1"].interval.low > 0.1
    assert "privacy.membership_margin/0.95" not in found, "it claims nothing"


@pytest.mark.parametrize("broken", [False, True])
def test_a_private_run_keeps_its_claim_and_a_broken_one_is_refuted(noise, wide, tmp_path, monkeypatch, broken):
    how = Privacy(noise_multiplier=18.6, delta=1e-4, steps=100, batch=100, clipping="bookkeeping")  # epsilon is 0.9
    if broken:
        monkeypatch.setattr(step, "normal", lambda shape, deviation, device: torch.zeros(shape, device=device))
        monkeypatch.setattr(loop, "before", lambda *given: ())  # its own checks would stop it
    found = attacked(recipe(wide, privacy=how), noise, tmp_path / "run")
    margin = found["privacy.membership_margin/0.95"]
    auc = found["privacy.membership_auc/loss"].interval
    assert (margin.value < 0) == broken, margin
    # Its noise is the operating system's: an interval at 95% that must hold 0.5 would fail one right run in twenty.
    assert (auc.low > 0.6) if broken else (auc.low < 0.55)


def test_the_checks_would_have_stopped_it():
    assert checks.before is loop.before
