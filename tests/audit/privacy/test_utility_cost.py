"""What privacy costs: a private model beside its twin."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from workbench.audit.explanations.sanity import SanityProbe
from workbench.audit.privacy import utility_cost
from workbench.audit.privacy.utility_cost import UtilityCost
from workbench.errors import BadInput
from workbench.evidence.record import NotApplicable


class Claims:
    """A training card, as far as the probe reads one."""

    privacy = object()


def test_the_difference_is_scikit_learns_and_paired(bench, monkeypatch):
    build, _, setting = bench
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    good = 1 / (1 + np.exp(-(rng.normal(size=400) + 3 * (labels - 0.5))))
    worse = np.where(rng.random(400) < 0.1, 1 - good, good)
    plain, corpus = build(np.column_stack([1 - good, good]), labels, names=["l0", "l1"])
    private, _ = build(np.column_stack([1 - worse, worse]), labels, names=["l0", "l1"])
    monkeypatch.setattr(utility_cost, "_twin", lambda folder, model: plain)
    found = UtilityCost(twin="runs/plain", replicates=300).measure(
        private, corpus, replace(setting(), training=Claims())
    )
    by = {one.name: one for one in found.measurements}
    accuracy = by["privacy.accuracy_cost"]
    assert accuracy.value == pytest.approx(accuracy_score(labels, good >= 0.5) - accuracy_score(labels, worse >= 0.5))
    assert by["privacy.auc_cost"].value == pytest.approx(roc_auc_score(labels, good) - roc_auc_score(labels, worse))
    for one in by.values():
        assert one.n == 400
        assert 0 < one.interval.low < one.value < one.interval.high
    assert "oracle, trained without privacy" in found.exhibits[0].text


@pytest.mark.parametrize("positives", [3, 40])
def test_a_cost_of_nothing_is_no_proof_of_none(bench, monkeypatch, positives):
    """Both rank perfectly: the interval is as wide as the rarer label is rare."""
    build, _, setting = bench
    labels = (np.arange(100) < positives).astype(int)
    oracle, corpus = build(np.column_stack([1 - labels * 0.9, labels * 0.9]), labels, names=["l0", "l1"])
    monkeypatch.setattr(utility_cost, "_twin", lambda folder, model: oracle)
    found = UtilityCost(twin="runs/plain", replicates=50).measure(oracle, corpus, replace(setting(), training=Claims()))
    (cost,) = (one for one in found.measurements if one.name == "privacy.auc_cost")
    assert cost.value == 0
    assert cost.interval.low == pytest.approx(-cost.interval.high)
    assert cost.interval.high > 0.5 / np.sqrt(positives)
    assert f"Wilson on {positives} people" in cost.interval.method


def test_without_a_twin_or_a_claim_it_says_why(bench):
    _, simulate, setting = bench
    oracle, corpus = simulate(20)
    silent = UtilityCost(twin="x").measure(oracle, corpus, setting())
    assert isinstance(silent, NotApplicable)
    assert "claims no privacy" in silent.reason
    silent = UtilityCost().measure(oracle, corpus, replace(setting(), training=Claims()))
    assert "name its folder with --twin" in silent.reason


def test_other_weights_in_the_twins_folder_are_another_twin(tiny_checkpoint, tmp_path):
    """A resumed audit must not take up what an earlier twin in the same folder gave."""
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "twin")
    first, same = UtilityCost(twin=str(folder)).uses(), UtilityCost(twin=str(tiny_checkpoint)).uses()
    assert first == same
    config = folder / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert UtilityCost(twin=str(folder)).uses() != first
    assert SanityProbe(label_randomised=str(folder)).uses() != SanityProbe(label_randomised=str(tiny_checkpoint)).uses()
    assert UtilityCost().uses() == UtilityCost(twin="nowhere").uses() == SanityProbe().uses() == {}


def test_a_twin_with_other_labels_is_refused(bench, tiny_checkpoint):
    oracle, corpus = bench[1](20)
    with pytest.raises(BadInput, match="has the labels"):
        UtilityCost(twin=str(tiny_checkpoint)).measure(oracle, corpus, replace(bench[2](), training=Claims()))
