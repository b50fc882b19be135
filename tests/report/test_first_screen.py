"""What could not be measured stands on the first screen and never passes: a crash, a lack, an empty group."""

import pytest

from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Evidence, Failed, Measured, NotApplicable
from workbench.report.model_card import model_card
from workbench.report.render import render
from workbench.report.summary import summary, summary_line
from workbench.verdict.decidable import smallest_n
from workbench.verdict.judge import exit_code, judge, overall
from workbench.verdict.policy import Criterion, Policy

ACCURACY = Criterion(id="accuracy", measurement="performance.accuracy", at_least=1e-9, why="any")
ATTACK = Criterion(
    id="attack", measurement="robustness.attack_success_rate", where={"recipe": "*"}, at_most=0.999, why="any"
)
GROUPS = Criterion(
    id="groups",
    measurement="fairness.accuracy",
    where={"attribute": "age_band", "group": "*"},
    at_least=1e-9,
    why="any",
)


def sound(record):
    """The golden record without what crashed or did not run in it, and with the groups that it measures."""
    kept = tuple(one for one in record.evidence if isinstance(one.result, Measured))
    measured = {
        one.where["group"]: 100
        for _, one in record.measurements()
        if one.name == "fairness.accuracy" and one.where["attribute"] == "age_band"
    }
    corpus = record.corpus.model_copy(update={"groups": {"age_band": measured}})
    return record.model_copy(update={"evidence": kept, "corpus": corpus})


def crashed(record):
    result = Failed(error="MemoryError: attacks took all of it")
    return _instead(record, "robustness.attack@1", result), "MemoryError: attacks took all of it"


def lacking(record):
    result = NotApplicable(reason="needs WordNet: make wordnet")
    return _instead(record, "robustness.attack@1", result), "needs WordNet: make wordnet"


def empty_group(record):
    groups = {"age_band": {**record.corpus.groups["age_band"], "under 18": 0}}
    return record.model_copy(update={"corpus": record.corpus.model_copy(update={"groups": groups})}), "under 18"


def _instead(record, probe, result):
    evidence = tuple(
        one.model_copy(update={"result": result}) if one.probe == probe else one for one in record.evidence
    )
    assert evidence != record.evidence, "else this shows nothing"
    return record.model_copy(update={"evidence": evidence})


@pytest.mark.parametrize("fault", [crashed, lacking, empty_group], ids=lambda fault: fault.__name__)
def test_what_was_not_measured_is_on_the_first_screen_and_exits_with_3(rich, fault):
    policy = Policy(name="p", criteria=(ACCURACY, ATTACK, GROUPS))
    whole = sound(rich)
    assert overall(whole, judge(whole, policy)) == "pass", "else this shows nothing"
    record, said = fault(whole)
    findings = judge(record, policy)
    assert exit_code(overall(record, findings)) == exit_code(overall(record, findings), fail_on="warn") == 3
    page = render(record, findings)
    screen = page[page.index('id="verdict"') : page.index('id="requirements"')]
    assert "Not established</h2>" in screen
    assert said in screen
    assert "<title>Not established:" in page


def test_what_nothing_was_held_against_is_not_counted_as_met(rich):
    private = ACCURACY.model_copy(update={"id": "private", "only_if": "private"})
    known = ACCURACY.model_copy(update={"id": "known", "at_least": None, "reported": True})
    held = sound(rich).model_copy(update={"training": None})
    findings = judge(held, Policy(name="p", criteria=(ACCURACY, known, private)))
    first = summary(held, findings)
    assert first.sentence == (
        "The model meets the one requirement of the policy “release”. Beside that, 1 number is only reported and "
        "1 requirement does not apply."
    )
    assert summary_line(held, findings).endswith("policy release): 1 passed, 1 only reported, 1 not applicable")
    card = model_card(held, findings)
    assert [card.count(f"| {word} | Accuracy |") for word in ("Met", "Reported", "Not asked")] == [1, 1, 1]


@pytest.mark.parametrize("criteria", [(), (ACCURACY.model_copy(update={"at_least": None, "reported": True}),)])
def test_no_exceptions_is_no_praise_where_nothing_was_held_against_a_bound(rich, criteria):
    held = sound(rich)
    page = render(held, judge(held, Policy(name="p", criteria=criteria)))
    assert "every requirement is met" not in page
    assert "None: but nothing was held against a bound." in page
    assert "every requirement is met" in render(held, judge(held, Policy(name="p", criteria=(ACCURACY,))))


def test_the_table_and_the_glance_round_no_number_to_the_other_side_of_its_bound(rich):
    (accuracy,) = (one for _, one in rich.measurements() if one.name == "performance.accuracy")
    near = accuracy.interval.model_copy(update={"low": 0.79996, "high": 0.84})
    held = Evidence(
        probe="performance.classification@1", params={}, seed=0, seconds=0,
        result=Measured(measurements=(accuracy.model_copy(update={"value": 0.82, "interval": near}),)),
    )  # fmt: skip
    record = rich.model_copy(update={"evidence": (held,)})
    findings = judge(record, Policy(name="p", criteria=(ACCURACY.model_copy(update={"at_least": 0.8}),)))
    page = render(record, findings)
    assert "Accuracy: 0.82000 (0.79996 to 0.84000)" in page
    assert "95%: 0.79996 to 0.84000" in page
    assert "95%: 0.800" not in page


@pytest.mark.parametrize("rows", [1, 8])
def test_what_would_decide_is_reckoned_from_the_interval_that_is_there(golden_record, rows):
    """400 people near the bound; with several rows each that say the same, their interval is that of fewer."""
    whole, worth = golden_record.rich(), 400 / rows
    held = wilson(0.83 * worth, worth)
    (first,) = [one for one in whole.evidence if one.probe.startswith("performance.classification")]
    figure = Measurement(
        name="performance.accuracy", value=0.83, unit="proportion", better="higher", n=400, interval=held
    )
    made = whole.model_copy(
        update={"evidence": (first.model_copy(update={"result": Measured(measurements=(figure,), exhibits=())}),)}
    )
    gate = Criterion(id="a", measurement="performance.accuracy", at_least=0.81, why="any")
    findings = judge(made, Policy(name="p", criteria=(gate,)))
    assert [one.verdict for one in findings] == ["not_established"]
    (told,) = [one.text for one in summary(made, findings).steps if "Audit more" in one.text]
    n = int(told.partition("an n of about ")[2].partition(" would")[0].replace(",", ""))
    assert n == pytest.approx(rows * smallest_n(0.83, 0.81), rel=0.06)
    assert n > 400


@pytest.mark.parametrize("recipes", [3, 12])
def test_many_figures_without_a_bound_are_weighed_together(golden_record, recipes):
    """Twelve recipes are one decision: its first screen tells the ends; three are told one by one."""
    whole = golden_record.rich()
    (first,) = [one for one in whole.evidence if one.probe.startswith("performance.classification")]
    rates = [
        Measurement(
            name="robustness.attack_success_rate",
            value=i / 20,
            unit="proportion",
            better="lower",
            n=20,
            interval=wilson(i, 20),
            where={"recipe": f"r{i}@1"},
        )
        for i in range(1, recipes + 1)
    ]
    attack = first.model_copy(
        update={"probe": "robustness.attack@1", "result": Measured(measurements=tuple(rates), exhibits=())}
    )
    made = whole.model_copy(update={"evidence": (attack,)})
    weigh = Criterion(
        id="a", measurement="robustness.attack_success_rate", where={"recipe": "*"}, reported=True, why="any"
    )
    findings = judge(made, Policy(name="p", criteria=(weigh,)))
    assert len(findings) == recipes
    screen = summary(made, findings)
    limits = [one.text for one in screen.limits if "you must weigh" in one.text]
    steps = [one.text for one in screen.steps if one.text.startswith("Decide whether")]
    if recipes == 3:
        assert (len(limits), len(steps)) == (3, 3)
        return
    (limit,), (step,) = limits, steps
    assert limit.startswith("Attack success rate: 12 figures, on which the policy sets no bound: you must weigh them.")
    assert "under r1@1 is 0.050 (95% interval" in limit
    assert "under r12@1 is 0.600 (95% interval" in limit
    assert step.startswith("Decide whether the 12 figures of “Attack success rate” are acceptable")
