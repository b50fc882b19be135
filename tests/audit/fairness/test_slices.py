"""A slice that is worse is found and measured on people who had no part in finding it; chance alone finds none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from workbench.audit.fairness.candidates import Condition, Rule, rules
from workbench.audit.fairness.confirmed import CLUSTERED, EXACT, Half, halves, holm, large_enough, suspects, worse
from workbench.audit.fairness.slices import WorstSlices
from workbench.audit.fairness.traits import CONFIDENCE, Traits, as_groups, text_traits
from workbench.audit.runner import Run, run_probes
from workbench.evidence.bootstrap import People
from workbench.evidence.intervals import wilson
from workbench.evidence.record import Evidence, Measured, NotApplicable
from workbench.models.engine import engine_for
from workbench.seeds import Streams


def traits(n, rng):
    return Traits(
        {
            "words": rng.integers(1, 80, n).astype(float),
            "share of digits": rng.random(n).round(2),
            "share of capitals": rng.beta(1, 9, n),
            CONFIDENCE: rng.uniform(0.5, 1, n),
        },
        {"department": as_groups(rng.choice(["a", "b", "c", "d"], n).tolist())},
    )


def half(n, rng, *, error=0.1, planted=None, repeat=1):
    """Return rows wrong at `error`, and at `planted` where a text has few words."""
    held = traits(n, rng)
    chance = np.full(n, error)
    if planted is not None:
        chance[held.numbers["words"] <= 16] = planted
    return Half(held, rng.random(n) < chance, People(np.arange(n) // repeat))


def test_a_planted_slice_is_found_and_its_held_out_interval_covers_the_truth():
    covered = confirmed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = WorstSlices().search(half(1000, rng, planted=0.4), half(1000, rng, planted=0.4), Streams(0)).exhibit
        short = [one for one in made.slices if one.confirmed and one.name.startswith("words <=")]
        confirmed += bool(short)
        best = max(short, key=lambda one: one.error, default=None)
        covered += best is not None and best.interval.low <= 0.4 <= best.interval.high
    assert confirmed == 40
    assert covered >= 34, "the rule that is found may take in a few rows beside the slice"


def test_the_exact_rule_has_an_interval_that_covers_as_often_as_it_says():
    rule = Rule((Condition("words", "<=", 16.0),))
    hits = 0
    for seed in range(200):
        held = half(1000, np.random.default_rng(1000 + seed), planted=0.4)
        rows = rule.holds(held.traits)
        interval = wilson(int(held.wrong[rows].sum()), int(rows.sum()))
        hits += interval.low <= 0.4 <= interval.high
    assert 183 <= hits <= 198


@pytest.mark.parametrize("repeat", [1, 4])
def test_without_a_slice_false_confirmations_stay_at_five_percent(repeat):
    """200 simulated corpora; counts above 18 of 200 have a chance of 1% where the rate is 5%."""
    false = naive = tested = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, repeat])
        first, second = (half(600, rng, error=0.2, repeat=repeat) for _ in range(2))
        made = WorstSlices().search(first, second, Streams(0)).exhibit
        tested += bool(made.slices)
        false += any(one.confirmed for one in made.slices)
        looked = suspects(
            first, rules(first.traits, first.wrong, minimum=30, depth=3, most_groups=50), minimum=30, most=10
        )
        naive += any(one.p <= 0.05 for one in looked)
    assert false <= 18, false
    assert tested > 150, "slices were tested nearly every time"
    assert naive > 100, "without a half held out, chance alone finds a slice more often than not"


def test_people_with_many_rows_do_not_make_a_slice():
    """One person's rows are all right or all wrong: counted as rows, chance alone is significant far too often."""
    false = as_rows = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        people = np.repeat(np.arange(120), 8)
        wrong = (rng.random(120) < 0.2)[people]
        rows = (rng.random(120) < 0.4)[people]
        false += worse(wrong, rows, People(people)) <= 0.05
        as_rows += worse(wrong, rows, People(np.arange(960))) <= 0.05
    assert 2 <= false <= 18
    assert as_rows > 30


def test_the_exact_test_is_scipys():
    rng = np.random.default_rng(2)
    for _ in range(20):
        wrong, rows = rng.random(80) < 0.3, rng.random(80) < 0.4
        table = [[(wrong & rows).sum(), (~wrong & rows).sum()], [(wrong & ~rows).sum(), (~wrong & ~rows).sum()]]
        expected = stats.fisher_exact(table, alternative="greater").pvalue
        assert worse(wrong, rows, People(np.arange(80))) == pytest.approx(expected, rel=1e-9)
    assert worse(wrong, np.ones(80, dtype=bool), People(np.arange(80))) == 1.0
    assert worse(np.zeros(80, dtype=bool), rows, People(np.arange(80) // 2)) == 1.0


def test_holms_adjustment_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.4, 0.9]).tolist() == pytest.approx([0.8, 0.9])
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_halves_split_people_and_forget_the_order():
    people = [f"p{i // 3}" for i in range(3000)]
    side = halves(people)
    assert 0.45 < side.mean() < 0.55
    assert all(len(set(side[3 * i : 3 * i + 3])) == 1 for i in range(1000))
    assert halves(people[::-1]).tolist() == side[::-1].tolist()


def test_rules_are_what_their_names_say_and_come_once():
    rng = np.random.default_rng(4)
    held = half(800, rng, planted=0.6)
    found = rules(held.traits, held.wrong, minimum=30, depth=2, most_groups=3)
    names = [str(rule) for rule in found]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("department is") for name in names) == 3, "the largest three of four"
    assert "words <= 16" in names or "words <= 16.5" in names, "the tree's first cut"
    assert not any(CONFIDENCE in name and " and share" in name for name in names), "the tree reads texts only"
    words = held.traits.numbers["words"]
    for rule in found:
        if str(rule).startswith("words <= ") and " and " not in str(rule):
            assert rule.holds(held.traits).tolist() == (words <= float(str(rule).split()[-1])).tolist()
    both = Rule((Condition("words", ">", 10.0), Condition("department", "is", "a")))
    assert both.holds(held.traits).tolist() == ((words > 10) & (held.traits.groups["department"] == "a")).tolist()


def test_small_slices_and_near_copies_are_left_out():
    rng = np.random.default_rng(9)
    held = half(400, rng, planted=0.9)
    words = held.traits.numbers["words"]
    cuts = [Rule((Condition("words", "<=", float(cut)),)) for cut in (3, 15, 16, 17, 78)]
    found = suspects(held, cuts, minimum=30, most=10)
    assert [str(one.rule) for one in found] in (["words <= 15"], ["words <= 16"], ["words <= 17"])
    assert not large_enough(held, words <= 3, 30)
    assert not large_enough(held, words <= 78, 30), "nor is what leaves hardly a rest"
    assert len(suspects(held, [*cuts, Rule((Condition("words", "<=", 40.0),))], minimum=30, most=1)) == 1


def test_traits_of_texts():
    found = text_traits(["Ab c1, DE!", "", "99 ?"])
    assert found["words"].tolist() == [3, 0, 1]
    assert found["characters"].tolist() == [10, 0, 4]
    assert found["share of capitals"].tolist() == pytest.approx([3 / 5, 0, 0])
    assert found["share of digits"].tolist() == pytest.approx([1 / 10, 0, 2 / 4])
    assert found["share of punctuation"].tolist() == pytest.approx([2 / 10, 0, 1 / 4])


def planted(bench, n, *, repeat=1, seed=0, error=0.4):
    """Return a model that is wrong for `error` of department x, else for 0.1, its corpus and setting."""
    build, _, setting = bench
    rng = np.random.default_rng(seed)
    department = rng.choice(["x", "y", "z", None], n, p=[0.2, 0.4, 0.3, 0.1])
    labels = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(department == "x", error, 0.1)
    sure = np.where(wrong, 1 - labels, labels)
    p = rng.uniform(0.6, 0.9, n)
    rows = np.stack([np.where(sure == 0, p, 1 - p), np.where(sure == 1, p, 1 - p)], axis=1)
    people = np.arange(n) // repeat if repeat > 1 else None
    model, corpus = build(rows, labels, names=["l0", "l1"], people=people, groups={"department": department.tolist()})
    return model, corpus, setting()


def test_the_probe_finds_a_department_and_reports_the_half_it_did_not_choose_on(bench):
    model, corpus, setting = planted(bench, 2400)
    result = WorstSlices().measure(model, corpus, setting)
    assert isinstance(result, Measured)
    (table,) = (one for one in result.exhibits if one.kind == "slices")
    (one,) = (one for one in table.slices if one.name == "department is x")
    assert one.confirmed
    assert one.interval.low <= 0.4 <= one.interval.high
    measured = {found.where["slice"]: found for found in result.measurements}
    assert set(measured) == {each.name for each in table.slices}
    # By hand, on the half held out alone.
    held = [e for e, first in zip(corpus, halves([e.person for e in corpus]), strict=True) if not first]
    inside = [e for e in held if e.groups.get("department") == "x"]
    wrong = sum(corpus.labels[int(np.argmax(model.known[e.input]))] != e.label for e in inside)
    assert measured["department is x"].value == wrong / len(inside)
    assert measured["department is x"].interval == wilson(wrong, len(inside))
    assert measured["department is x"].n == one.people == len(inside)
    assert one.rest == pytest.approx(0.1, abs=0.03)
    assert table.method.startswith(EXACT)
    assert sum(each.confirmed for each in table.slices) == 1
    assert "1 confirmed" in " ".join(each.text for each in result.exhibits if each.kind == "note")


def test_missing_groups_are_a_slice_too_and_people_are_counted_once(bench):
    model, corpus, setting = planted(bench, 2400, repeat=3)
    flipped = replace(
        corpus,
        examples=tuple(replace(e, label="l1" if e.label == "l0" else "l0") if not e.groups else e for e in corpus),
    )
    result = WorstSlices().measure(model, flipped, setting)
    (table,) = (one for one in result.exhibits if one.kind == "slices")
    worst = table.slices[0]
    assert worst.name == "department is (missing)"
    assert worst.error > 0.8
    assert worst.confirmed
    assert worst.people < worst.n
    assert worst.interval.low < worst.error < worst.interval.high
    assert table.method.startswith(CLUSTERED)


def test_too_few_people_are_not_split(bench):
    model, corpus, setting = planted(bench, 100)
    made = WorstSlices().measure(model, corpus, setting)
    assert isinstance(made, NotApplicable)
    assert "where 60 on each are the least" in made.reason


def test_nothing_wrong_is_said_to_be_no_proof(bench):
    model, corpus, setting = planted(bench, 400, error=0.1)
    right = replace(
        corpus,
        examples=tuple(replace(e, label=corpus.labels[int(np.argmax(model.known[e.input]))]) for e in corpus),
    )
    result = WorstSlices().measure(model, right, setting)
    assert result.measurements == ()
    assert "no proof that none is" in " ".join(each.text for each in result.exhibits if each.kind == "note")


def test_an_audit_runs_it_and_its_evidence_survives_the_file(bench):
    model, corpus, setting = planted(bench, 800)
    told = Run(engine_for(model), corpus, setting, None, "key", lambda step: None)
    _, (evidence,) = run_probes(told, [WorstSlices()])
    assert isinstance(evidence.result, Measured), evidence.result
    assert Evidence.model_validate_json(evidence.model_dump_json()) == evidence
    assert WorstSlices(**evidence.params) == WorstSlices()


def test_row_order_changes_nothing(bench):
    model, corpus, setting = planted(bench, 600, repeat=2)
    turned = replace(corpus, examples=corpus.examples[::-1]).canonical()
    one, two = (WorstSlices().measure(model, each, setting).model_dump_json() for each in (corpus, turned))
    assert one == two
