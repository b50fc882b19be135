"""From a requirement that is not met to its cases, and by what these can be narrowed down."""

import json

from workbench.evidence.exhibits import FailingCase, FailingCases
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Evidence, Finding, Measured
from workbench.report.failing import attack_id, cases_of
from workbench.report.pillars import sections
from workbench.report.tagged import outcome, tagged


def finding(name, verdict="fail", **where):
    one = Measurement(
        name=name, value=0.5, unit="proportion", better="neither", n=50, where=where,
        interval=Interval(low=0.4, high=0.6, method="Wilson"),
    )  # fmt: skip
    return Finding(criterion="c", severity="fail", verdict=verdict, because="b", why="w", measurement=name, where=where,
                   bound="at most 0.10", evidence=one, probe="p@1")  # fmt: skip


def ids(record):
    return {
        block.id for section in sections(record) for block in section.blocks if block.kind == "heading" and block.id
    }


def test_a_group_leads_to_the_cases_of_that_group(rich):
    link = cases_of(rich, finding("fairness.false_positive_rate", attribute="age_band", group="60+"))
    assert link.target == "cases"
    assert json.loads(link.choice) == [["age_band", "60+"]]
    link = cases_of(rich, finding("performance.recall", label="not recommended"))
    assert json.loads(link.choice) == [["True label", "not recommended"]]
    assert cases_of(rich, finding("performance.accuracy")).choice == ""


def test_the_choice_is_one_that_the_cases_offer(rich):
    (section,) = (one for one in sections(rich) if one.id == "cases")
    quotes = [block for block in section.blocks if block.kind == "quote"]
    quotes += [one for block in section.blocks if block.kind == "fold" for one in block.blocks]
    offered = [pair for quote in quotes for pair in json.loads(quote.tags)]
    for pair in (["age_band", "60+"], ["True label", "not recommended"], ["Decided", "recommended"]):
        assert pair in offered


def test_an_attack_leads_to_its_own_rewritten_texts(rich):
    link = cases_of(rich, finding("robustness.attack_success_rate", recipe="deepwordbug@1"))
    assert link.target == attack_id(rich, "deepwordbug@1") == "attack-1"
    assert link.target in ids(rich)


def test_a_behaviour_leads_to_what_failed(rich):
    case = FailingCase(
        example="", text="t", before=None, label="recommended", tolerance=0, decided_before=None,
        decided="not recommended", watched="recommended", probability_before=None, probability=0.1,
    )  # fmt: skip
    held = FailingCases(behaviour="negation", test="minimum functionality", cases=(case,), total=1, of=4)
    made = Evidence(probe="robustness.behaviours@2", params={}, seed=0, seconds=0, result=Measured(measurements=(), exhibits=(held,)))  # fmt: skip  # noqa: E501
    record = rich.model_copy(update={"evidence": (*rich.evidence, made)})
    link = cases_of(record, finding("robustness.failure_rate", behaviour="negation"))
    assert link.target in ids(record)


def test_nothing_leads_nowhere(rich):
    assert cases_of(rich, finding("performance.accuracy", verdict="pass")) is None
    assert cases_of(rich, finding("robustness.failure_rate", behaviour="x")) is None
    assert cases_of(rich, finding("robustness.attack_success_rate", recipe="other@1")) is None
    assert cases_of(rich, finding("privacy.membership_auc", attack="x")) is None
    assert cases_of(rich, finding("performance.accuracy").model_copy(update={"evidence": None})) is None
    empty = rich.model_copy(update={"evidence": ()})
    assert cases_of(empty, finding("fairness.accuracy", attribute="a", group="b")) is None


def test_names_are_tagged_as_the_page_shows_them():
    assert json.loads(tagged([("a\u202eb", "x" * 200), *outcome(None, "\x07")])) == [
        ["a⟨U+202E⟩b", "x" * 79 + "…"], ["Decided", "⟨U+0007⟩"],
    ]  # fmt: skip
