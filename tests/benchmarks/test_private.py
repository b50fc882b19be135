"""The page on private training says what was measured, and the change of an AUC is that of its definition."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.audit.privacy.membership import Scored
from workbench.bench.private_members import change
from workbench.bench.private_page import page
from workbench.evidence.bootstrap import People


def stated(value, low, high, n=100):
    return {"value": value, "n": n, "interval": {"low": low, "high": high, "level": 0.95, "method": "by hand"}}


RUN = {
    "name": "head-3-0", "trained": "the head alone", "epsilon": 2.99, "noise_multiplier": 4.9, "steps": 300,
    "batch": 3400, "max_grad_norm": 3.0, "trainable": 770, "seconds": 31.4, "roc_auc": stated(0.931, 0.92, 0.94),
    "accuracy": stated(0.88, 0.87, 0.89),
    "ece": stated(0.03, 0.01, 0.05), "worst_group_roc_auc": stated(0.9, 0.8, 0.95), "worst_group": "70+",
}  # fmt: skip
PLAIN = {
    "kind": "all parameters", "way": "plain", "batch": 256, "tokens": 20_000, "seconds": 10.0, "peak_bytes": 10,
    "ratio": {"value": 1.0, "low": 1.0, "high": 1.0, "repeats": 3}, "memory_ratio": 1.0,
}  # fmt: skip
LOW = {**PLAIN, "kind": "low-rank updates"}
FOUND = {
    "head": [RUN],
    "tuned": [{**RUN, "trained": "low-rank updates, from the private head", "epsilon": 7.99},
              {**RUN, "trained": "low-rank updates", "epsilon": None, "noise_multiplier": None, "max_grad_norm": None,
               "trainable": None}],
    "sweep": [
        {"learning_rate": 0.03, "max_grad_norm": 1.0, "batch": 3400, "steps": 300,
         "roc_auc": stated(0.925, 0.91, 0.94), "log_loss": stated(0.278, 0.26, 0.29)},
        {"learning_rate": 0.03, "max_grad_norm": 3.0, "batch": 3400, "steps": 300,
         "roc_auc": stated(0.928, 0.92, 0.94), "log_loss": stated(0.256, 0.24, 0.27)},
    ],
    "steps": [
        PLAIN,
        {**PLAIN, "way": "bookkeeping", "ratio": {"value": 1.4, "low": 1.3, "high": 1.5, "repeats": 3}},
        LOW,
        {**LOW, "way": "bookkeeping", "ratio": {"value": 1.3, "low": 1.2, "high": 1.4, "repeats": 3},
         "memory_ratio": 1.5},
    ],
    "noise": {"numbers": 1_000, "seconds": 0.5, "torch_seconds": 0.1, "ratio": 5.0, "source": "a generator"},
    "members": {
        "people": 1000, "epochs": 20, "epsilon": 3.0, "delta": 1e-4, "fpr": 0.05,
        "models": [{"model": "as it is", "members": 500, "auc": stated(0.8, 0.77, 0.83), "tpr": stated(0.2, 0.1, 0.3)}],
        "change": stated(-0.3, -0.35, -0.25),
    },
}  # fmt: skip


def test_page_says_what_is_met_and_what_is_not():
    told = page(FOUND)
    assert "Epsilon 3: the best run reaches a ROC-AUC of 0.931; 0.93 was hoped for: reached." in told
    # By hand: the noise multiplier times the root of 770 parameters, over a batch of 3,400.
    head, low = "the head alone, epsilon 3, 300 steps: 0.04", "low-rank updates, from the private head, epsilon 8"
    assert f"{head}; {low}, 300 steps: 0.04." in told
    assert "low-rank updates, from the private head | 7.99" in told
    rows = [{**FOUND["tuned"][0], "dropout": 0.0}]
    assert "low-rank updates, from the private head, without dropout | 7.99" in page({**FOUND, "tuned": rows})
    assert "| 0.03 | 1 | 300 x 3,400 | 0.925 (0.910 to 0.940), n = 100 | 0.278" in told
    assert "The highest ROC-AUC: learning rate 0.03, bound 3, 300 steps of 3,400." in told
    assert "| low-rank updates, from the private head | 7.99 | 4.9 | 3 | 300 x 3,400 | 0.931 (0.920 to 0.940)" in told
    assert "| low-rank updates | none | none | none | 300 x 3,400 | 0.931 (0.920 to 0.940)" in told
    assert "Epsilon 8: the best run reaches a ROC-AUC of 0.931; 0.94 was hoped for: not reached." in told
    assert "All parameters: the fastest way (bookkeeping) takes 1.40 times the plain step; at most 1.7: met." in told
    wide = copy.deepcopy(FOUND)
    wide["steps"][1]["ratio"]["high"] = 1.8
    assert "at most 1.7: met at the median, and not told apart by the range." in page(wide)
    assert "takes 1.30 times the plain step; at most 1.2: not met. Memory 1.50; at most 1.3: not met." in told
    thrifty = copy.deepcopy(FOUND)
    thrifty["steps"][-1]["memory_ratio"] = 1.0
    thrifty["steps"].append({**LOW, "way": "hooks", "memory_ratio": 0.6})
    assert "Memory 1.00; at most 1.3: met." in page(thrifty), "hooks take fewer tokens at once"
    thrifty["steps"][-2]["memory_ratio"] = 0.6
    assert "Memory 0.60; at most 1.3: not established" in page(thrifty)
    assert "takes 0.50 s, 5.0 times torch.randn (0.10 s)" in told
    assert "-0.300 (-0.350 to -0.250), n = 100, paired over people: it gives less away." in told


@pytest.mark.parametrize("part", ["head", "sweep", "tuned", "steps", "noise", "members"])
def test_what_was_not_measured_is_said_to_be_missing(part):
    found = copy.deepcopy(FOUND)
    del found[part]
    assert f"The part `{part}` was not measured." in page(found)


def test_an_interval_that_holds_zero_shows_nothing():
    found = copy.deepcopy(FOUND)
    found["members"]["change"] = stated(-0.1, -0.25, 0.05)
    assert "not shown to give less away" in page(found)


def test_change_of_auc_is_the_difference_and_its_interval_is_paired():
    """Equal scores and members: no change whatever is drawn. Unrelated scores: a change away from zero."""
    rng = np.random.default_rng(0)
    member, people = rng.random(400) < 0.5, People(np.arange(400))
    telling = Scored(member + rng.normal(0, 1, 400), member, people)
    silent = Scored(rng.normal(0, 1, 400), rng.random(400) < 0.5, people)
    same = change(telling, telling)
    assert (same["value"], same["interval"]["low"], same["interval"]["high"]) == (0.0, 0.0, 0.0)
    moved = change(telling, silent)
    expected = roc_auc_score(silent.member, silent.scores) - roc_auc_score(telling.member, telling.scores)
    assert moved["value"] == pytest.approx(expected, abs=1e-12)
    assert moved["interval"]["high"] < 0
    assert moved["n"] == 400
