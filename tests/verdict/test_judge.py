import pytest

from workbench.evidence.exhibits import GroupSize, GroupTable
from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.verdict.judge import bound_judged, count, exit_code, judge, overall, spared, worst_first
from workbench.verdict.policy import Criterion, Policy


def criterion(**given):
    base = {"id": "c", "measurement": "performance.accuracy", "why": "because"}
    return Criterion(**{**base, **given})


def policy(*criteria):
    return Policy(name="p", criteria=criteria)


@pytest.fixture
def verdict(record, evidence, measurement):
    def make(low, high, *, value=None, name="performance.accuracy", **given):
        middle = (low + high) / 2 if value is None else value
        held = record(evidence("performance.x@1", measurement(name, middle, low, high)))
        (finding,) = judge(held, policy(criterion(measurement=name, **given)))
        return finding.verdict

    return make


@pytest.mark.parametrize(
    ("low", "high", "given", "expected"),
    [
        (0.81, 0.90, {"at_least": 0.8}, "pass"),
        (0.80, 0.90, {"at_least": 0.8}, "pass"),  # the bound itself satisfies
        (0.79, 0.90, {"at_least": 0.8}, "not_established"),
        (0.70, 0.80, {"at_least": 0.8}, "not_established"),  # the upper end still satisfies
        (0.70, 0.79, {"at_least": 0.8}, "fail"),
        (0.70, 0.79, {"at_least": 0.8, "severity": "warn"}, "warn"),
        (0.79, 0.90, {"at_least": 0.8, "severity": "warn"}, "warn"),
        (0.81, 0.90, {"at_least": 0.8, "severity": "warn"}, "pass"),
        (0.79, 0.90, {"at_least": 0.8, "end": "high"}, "pass"),
        (0.70, 0.79, {"at_least": 0.8, "end": "high"}, "fail"),
        (0.01, 0.10, {"at_most": 0.1}, "pass"),
        (0.01, 0.11, {"at_most": 0.1}, "not_established"),
        (0.11, 0.20, {"at_most": 0.1}, "fail"),
        (0.01, 0.11, {"at_most": 0.1, "end": "low"}, "pass"),
        (0.00, 1.00, {"reported": True}, "pass"),
    ],
)
def test_the_required_end_of_the_interval_decides(verdict, low, high, given, expected):
    assert verdict(low, high, **given) == expected


def test_the_value_alone_never_decides(verdict):
    assert verdict(0.70, 0.90, value=0.89, at_least=0.8) == "not_established"


@pytest.mark.parametrize(("value", "expected"), [(199, "pass"), (200, "pass"), (201, "fail")])
def test_exact_quantities_are_judged_by_their_value(record, evidence, measurement, value, expected):
    held = record(evidence("cost.size@1", measurement("cost.bytes", value, unit="bytes")))
    (finding,) = judge(held, policy(criterion(measurement="cost.bytes", at_most=200)))
    assert finding.verdict == expected


def test_the_sentence_says_everything(record, evidence, measurement):
    held = record(evidence("performance.x@1", measurement("performance.accuracy", 0.912, 0.901, 0.922, 2831)))
    (finding,) = judge(held, policy(criterion(at_least=0.8)))
    assert finding.because == (
        "Accuracy is 0.912 (95% interval 0.901 to 0.922, n = 2,831); at least 0.80 is required, "
        "and the whole interval meets it."
    )
    assert finding.bound == "at least 0.80"


@pytest.mark.parametrize(
    ("low", "value", "high", "given", "reason"),
    [
        (0.81, 0.85, 0.9, {"at_least": 0.8}, "and the whole interval meets it."),
        (0.6, 0.65, 0.7, {"at_least": 0.8}, "and the whole interval misses it."),
        (0.7, 0.8, 0.9, {"at_least": 0.8}, "the interval lies on both sides of it, so this audit cannot tell."),
        (0.7, 0.8, 0.9, {"at_least": 0.8, "end": "high"}, "the high end of the interval, the one asked for, meets it."),
        (0.7, 0.8, 0.9, {"at_most": 0.95}, "and the whole interval meets it."),
        (0.7, 0.8, 0.9, {"at_most": 0.8, "end": "low"}, "the low end of the interval, the one asked for, meets it."),
    ],
)
def test_the_sentence_gives_the_reason(record, evidence, measurement, low, value, high, given, reason):
    held = record(evidence("performance.x@1", measurement("performance.accuracy", value, low, high)))
    (finding,) = judge(held, policy(criterion(**given)))
    assert finding.because.endswith(reason)


@pytest.mark.parametrize(("value", "reason"), [(200, "and it is met."), (201, "and it is missed.")])
def test_the_sentence_on_an_exact_quantity_speaks_of_no_interval(record, evidence, measurement, value, reason):
    held = record(evidence("cost.size@1", measurement("cost.bytes", value, unit="bytes")))
    (finding,) = judge(held, policy(criterion(measurement="cost.bytes", at_most=200)))
    assert finding.because.endswith(reason)


def test_a_crash_is_told_as_one(record, evidence):
    held = record(evidence("performance.classification@1", result=Failed(error="ValueError: no")))
    (finding,) = judge(held, policy(criterion(at_least=0.8)))
    assert finding.because == "Accuracy was not measured: the probe performance.classification@1 failed."


@pytest.mark.parametrize("result", [NotApplicable(reason="no"), Failed(error="no")], ids=lambda one: one.outcome)
def test_a_named_recipe_does_not_answer_for_another(record, evidence, measurement, result):
    """Only '*' asks for all of them: what became of the recipe b is nothing that a criterion on a is about."""
    rate = measurement("robustness.attack_success_rate", 0.1, 0.0, 0.2, recipe="a@1")
    held = record(
        evidence("robustness.attack@1", rate, recipe="a@1"),
        evidence("robustness.attack@1", result=result, recipe="b@1"),
    )
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "a@1"}, at_most=0.5)
    assert [finding.verdict for finding in judge(held, policy(asked))] == ["pass"]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [({"a@1": 0.1, "b@1": 0.9}, ["pass"]), ({"a@1": 0.9, "b@1": 0.1}, ["fail"]), ({"b@1": 0.1}, ["not_established"])],
    ids=str,
)
def test_a_named_recipe_is_judged_by_its_own_figure(record, evidence, measurement, measured, expected):
    rates = [measurement("robustness.attack_success_rate", v, v, v, recipe=name) for name, v in measured.items()]
    held = record(*(evidence("robustness.attack@1", rate, recipe=rate.where["recipe"]) for rate in rates))
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "a@1"}, at_most=0.5)
    assert [finding.verdict for finding in judge(held, policy(asked))] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"at_most": 0.5}, "not_established"),
        ({"at_most": 0.5, "severity": "warn"}, "warn"),
        ({"reported": True}, "pass"),
    ],
    ids=str,
)
def test_what_training_has_seen_keeps_a_bound_from_being_met_and_nothing_else(
    record, evidence, measurement, given, expected
):
    rate = measurement("robustness.attack_success_rate", 0.1, 0.05, 0.2, recipe="a@1", seen_in_training="yes")
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "*"}, **given)
    (finding,) = judge(record(evidence("robustness.attack@1", rate)), policy(asked))
    assert finding.verdict == expected


@pytest.mark.parametrize(
    ("only_if", "private", "experiment", "told"),
    [
        ("private", None, True, "it has no training card"),
        ("private", False, True, "its training card claims none"),
        ("private", True, False, None),
        ("private", True, True, None),
        ("private experiment", None, True, "it has no training card"),
        ("private experiment", False, True, "its training card claims none"),
        ("private experiment", True, False, "whose members coins have drawn"),
        ("private experiment", True, True, None),
    ],
)
def test_whom_a_criterion_is_asked_of(record, private_card, only_if, private, experiment, told):
    """Asked and not measured: not established. Not asked: it does not apply, and the reason is said."""
    card = private_card.model_copy(update={"recipe": {"experiment": experiment}})
    if not private:
        card = card.model_copy(update={"privacy": None})
    held = record().model_copy(update={"training": None if private is None else card})
    (finding,) = judge(held, policy(criterion(at_least=0.8, only_if=only_if)))
    assert finding.verdict == ("not_established" if told is None else "pass")
    assert finding.evidence is None
    assert ("does not apply" in finding.because) is (told is not None)
    assert (told or "was not measured") in finding.because


def test_rounding_never_hides_on_which_side_a_number_lies(record, evidence, measurement):
    held = record(evidence("performance.x@1", measurement("performance.accuracy", 0.85, 0.79996, 0.9)))
    (finding,) = judge(held, policy(criterion(at_least=0.8)))
    assert finding.verdict == "not_established"
    assert "0.79996" in finding.because


@pytest.mark.parametrize(
    "result",
    [NotApplicable(reason="needs more"), Failed(error="ValueError: no"), Measured(measurements=())],
    ids=["not applicable", "failed", "missing"],
)
@pytest.mark.parametrize("severity", ["fail", "warn"])
@pytest.mark.parametrize("given", [{"at_least": 1e-9}, {"at_most": 0.999}, {"reported": True}], ids=str)
def test_absence_is_not_established_whatever_the_severity(record, evidence, result, severity, given):
    held = record(evidence("performance.x@1", result=result))
    findings = judge(held, policy(criterion(severity=severity, **given)))
    assert [finding.verdict for finding in findings] == ["not_established"]
    assert findings[0].evidence is None
    assert overall(held, findings) == "not_established"


def test_the_reason_of_absence_is_told(record, evidence):
    held = record(evidence("robustness.attack@1", result=NotApplicable(reason="needs TextAttack.")))
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "*"}, at_most=0.5)
    (finding,) = judge(held, policy(asked))
    assert finding.because == (
        "Attack success rate under every recipe was not measured: robustness.attack@1 could not run: needs TextAttack."
    )
    assert finding.probe == "robustness.attack@1"


GAP = "fairness.demographic_parity_difference"


def gaps(record, evidence, measurement, **values):
    made = [measurement(GAP, v, v, v, unit="difference", attribute=name) for name, v in values.items()]
    groups = {name: {"a": 500, "b": 500} for name in values}
    return record(evidence("fairness.groups@1", *made), groups=groups)


def test_a_star_judges_every_group(record, evidence, measurement):
    held = gaps(record, evidence, measurement, age=0.05, sex=0.2)
    findings = judge(held, policy(criterion(measurement=GAP, where={"attribute": "*"}, at_most=0.1)))
    assert [(finding.where["attribute"], finding.verdict) for finding in findings] == [("age", "pass"), ("sex", "fail")]


def test_a_star_without_a_match_is_not_established(record):
    findings = judge(
        record(), policy(criterion(measurement=GAP, where={"attribute": "*"}, at_most=0.1, severity="warn"))
    )
    assert [finding.verdict for finding in findings] == ["not_established"]
    assert "group column" in findings[0].because


def test_a_star_asks_for_every_attribute_of_the_corpus(record, evidence, measurement):
    held = record(
        evidence("fairness.groups@1", measurement(GAP, 0.05, 0.0, 0.08, unit="difference", attribute="age")),
        groups={"age": {"a": 1}, "sex": {"f": 1}},
    )
    findings = judge(held, policy(criterion(measurement=GAP, where={"attribute": "*"}, at_most=0.1)))
    assert {finding.where["attribute"]: finding.verdict for finding in findings} == {
        "age": "pass",
        "sex": "not_established",
    }


def test_a_named_attribute_asks_for_no_other(record, evidence, measurement):
    held = record(
        evidence("fairness.groups@1", measurement(GAP, 0.05, 0.0, 0.08, unit="difference", attribute="age")),
        groups={"age": {"a": 1}, "sex": {"f": 1}},
    )
    (finding,) = judge(held, policy(criterion(measurement=GAP, where={"attribute": "age"}, at_most=0.1)))
    assert (finding.verdict, finding.where, finding.probe) == ("pass", {"attribute": "age"}, "fairness.groups@1")


def test_a_note_on_the_attribute_is_told_where_its_figure_is_missing(record, evidence):
    note = "sex is left out: too few people in each group."
    groups = {"age": {"a": 1}, "sex": {"f": 1}}
    held = record(evidence("fairness.groups@1", notes=[note]), evidence("cost.size@1", notes=["sex."]), groups=groups)
    found = judge(held, policy(criterion(measurement=GAP, where={"attribute": "*"}, at_most=0.1)))
    told = {finding.where["attribute"]: finding.because for finding in found}
    assert told["sex"].endswith(f"was not measured: {note}")
    assert told["age"].endswith("was not measured: the record holds no such measurement.")


def test_a_star_asks_for_every_group_of_every_attribute(record, evidence, measurement):
    rate = measurement("fairness.selection_rate", 0.5, 0.4, 0.6, attribute="age", group="young")
    held = record(evidence("fairness.groups@1", rate), groups={"age": {"young": 1, "old": 1}})
    asked = criterion(measurement="fairness.selection_rate", where={"attribute": "*", "group": "*"}, at_least=0.1)
    findings = judge(held, policy(asked))
    assert {finding.where["group"]: finding.verdict for finding in findings} == {
        "young": "pass",
        "old": "not_established",
    }


def test_a_star_notices_that_one_run_of_the_same_probe_left_nothing(record, evidence, measurement):
    rate = measurement("robustness.attack_success_rate", 0.1, 0.0, 0.2, recipe="a@1")
    held = record(
        evidence("robustness.attack@1", rate),
        evidence("robustness.attack@1", result=NotApplicable(reason="no WordNet")),
    )
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "*"}, at_most=0.5)
    assert [finding.verdict for finding in judge(held, policy(asked))] == ["pass", "not_established"]


def test_a_star_notices_a_run_that_says_that_it_leaves_the_number_out(record, evidence, measurement):
    rate = measurement("robustness.attack_success_rate", 0.1, 0.0, 0.2, recipe="a@1")
    left_out = "attack_success_rate is not given: no text was decided rightly."
    held = record(
        evidence("robustness.attack@1", rate, notes=["queries_mean is not given: no spread."], recipe="a@1"),
        evidence("robustness.attack@1", notes=["Of 3 texts none fell.", left_out], recipe="b@1"),
        evidence("robustness.other@1", notes=[left_out], recipe="c@1"),
    )
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "*"}, at_most=0.5)
    fine, absent = judge(held, policy(asked))
    assert (fine.verdict, absent.verdict) == ("pass", "not_established")
    assert absent.because == f"Attack success rate under b@1 was not measured: {left_out}"
    assert (absent.where, absent.probe) == ({"recipe": "b@1"}, "robustness.attack@1")
    named = criterion(measurement="robustness.attack_success_rate", where={"recipe": "a@1"}, at_most=0.5)
    assert [finding.verdict for finding in judge(held, policy(named))] == ["pass"]


@pytest.mark.parametrize("recipe", ["*", "b@1"])
def test_a_probes_own_reason_goes_before_that_of_another(record, evidence, recipe):
    left_out = "attack_success_rate is not given: the model decides every text of the data as 'x'."
    held = record(
        evidence("robustness.noise@1", result=NotApplicable(reason="no letters")),
        evidence(
            "robustness.attack@1", notes=["attack_success_rate is not given: other."] * (recipe != "*"), recipe="a@1"
        ),
        evidence("robustness.attack@1", notes=[left_out], recipe="b@1"),
    )
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": recipe}, at_most=0.5)
    (finding,) = judge(held, policy(asked))
    assert finding.verdict == "not_established"
    assert finding.because.endswith(f"was not measured: {left_out}")
    assert finding.probe == "robustness.attack@1"


def test_a_note_of_another_pillar_is_no_reason(record, evidence):
    """Performance and fairness both have an accuracy: why the one is not there says nothing of the other."""
    note = "accuracy is not given: the groups are too small."
    asked = policy(criterion(at_least=0.8))
    (own,) = judge(record(evidence("performance.x@1", notes=[note])), asked)
    (other,) = judge(record(evidence("fairness.groups@1", notes=[note])), asked)
    assert (own.probe, own.because) == ("performance.x@1", f"Accuracy was not measured: {note}")
    assert (other.probe, other.because) == (None, "Accuracy was not measured: the record holds no such measurement.")


def test_a_note_may_name_what_it_is_about(record, evidence):
    left_out = "failure_rate is not given for capitals only, typos: the decision never changes."
    held = record(evidence("robustness.behaviours@1", notes=[left_out]))
    for behaviour, told in (("typos", True), ("names", False)):
        asked = criterion(measurement="robustness.failure_rate", where={"behaviour": behaviour}, at_most=0.5)
        (finding,) = judge(held, policy(asked))
        assert finding.verdict == "not_established"
        assert (left_out in finding.because) is told


def test_facets_tell_measurements_apart(record, evidence, measurement):
    held = record(
        evidence(
            "performance.x@1",
            measurement("performance.roc_auc", 0.9, 0.88, 0.92, unit="score"),
            measurement("performance.roc_auc", 0.5, 0.4, 0.6, unit="score", label="rare"),
        )
    )
    (finding,) = judge(held, policy(criterion(measurement="performance.roc_auc", at_least=0.8)))
    assert (finding.verdict, finding.where) == ("pass", {})


def test_a_qualifier_neither_hides_nor_separates(record, evidence, measurement):
    rates = [
        measurement("robustness.attack_success_rate", v, v, v, recipe="a@1", seen_in_training=seen)
        for v, seen in ((0.1, "yes"), (0.9, "no"))
    ]
    held = record(evidence("robustness.attack@1", *rates))
    asked = criterion(measurement="robustness.attack_success_rate", where={"recipe": "a@1"}, at_most=0.5)
    assert [finding.verdict for finding in judge(held, policy(asked))] == ["pass", "fail"]


def test_worst_first(record, evidence, measurement):
    held = gaps(record, evidence, measurement, age=0.05, sex=0.2)
    findings = judge(held, policy(criterion(measurement=GAP, where={"attribute": "*"}, at_most=0.1)))
    assert [finding.verdict for finding in worst_first(findings)] == ["fail", "pass"]
    assert overall(held, findings) == "fail"


def test_a_crashed_probe_caps_the_verdict_though_no_criterion_names_it(record, evidence, measurement):
    held = record(
        evidence("performance.x@1", measurement("performance.accuracy", 0.9, 0.88, 0.92)),
        evidence("privacy.y@1", result=Failed(error="ValueError: no")),
    )
    findings = judge(held, policy(criterion(at_least=0.8)))
    assert [finding.verdict for finding in findings] == ["pass"]
    assert overall(held, findings) == "not_established"
    assert overall(held, judge(held, policy(criterion(at_least=0.95)))) == "fail"


def test_nothing_required_is_nothing_established(record, evidence, measurement):
    held = record(evidence("performance.x@1", measurement("performance.accuracy", 0.9, 0.88, 0.92)))
    assert overall(held, judge(held, policy())) == "not_established"
    assert overall(held, judge(held, policy(criterion(reported=True)))) == "not_established"


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("warn", 0), ("fail", 1), ("not_established", 3)])
def test_exit_codes(verdict, code):
    assert exit_code(verdict) == code
    assert exit_code(verdict, fail_on="warn") == (1 if verdict == "warn" else code)


@pytest.mark.parametrize(
    ("marks", "where", "expected"),
    [
        (("yes",), {"recipe": "*"}, ["not_established"]),
        (("yes", "yes"), {"recipe": "*"}, ["not_established", "not_established"]),
        (("yes", "no"), {"recipe": "*"}, ["pass", "pass"]),
        (("yes",), {"recipe": "*", "seen_in_training": "yes"}, ["pass"]),
        ((None,), {"recipe": "*"}, ["pass"]),
    ],
    ids=str,
)
def test_a_model_is_never_judged_only_by_attacks_that_it_was_trained_on(
    record, evidence, measurement, marks, where, expected
):
    asked = criterion(measurement="robustness.attack_success_rate", where=where, at_most=0.5)
    held = [
        measurement(
            "robustness.attack_success_rate", 0.1, 0.05, 0.2, recipe=f"r{i}",
            **({} if mark is None else {"seen_in_training": mark}),
        )
        for i, mark in enumerate(marks)
    ]  # fmt: skip
    found = judge(record(evidence("robustness.attack@1", *held)), policy(asked))
    assert [finding.verdict for finding in found] == expected
    assert ("training has seen edits of this family" in found[0].because) == (expected[0] == "not_established")


@pytest.mark.parametrize(
    ("low", "high", "given", "expected"),
    [
        (0.0, 0.05, {"at_most": 0.1}, "not_established"),
        (0.0, 0.05, {"at_most": 0.1, "severity": "warn"}, "warn"),
        (0.2, 0.3, {"at_most": 0.1}, "fail"),
        (0.0, 0.05, {"reported": True}, "pass"),
        (0.0, 0.05, {"at_most": 0.1, "unknown_below": 30}, "pass"),
        (0.0, 0.05, {"at_most": 0.1, "unknown_below": 12}, "not_established"),  # it has twelve
    ],
    ids=str,
)
@pytest.mark.parametrize("attribute", ["age", "*"])
def test_a_gap_that_leaves_a_group_out_is_not_met_and_names_it(
    record, evidence, measurement, attribute, low, high, given, expected
):
    gap = measurement(GAP, low, low, high, unit="difference", attribute="age")
    gap = gap.model_copy(update={"left_out": ("tiny",)})
    held = record(evidence("fairness.groups@1", gap), groups={"age": {"a": 500, "b": 488, "tiny": 12}})
    (finding,) = judge(held, policy(criterion(measurement=GAP, where={"attribute": attribute}, **given)))
    assert finding.verdict == expected
    assert "leaves out tiny" in finding.because
    assert ("the policy accepts that of groups with fewer than 30 examples" in finding.because) is (
        given.get("unknown_below") == 30
    )


def test_what_the_corpus_card_does_not_count_is_never_accepted_as_small(record, evidence, measurement):
    """Of a column of ids nobody names the groups that are not shown: they may be any."""
    gap = measurement(GAP, 0.0, 0.0, 0.05, attribute="age").model_copy(update={"left_out": ("7 smaller groups",)})
    held = record(evidence("fairness.groups@1", gap), groups={"age": {"a": 500, "b": 500}})
    asked = criterion(measurement=GAP, where={"attribute": "age"}, at_most=0.1, unknown_below=10**6)
    assert [one.verdict for one in judge(held, policy(asked))] == ["not_established"]


def test_a_star_asks_for_every_label_that_the_model_has(record, evidence, measurement):
    name = "performance.precision"
    told = "precision is not given for yes: the model never decided for this label."
    held = record(evidence("performance.classification@1", measurement(name, 0.9, 0.8, 1.0, label="no"), notes=[told]))
    found = judge(held, policy(criterion(measurement=name, where={"label": "*"}, at_least=0.7)))
    assert [(one.where["label"], one.verdict) for one in found] == [("no", "pass"), ("yes", "not_established")]
    assert found[1].because == f"Precision for the label yes was not measured: {told}"


def test_a_note_may_be_about_several_measurements(record, evidence, measurement):
    told = "counterfactual_flip_rate, counterfactual_score_change and other are not given for nation: no text."
    for metric, heard in (("score_change", True), ("absolute_change", False)):
        name = f"fairness.counterfactual_{metric}"
        met = measurement(name, 0.0, 0.0, 0.0, swap="sex")
        held = record(evidence("fairness.counterfactual@1", met, notes=[told]))
        found = judge(held, policy(criterion(measurement=name, where={"swap": "*"}, at_most=0.1)))
        assert [one.verdict for one in found] == ["pass", "not_established"][: 1 + heard]


NOT_APPLICABLE = "failure_rate does not apply to praise: the model has no label 'recommended'."
RATE = "robustness.failure_rate"


@pytest.mark.parametrize(
    ("behaviour", "only_if", "expected"),
    [
        ("*", None, ["pass", "not_established"]),
        ("*", "applicable", ["pass", "pass"]),
        ("praise", None, ["not_established"]),
        ("praise", "applicable", ["pass"]),
        ("typos", "applicable", ["pass"]),
    ],
)
def test_only_the_policy_excuses_what_does_not_apply(record, evidence, measurement, behaviour, only_if, expected):
    met = measurement(RATE, 0.0, 0.0, 0.05, behaviour="typos")
    held = record(evidence("robustness.behaviours@1", met, notes=[NOT_APPLICABLE]))
    found = judge(
        held, policy(criterion(measurement=RATE, where={"behaviour": behaviour}, at_most=0.1, only_if=only_if))
    )
    assert [one.verdict for one in found] == expected
    if behaviour != "typos":
        assert found[-1].because.endswith(NOT_APPLICABLE)
        assert not bound_judged(found[-1]), "nothing was shown"
        assert spared(found[-1]) is (only_if is not None)
    if behaviour == "praise":
        assert overall(held, found) == "not_established", "nothing was held against a bound"


def test_not_everything_at_once_is_excused(record, evidence):
    held = record(evidence("robustness.behaviours@1", notes=[NOT_APPLICABLE]))
    asked = criterion(measurement=RATE, where={"behaviour": "*"}, at_most=0.1, only_if="applicable")
    assert [one.verdict for one in judge(held, policy(asked))] == ["not_established"]
    other = NOT_APPLICABLE.replace("does not apply to", "is not given for")
    held = record(evidence("robustness.behaviours@1", notes=[other]))
    asked = criterion(measurement=RATE, where={"behaviour": "praise"}, at_most=0.1, only_if="applicable")
    assert [one.verdict for one in judge(held, policy(asked))] == ["not_established"], "applies, and was not measured"


def test_a_longer_name_or_a_reason_excuses_nothing(record, evidence):
    """Part of another behaviour's name, and a word of a reason, are not what a note is about."""
    lost = "failure_rate is not given for contractions: the model decides every text of the data as 'yes'."
    asked = criterion(measurement=RATE, where={"behaviour": "contractions"}, at_most=0.1, only_if="applicable")
    for other in (
        "failure_rate does not apply to typos, contractions of names: none of the texts drawn is changed.",
        "failure_rate does not apply to mine: contractions: none of the texts drawn is changed.",
        "failure_rate does not apply to praise: the model has no label 'contractions'.",
    ):
        for notes in ([other], [other, lost], [lost, other]):
            (finding,) = judge(record(evidence("robustness.behaviours@1", notes=notes)), policy(asked))
            assert finding.verdict == "not_established", notes
    nature = "failure_rate does not apply to contractions: the model has no label 'yes'."
    (finding,) = judge(record(evidence("robustness.behaviours@1", notes=[nature])), policy(asked))
    assert finding.verdict == "pass"
    (finding,) = judge(record(evidence("robustness.behaviours@1", notes=[nature, lost])), policy(asked))
    assert finding.verdict == "not_established", "lost weighs more than not applicable"


def test_no_probe_is_named_that_does_not_measure_what_is_missing(record, evidence):
    privacy = [
        evidence(f"privacy.{probe}@1", result=NotApplicable(reason=f"{probe} says why"))
        for probe in ("statement", "membership")
    ]
    attacks = [evidence("robustness.attack@1", result=NotApplicable(reason="no WordNet"), recipe="pwws@1")]
    held = record(*privacy, *attacks)

    def told(name, **where):
        (finding,) = judge(held, policy(criterion(measurement=name, where=where, at_least=1e-9)))
        return finding.probe, finding.because.partition("was not measured: ")[2]

    membership = told("privacy.membership_tpr", attack="loss", fpr="0.01")
    assert membership == ("privacy.membership@1", "privacy.membership@1 could not run: membership says why.")
    asked = "robustness.accuracy_under_attack"
    assert told(asked, recipe="pwws@1") == ("robustness.attack@1", "robustness.attack@1 could not run: no WordNet.")
    assert told(asked, recipe="leap@1") == (None, "the record holds no such measurement.")


def test_requirements_are_counted_apart_from_what_nothing_was_held_against(record, evidence, measurement):
    held = record(evidence("performance.classification@1", measurement("performance.accuracy", 0.9, 0.88, 0.92)))
    asked = policy(
        criterion(at_least=0.8),
        criterion(id="known", reported=True),
        criterion(id="absent", measurement="performance.log_loss", reported=True),
        criterion(id="private", at_least=0.8, only_if="private"),
    )
    found = count(judge(held, asked))
    assert found == ({"fail": 0, "not_established": 1, "warn": 0, "pass": 1}, 1, 1)
    assert found.total == 2


def test_a_star_asks_for_every_method_that_the_probe_was_told_to_look_at(record, evidence, measurement):
    name = "explanations.tau_loo"
    told = "tau_loo does not apply to occlusion@1: leave-one-out is what it computes."
    met = measurement(name, 0.5, 0.4, 0.6, unit="score", attributor="saliency@1")
    methods = ["saliency@1", "occlusion@1", "lime@1"]
    held = record(
        evidence("explanations.quality@1", met, notes=[told], methods=methods),
        evidence("explanations.sanity@1", methods=["none@1"]),
    )
    asked = criterion(measurement=name, where={"attributor": "*"}, at_least=0.1)
    verdicts = {one.where["attributor"]: one.verdict for one in judge(held, policy(asked))}
    assert verdicts == {"saliency@1": "pass", "occlusion@1": "not_established", "lime@1": "not_established"}
    spared_one = asked.model_copy(update={"only_if": "applicable"})
    verdicts = {one.where["attributor"]: one.verdict for one in judge(held, policy(spared_one))}
    assert verdicts == {"saliency@1": "pass", "occlusion@1": "pass", "lime@1": "not_established"}


def test_a_record_older_than_the_field_leaves_groups_out_too(record, evidence, measurement):
    name = "fairness.demographic_parity_difference"
    gap = measurement(name, 0.02, 0.0, 0.05, attribute="age")
    sizes = tuple(
        GroupSize(group=group, n=n, people=n, by_label={"no": n})
        for group, n in (("young", 300), ("old", 300), ("few", 4))
    )
    asked = policy(criterion(measurement=name, where={"attribute": "age"}, at_most=0.1))
    for too_small, verdict in (((), "pass"), (("few",), "not_established")):
        table = GroupTable(attribute="age", groups=sizes, too_small=too_small)
        result = Measured(measurements=(gap,), exhibits=(table,))
        held = record(
            evidence("fairness.groups@1", result=result), groups={"age": {"young": 300, "old": 300, "few": 4}}
        )
        (finding,) = judge(held, asked)
        assert finding.verdict == verdict
        assert ("leaves out few" in finding.because) is bool(too_small)
