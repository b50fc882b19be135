"""Thresholds by group: the stored table decides as Fairlearn's own object does."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.adapters.threshold_optimizer import CONSTRAINTS, OBJECTIVES, Wanted, fit_thresholds, optimizer
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.group_rule import Cut, GroupCut, GroupRule
from workbench.seeds import Streams


def scored(n=300, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    groups = rng.choice(np.array(["a", "b", "c"], dtype=object), n)
    labels = (rng.random(n) < np.where(groups == "a", 0.6, 0.4)).astype(np.int64)
    scores = 1 / (1 + np.exp(-(1.5 * (labels - 0.5) + rng.normal(size=n) + 0.5 * (groups == "a"))))
    return (scores.round(2) if ties else scores), labels, groups


def rule_of(cuts, **more):
    return GroupRule(attribute="sex", positive_label="yes", groups=cuts, **more)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_stored_table_decides_as_fairlearn_does(constraint, ties):
    scores, labels, groups = scored(ties=ties)
    new, _, theirs = scored(seed=1, ties=ties)
    for objective in OBJECTIVES:
        for slack in (None,) if constraint == "equalized_odds" else (None, 0.05):
            wanted = Wanted(constraint, objective, slack)
            stored = rule_of(fit_thresholds(scores, labels, groups, wanted)).model_dump_json()
            rule = GroupRule.model_validate_json(stored)
            fairlearns = optimizer(scores, labels, groups, wanted)
            for rows, whose in ((scores, groups), (new, theirs)):
                exact = fairlearns._pmf_predict(rows[:, None], sensitive_features=whose)[:, 1]
                np.testing.assert_allclose(rule.positive(rows, list(whose)), exact, rtol=0, atol=1e-12)


def test_thresholds_level_the_rate_that_was_asked_for():
    scores, labels, groups = scored()
    for constraint, among in (("demographic_parity", labels >= 0), ("true_positive_rate_parity", labels == 1)):
        rule = rule_of(fit_thresholds(scores, labels, groups, Wanted(constraint)))
        chances = rule.positive(scores, list(groups))
        rates = [chances[among & (groups == group)].mean() for group in "abc"]
        plain = [(scores >= 0.5)[among & (groups == group)].mean() for group in "abc"]
        assert np.ptp(rates) < 1e-9 < 0.1 < np.ptp(plain)


def test_what_fairlearn_cannot_do_is_refused_with_names():
    with pytest.raises(NotFound, match="did you mean 'equalized_odds'"):
        Wanted("equalised_odds").checked()
    with pytest.raises(NotFound, match="objective"):
        Wanted("demographic_parity", "f1").checked()
    with pytest.raises(Misconfigured, match="mix"):
        Wanted("equalized_odds", slack=0.1).checked()


CUTS = tuple(
    GroupCut(
        group=group, n=50, first=Cut(takes="above", at=at), first_share=0.25, second=Cut(takes="all"),
        second_share=0.75,
    )
    for group, at in (("a", 0.4), ("b", 0.6))
)  # fmt: skip


def test_a_group_without_thresholds_goes_by_the_one_for_everybody_or_is_refused():
    scores, groups = np.array([0.5, 0.49, 0.5]), ["(missing)", "z", "a"]
    assert rule_of(CUTS).positive(scores, groups).tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(BadInput, match=r"'\(missing\)', 'z' of 'sex', and this model refuses"):
        rule_of(CUTS, unknown="refuse").positive(scores, groups)
    assert rule_of(CUTS, unknown="refuse").positive(scores[2:], groups[2:]).tolist() == [1.0]


def test_a_mix_lies_between_the_two_rules():
    scores, groups = np.array([0.3, 0.7, 0.3]), ["a", "b", "z"]
    assert rule_of(CUTS, mix=0.5).positive(scores, groups).tolist() == [0.375, 1.0, 0.0]


def test_draws_depend_on_seed_and_example_only_and_keep_their_chance():
    rule, chances = rule_of(CUTS), np.tile([0.0, 0.3, 1.0], 2_000)
    ids = [str(i) for i in range(len(chances))]
    drawn = rule.drawn(chances, ids, Streams(0))
    backwards = rule.drawn(chances[::-1], ids[::-1], Streams(0))[::-1]
    assert (drawn == backwards).all()
    assert not drawn[0::3].any()
    assert drawn[2::3].all()
    assert abs(drawn[1::3].mean() - 0.3) < 0.04
    assert (drawn != rule.drawn(chances, ids, Streams(1))).any()


def test_probabilities_alone_do_not_decide():
    decision = Decision(rule="by_group", by_group=rule_of(CUTS))
    with pytest.raises(ValueError, match="by the group of 'sex'"):
        decision.decide(np.array([[0.1, 0.9]]), 1)
    with pytest.raises(ValueError, match="by group needs"):
        Decision(rule="by_group")
    with pytest.raises(ValueError, match="threshold"):
        Cut(takes="above")
    with pytest.raises(ValueError, match="two rules"):
        rule_of((CUTS[0], CUTS[0]))
