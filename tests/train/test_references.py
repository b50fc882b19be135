"""Reference models: trained on other random halves, asked about every record, and removed."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import BadInput, Misconfigured
from workbench.models.references import place_of, read_references
from workbench.models.training_card import read_membership
from workbench.train.loop import train
from workbench.verbs.training import references


@pytest.fixture(scope="module")
def run(toy, quick, tmp_path_factory):
    """A finished experiment."""
    place = tmp_path_factory.mktemp("experiment") / "run"
    train(quick.but(experiment=True, epochs=1, evaluate_every=100), toy, place)
    return place


def test_references_learn_from_other_halves_of_the_same_records(run, toy, quick):
    listed = read_membership(run)
    told = []
    made = references(run, toy, count=2, backbone=quick.backbone, progress=told.append)
    assert (made.total, made.new, made.records) == (2, 2, len(listed.ids))
    held = read_references(run, pool=listed.digest, n=len(listed.ids))
    assert held.kind == "same"
    assert held.confidence.shape == held.included.shape == (2, len(listed.ids))
    coins = np.array([listed.member, *held.included])
    assert np.all(np.abs(np.corrcoef(coins)[np.triu_indices(3, 1)]) < 0.3), "coins of their own"
    assert np.isfinite(held.confidence).all()
    assert held.confidence.std() > 0
    assert {one.phase for one in told} >= {"references", "train"}
    assert not list(run.parent.glob(".run.references*")), "their weights are gone"
    stamp = place_of(run, 0).stat().st_mtime_ns
    assert references(run, toy, count=2, backbone=quick.backbone).new == 0
    assert place_of(run, 0).stat().st_mtime_ns == stamp, "what is there stays"
    with pytest.raises(BadInput, match="of kind 'same'"):
        references(run, toy, count=3, kind="head", backbone=quick.backbone)


def test_one_that_was_interrupted_goes_on(run, toy, quick):
    place = place_of(run, 0)
    before = read_references(run, pool=read_membership(run).digest, n=len(read_membership(run).ids))
    place.unlink()

    class Stop(Exception):
        pass

    def stop(event):
        if event.phase == "save":
            raise Stop

    with pytest.raises(Stop):
        references(run, toy, count=2, backbone=quick.backbone, progress=stop)
    assert not place.exists(), "whole or not at all"
    references(run, toy, count=2, backbone=quick.backbone)
    after = read_references(run, pool=read_membership(run).digest, n=len(read_membership(run).ids))
    assert np.array_equal(before.confidence, after.confidence), "the same bits"


def test_what_is_no_experiment_or_other_data_is_refused(run, toy, quick, tiny_checkpoint):
    with pytest.raises(BadInput, match="is no experiment"):
        references(tiny_checkpoint, toy, count=1)
    with pytest.raises(BadInput, match="other data"):
        references(run, toy[:100], count=1, backbone=quick.backbone)
    with pytest.raises(Misconfigured, match="at least 1"):
        references(run, toy, count=0)
