"""The page on explanations: what it concludes follows from the figures, and what is missing is said."""

import json
from pathlib import Path

import pytest

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.one_text import CHANCE
from workbench.bench.rarity import RARITY, offer
from workbench.bench.trust import chosen, part_of, told
from workbench.bench.trust_page import PARTS, page
from workbench.errors import NotFound
from workbench.evidence.record import Evidence, Failed

COMMITTED = Path(__file__).resolve().parents[2] / "reports" / "explanations.json"


@pytest.fixture
def rarity():
    name = offer()
    yield name
    del attributors._table[name]


def figure(name, method, value, low, high, n=100, unit="score", **where):
    return {
        "name": f"explanations.{name}", "value": value, "unit": unit, "n": n, "better": "lower",
        "where": {"attributor": method, **where},
        "interval": {"low": low, "high": high, "level": 0.95, "method": "made up"},
    }  # fmt: skip


def part(*figures, **more):
    return {
        "outcome": "measured", "measurements": list(figures), "notes": ["a note"], "seconds": 120.0, "model": "m" * 64,
        "corpus": "c" * 64, "searched_in": "float32", "date": "2026-11-28T00:00:00+00:00", "params": {},
        "machine": {"threads": 2, "processor": "AMD EPYC", "code": "0.1.0"}, **more,
    }  # fmt: skip


def result(**parts):
    return {"data": "reviews", "seed": 0, "parts": parts}


def test_trusted_is_what_is_better_than_chance_and_passes():
    quality = part(
        figure("gain_over_random", "good@1", 0.2, 0.1, 0.3),
        figure("gain_over_random", "lucky@1", 0.2, 0.1, 0.3),
        figure("gain_over_random", "weak@1", 0.1, -0.1, 0.3),
        figure("comprehensiveness", CHANCE, 0.05, 0.01, 0.08),
    )
    found = page(result(quality=quality, sanity=part(passes={"good@1": True, "lucky@1": False, "weak@1": True})))
    assert "2 of 3 methods are better than random words: `good`, `lucky`." in found
    assert "Not shown to be better than random words: `weak`." in found
    assert "2 of 3 methods pass the sanity check: `good`, `weak`." in found
    assert "Not shown to pass the sanity check: `lucky`." in found
    assert "Better than random words, and pass without reservation: `good`.\n" in found
    assert "not put to" not in found
    assert "- stability: not measured yet." in found
    assert "| random words | none, see notes | 0.050 (0.010 to 0.080), n = 100 | none, see notes |" in found


def test_an_explainer_that_never_asks_the_model_is_no_method_and_has_to_be_caught():
    good, blind = (
        figure("randomisation_correlation", "good@1", 0.01, -0.1, 0.1),
        figure("randomisation_correlation", RARITY, 1.0, 0.9, 1.0),
    )
    found = page(result(sanity=part(good, blind, passes={"good@1": True, RARITY: False})))
    assert "1 of 1 methods pass the sanity check: `good`." in found
    assert '`word_rarity`, an "explainer" that never asks the model, does not pass, as it should be.' in found
    assert "| `word_rarity` | not shown to pass | 1.000 (0.900 to 1.000), n = 100 |" in found
    found = page(result(sanity=part(good, blind, passes={"good@1": True, RARITY: True})))
    assert "is not caught: the check proves nothing" in found


def test_what_changes_only_with_the_embeddings_passes_with_reservation_and_has_its_stages_shown():
    methods = ("deep@1", "shallow@1")
    quality = part(*(figure("gain_over_random", one, 0.2, 0.1, 0.3) for one in methods))
    sanity = part(
        *(figure("randomisation_correlation", one, 0.1, 0.0, 0.2) for one in methods),
        figure("randomisation_correlation", "deep@1", 0.3, 0.2, 0.4, scores="signed", randomised="7 of 8 parts"),
        figure("randomisation_correlation", "shallow@1", 0.8, 0.7, 0.9, scores="signed", randomised="7 of 8 parts"),
        figure("randomisation_correlation", "deep@1", 0.6, 0.5, 0.7, scores="absolute", randomised="7 of 8 parts"),
        passes=dict.fromkeys(methods, True),
    )
    found = page(result(quality=quality, sanity=sanity))
    assert "2 of 2 methods pass the sanity check: `deep`, `shallow`." in found
    assert "Pass with reservation: `shallow`. With every layer drawn anew" in found
    assert "Better than random words, and pass without reservation: `deep`." in found
    assert "| method | | all parts | 7 of 8 parts |" in found
    assert "| `deep` | passes | 0.100 (0.000 to 0.200), n = 100 | 0.300 (0.200 to 0.400), n = 100 |" in found
    assert "0.600" not in found


def test_a_model_of_random_labels_has_a_column_where_there_is_one():
    good = figure("randomisation_correlation", "good@1", 0.01, -0.1, 0.1)
    found = page(result(sanity=part(good, passes={"good@1": True})))
    assert "random labels" not in found
    labels = figure("label_randomisation_correlation", "good@1", 0.2, 0.1, 0.3)
    found = page(result(sanity=part(good, labels, passes={"good@1": True})))
    assert "| `good` | passes | 0.010 (-0.100 to 0.100), n = 100 | 0.200 (0.100 to 0.300), n = 100 |" in found
    assert "reservation" not in found
    labels = figure("label_randomisation_correlation", "good@1", 0.7, 0.6, 0.8)
    found = page(result(sanity=part(good, labels, passes={"good@1": True})))
    assert "Pass with reservation: `good`. On a model trained on labels dealt out at random" in found


def test_rarity_scores_the_rarer_word_higher_whatever_the_model(rarity):
    text = "the zyzzyva dress"
    model, target = object(), 0
    found = attributors[rarity]().attribute(model, text, target, gap_bound=0.01, seed=0)
    assert found.tokens == ("the", "zyzzyva", "dress")
    the, nonsense, dress = found.scores
    assert the < dress < nonsense == 0  # it is in no review: -log(1 + 0)
    assert found.passes == 0


def test_a_method_that_was_not_put_to_the_sanity_check_did_not_fail_it():
    quality = part(*(figure("gain_over_random", one, 0.2, 0.1, 0.3) for one in ("good@1", "unasked@1")))
    found = page(result(quality=quality, sanity=part(passes={"good@1": True})))
    assert "1 of 1 methods pass the sanity check: `good`." in found
    assert "Better than random words and not put to the sanity check: `unasked`." in found


def test_a_method_that_left_nothing_to_compare_was_put_to_the_check_and_not_shown_to_pass():
    quality = part(*(figure("gain_over_random", one, 0.2, 0.1, 0.3) for one in ("good@1", "silent@1")))
    sanity = part(passes={"good@1": True}, params={"methods": ["good@1", "silent@1"]})
    found = page(result(quality=quality, sanity=sanity))
    assert "Not shown to pass the sanity check: `silent`." in found
    assert "not put to" not in found


def test_masks_and_pairs_have_places_of_their_own():
    found = page(
        result(
            quality=part(
                figure("comprehensiveness", "one@1", 0.2, 0.1, 0.3),
                figure("comprehensiveness", "one@1", 0.7, 0.6, 0.8, removal="mask"),
                figure("agreement", "one@1", 0.44, 0.4, 0.5, other="two@1"),
                figure("top_overlap", "one@1", 0.66, 0.6, 0.7, other="two@1"),
            )
        )
    )
    deleted, masked = found.split("## With a mask in place of missing words")
    assert "0.200 (0.100 to 0.300)" in deleted
    assert "0.700" not in deleted
    assert "0.700 (0.600 to 0.800)" in masked
    assert "| `one` |  | 0.44 |" in found
    assert "| `two` | 0.66 |  |" in found


def test_a_part_that_failed_is_the_first_thing_said_and_is_no_conclusion():
    evidence = Evidence(
        probe="explanations.quality@1", params={}, seed=0, seconds=1.0, result=Failed(error="ValueError: no")
    )
    found = page(result(quality={**part(), **told(evidence)}))
    assert "- quality: no figures (failed: ValueError: no)." in found
    assert "better than random" not in found


def test_parts_are_those_of_the_full_profile(rarity):
    assert sorted(part_of(one) for one in chosen()) == sorted(PARTS)
    (sanity,) = chosen(["sanity"], label_randomised="runs/random")
    assert sanity.methods[-1] == rarity
    assert sanity.label_randomised == "runs/random"
    assert [part_of(one) for one in chosen(["sanity"])] == ["sanity"]
    assert next(one for one in chosen(["quality"])).examples == 100
    assert all(one.examples == 20 for one in chosen(["sanity", "stability"]))
    with pytest.raises(NotFound, match=r"unknown part 'qualty'.*quality"):
        chosen(["qualty"])


@pytest.mark.skipif(not COMMITTED.is_file(), reason="not measured yet")
def test_the_committed_page_is_that_of_the_committed_figures():
    assert COMMITTED.with_suffix(".md").read_text() == page(json.loads(COMMITTED.read_text()))
