"""Attacking two models on the same texts, and what changed, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

import workbench
from workbench.attacking import paired
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, NotFound
from workbench.evidence.intervals import wilson

WORDS = ("fine", "nice", "plain", "warm", "soft", "large")


@pytest.fixture(scope="module")
def corpus():
    rows = [
        Example(
            f"e{i}",
            f"p{i // 2}",
            f"the {WORDS[i % 6]} dress is {('awful', 'lovely')[i % 2]}",
            ("negative", "positive")[i % 2],
        )
        for i in range(24)
    ]
    return Corpus(tuple(rows), ("negative", "positive"), "made", "made", split="test")


@pytest.fixture(scope="module")
def both(textattack, known_model, corpus):
    """A model that hangs on one word's spelling, and one that no word moves: it always says 'positive'."""
    brittle = known_model(
        {"the": 0.0, "dress": 0.0, "is": 0.0, "awful": -4.0, "lovely": 4.0, **dict.fromkeys(WORDS, 0.0)}
    )
    stone = known_model({}, shape=lambda s: 0 * s + 3)
    return [workbench.attack(model, corpus, examples=20, query_budget=60) for model in (brittle, stone)]


def test_both_were_given_the_same_texts(both):
    before, after = both
    assert [one.example for one in before.rewrites] == [one.example for one in after.rewrites]
    assert len(before.frame()) == 20
    assert {"attack_success_rate", "accuracy_under_attack"} <= set(before.figures().index)


def test_a_model_that_knows_one_decision_has_no_success_rate(both):
    _, stone = both
    assert "attack_success_rate" not in stone.figures().index
    assert "the model decides every text of the data as 'positive'" in " ".join(stone.notes)


def test_changes_are_counted_pair_by_pair(both):
    before, after = both
    accuracy, under = after.since(before)
    right = [np.mean([one.outcome != "skipped" for one in side.rewrites]) for side in both]
    stands = [np.mean([one.outcome in ("resisted", "exhausted") for one in side.rewrites]) for side in both]
    assert (accuracy.before, accuracy.after) == tuple(right)
    assert (under.before, under.after) == tuple(stands)
    assert accuracy.change == pytest.approx(right[1] - right[0])
    assert right[1] == np.mean([one.label == "positive" for one in after.rewrites])
    assert accuracy.n == under.n == 20
    assert accuracy.interval.low <= accuracy.change <= accuracy.interval.high < 0


def test_the_interval_is_over_people_not_rows():
    rng = np.random.default_rng(0)
    flips = {f"e{i}": bool(rng.random() < 0.5) for i in range(60)}
    doubled = {f"{one}/{k}": flag for one, flag in flips.items() for k in range(4)}
    nothing, nobody = dict.fromkeys(flips, False), dict.fromkeys(doubled, False)
    single = paired("x", nothing, flips, {one: i for i, one in enumerate(flips)})
    owners = {one: i // 4 for i, one in enumerate(doubled)}
    fourfold = paired("x", nobody, doubled, owners)
    assert (single.n, fourfold.n) == (60, 240)
    widths = [one.interval.high - one.interval.low for one in (single, fourfold)]
    # As wide as for the 60 people, and one person more at either end; by rows it would be half as wide.
    assert widths[0] <= widths[1] <= 1.3 * widths[0]


def test_models_that_never_differ_have_an_interval_with_width():
    same = {f"e{i}": i % 3 == 0 for i in range(30)}
    found = paired("x", same, same, {one: i for i, one in enumerate(same)})
    assert found.change == 0
    assert (-found.interval.low, found.interval.high) == pytest.approx((wilson(0, 30).high,) * 2)


@pytest.mark.parametrize("n", [3, 50])
@pytest.mark.parametrize("each", [1, 2])
def test_an_interval_has_width_and_stays_within_the_shares(n, each):
    ids = {f"e{i}": i // each for i in range(n * each)}
    nothing = dict.fromkeys(ids, False)
    all_rise = paired("x", nothing, dict.fromkeys(ids, True), ids).interval
    assert 0 < all_rise.low < all_rise.high == pytest.approx(1) or n == 3
    for after in (dict.fromkeys(ids, True), {one: person == 0 for one, person in ids.items()}):
        for old, new in ((nothing, after), (after, nothing)):
            change = paired("x", old, new, ids)
            assert -1 <= change.interval.low <= change.change <= change.interval.high <= 1
            assert change.interval.high - change.interval.low > 0.05


def test_another_budget_or_other_data_is_another_attack(both, corpus, known_model):
    before, _ = both
    same = {"examples": 20, "query_budget": 60}
    for other, how in ((corpus, {**same, "query_budget": 3}), (corpus, {**same, "seconds": 60.0}), (corpus[:22], same)):
        after = workbench.attack(known_model({}), other, **how)
        with pytest.raises(
            Misconfigured, match=r"not the same attack.*(query budget 60, 3|seconds None, 60|data sha256)"
        ):
            after.since(before)


def test_what_cannot_be_compared(both, corpus, known_model):
    before, _ = both
    other = workbench.attack(known_model({}), corpus, examples=2, query_budget=5, seed=1)
    with pytest.raises(Misconfigured, match="not the same attack"):
        other.since(before)
    with pytest.raises(Misconfigured, match="different examples"):
        paired("x", {"a": True}, {"b": True}, {"a": 0, "b": 1})
    with pytest.raises(NotFound, match="deepwordbug"):
        workbench.attack(known_model({}), corpus, recipe="deepwordbag")
