"""Thresholds by group on scores that favour one group: held against masks by hand, and against what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.adapters.threshold_optimizer import Wanted
from workbench.data.corpus import Corpus, Example
from workbench.data.overlap import fingerprints
from workbench.errors import EmptyData, Misconfigured
from workbench.evidence.mitigation import MitigationCard
from workbench.report.mitigation import needs
from workbench.seeds import Streams
from workbench.train.mitigation.expected import Expected, Part
from workbench.train.mitigation.fitting import Base, Mitigation, mitigate

BASE = Base("base", "0" * 64, private=False)


def part(n, seed, split, shares=(0.5, 0.49, 0.01)):
    """A logistic score that is 0.7 higher, in log-odds, for group a, whatever the label."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(["a", "b", "c"], n, p=shares)
    labels = rng.random(n) < np.where(groups == "a", 0.6, 0.45)
    scores = 1 / (1 + np.exp(-(2 * (labels - 0.5) + rng.normal(size=n) + 0.7 * (groups == "a") - 0.3)))
    rows = tuple(
        Example(f"{split}{i}", f"{split}{i}", f"text {i}", "yes" if labels[i] else "no", {"sex": str(groups[i])})
        for i in range(n)
    )
    return Part(Corpus(rows, ("no", "yes"), "made up", "here", split=split), scores, "yes", "sex")


@pytest.fixture(scope="module")
def parts():
    return part(1_000, 0, "validation"), part(2_500, 1, "test")


def test_the_gap_narrows_on_held_out_people_and_the_price_is_stated(parts):
    found = mitigate(Mitigation("sex", Wanted("demographic_parity")), *parts, BASE)
    held = found.card.held_out
    assert held.gap_before.interval.low > 0.2
    assert held.narrowed.interval.low > 0
    assert held.narrowed.value == pytest.approx(held.gap_before.value - held.gap_after.value)
    assert held.gap_after.value < 0.06
    assert held.gained.value == pytest.approx(held.accuracy_after.value - held.accuracy_before.value)
    assert held.gained.interval.high < 0, "level rates cost accuracy where base rates differ"
    assert found.card.left_out == ("c",)
    assert held.overall == sum(example.groups["sex"] == "c" for example in parts[1].corpus)
    assert MitigationCard.model_validate_json(found.card.model_dump_json()) == found.card
    settings = [one.setting for one in found.card.trade_off]
    assert settings[0] == "no mitigation"
    assert settings[-1] == "slack 0"
    gaps = [one.gap.value for one in found.card.trade_off]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-9


def test_it_is_counted_how_many_examples_the_model_has_learned_from(parts):
    validation, test = parts
    learned = frozenset(fingerprints(replace(test.corpus, examples=test.corpus.examples[1_500:1_600])))
    for known, seen in ((None, (None, None)), (learned, (0, 100))):
        base = Base("base", "0" * 64, private=False, learned_from=known)
        card = mitigate(Mitigation("sex", Wanted("demographic_parity")), validation, test, base).card
        assert (card.fitted_on.in_training, card.held_out.corpus.in_training) == seen
        assert any("unknown" in one for one in needs(card)) is (known is None)
        assert any(one.startswith("100 held-out examples share") for one in needs(card)) is (known is not None)


def test_figures_are_those_of_masks_by_hand(parts):
    _, test = parts
    rng = np.random.default_rng(5)
    chances = rng.random(len(test.scores)).round(2)
    found = Expected(test, chances, ("positive", "others"), ("a", "b"), Streams(0), replicates=100)
    labels = np.array([example.label == "yes" for example in test.corpus])
    groups = np.array([example.groups["sex"] for example in test.corpus])
    gaps = [
        abs(chances[among & (groups == "a")].mean() - chances[among & (groups == "b")].mean())
        for among in (labels, ~labels)
    ]
    assert found.gap.value == pytest.approx(max(gaps), abs=1e-12)
    assert found.accuracy.value == pytest.approx(np.where(labels, chances, 1 - chances).mean(), abs=1e-12)
    assert found.gap.interval.low <= found.gap.value <= found.gap.interval.high


def test_equalized_odds_by_mixing(parts):
    found = mitigate(Mitigation("sex", Wanted("equalized_odds"), mix=0.5), *parts, BASE)
    assert [one.setting for one in found.card.trade_off] == [
        "no mitigation",
        "mix 0.25",
        "mix 0.5",
        "mix 0.75",
        "mix 1",
    ]
    assert found.card.held_out.narrowed.value > 0.04
    assert found.rule.mix == 0.5
    assert found.card.held_out.drawn > 0.2


def test_what_is_too_small_or_impossible_is_said(parts):
    with pytest.raises(EmptyData, match="need two groups with 20 examples each"):
        mitigate(Mitigation("sex", Wanted("demographic_parity")), part(60, 0, "validation"), parts[1], BASE)
    with pytest.raises(Misconfigured, match="mix"):
        Mitigation("sex", Wanted("demographic_parity"), mix=0.0)
    with pytest.raises(Misconfigured, match="public"):
        Mitigation("sex", Wanted("demographic_parity"), public=" ")
    with pytest.raises(Misconfigured, match="unknown"):
        Mitigation("sex", Wanted("demographic_parity"), unknown="guess")


def test_whom_the_rule_refuses_are_counted_as_if_nobody_were(parts):
    """Some of the validation part's people are of groups without a threshold, whatever happens to such people later."""
    rng = np.random.default_rng(1)
    validation = part(300, 2, "validation")
    few = set(rng.choice(len(validation.corpus), 12, replace=False).tolist())
    examples = tuple(
        replace(one, groups={"sex": "tiny"}) if i in few else one for i, one in enumerate(validation.corpus)
    )
    held = replace(validation, corpus=replace(validation.corpus, examples=examples))
    made = [
        mitigate(Mitigation("sex", Wanted("demographic_parity"), unknown=unknown), held, parts[1], BASE)
        for unknown in ("refuse", "overall")
    ]
    assert [one.rule.unknown for one in made] == ["refuse", "overall"]
    assert made[0].card.held_out == made[1].card.held_out


def test_for_a_private_model_it_says_whether_its_statement_still_holds(parts):
    card = mitigate(Mitigation("sex", Wanted("equalized_odds")), part(300, 2, "validation"), parts[1], BASE).card
    assert not card.breaks_privacy
    private = card.model_copy(update={"private_base": True})
    assert private.breaks_privacy
    assert "were fitted on 300 examples that its account does not cover" in private.unprotected
    assert not private.model_copy(update={"public": "made up"}).breaks_privacy
