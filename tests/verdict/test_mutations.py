"""Whatever a policy asks for: take the evidence away and it is never met."""

import pytest

from workbench.evidence.names import NAMES
from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.report.junit import junit
from workbench.verdict.judge import exit_code, judge, overall
from workbench.verdict.policy import Criterion, Policy, load_policy

SHIPPED = [load_policy(name) for name in ("default", "explained", "internal", "release", "high-risk")]


def every_criterion():
    """One criterion per known name, on every facet, that any number satisfies; and those of the shipped policies."""
    for name, known in NAMES.items():
        where = dict.fromkeys(known.facets, "*")
        for severity in ("fail", "warn"):
            yield Criterion(id="any", measurement=name, where=where, at_least=0.0, severity=severity, why="any")
    for policy in SHIPPED:
        yield from policy.criteria


def satisfying(criterion, measurement):
    value = criterion.limit if criterion.limit is not None else 0.5
    groups = {"attribute": "age", "group": "old"}
    where = {facet: groups.get(facet, "x") if held == "*" else held for facet, held in criterion.where.items()}
    return measurement(criterion.measurement, value, value, value, **where)


@pytest.mark.parametrize("criterion", list(every_criterion()), ids=lambda c: f"{c.id}-{c.measurement}-{c.severity}")
def test_evidence_taken_away_never_passes(criterion, record, evidence, measurement, private_card):
    policy = Policy(name="p", criteria=(criterion,))
    probe = f"{criterion.measurement.split('.')[0]}.x@1"
    groups = {"age": {"old": 10}}

    def claiming(*held, groups):
        """Return a record of a model that claims privacy: what is asked of such models only is asked of it."""
        return record(*held, groups=groups).model_copy(update={"training": private_card})

    whole = claiming(evidence(probe, satisfying(criterion, measurement)), groups=groups)
    assert [finding.verdict for finding in judge(whole, policy)] == ["pass"]
    lacking = [
        claiming(groups=groups),
        claiming(evidence(probe, result=Measured(measurements=())), groups=groups),
        claiming(evidence(probe, result=NotApplicable(reason="no")), groups=groups),
        claiming(evidence(probe, result=Failed(error="no")), groups=groups),
    ]
    for held in lacking:
        findings = judge(held, policy)
        assert findings
        assert {finding.verdict for finding in findings} == {"not_established"}
        assert overall(held, findings) == "not_established"
        assert exit_code(overall(held, findings)) == 3
        assert "not_established" in junit(held, findings)


STARRED = [criterion for criterion in every_criterion() if "*" in criterion.where.values()]


@pytest.mark.parametrize("result", [NotApplicable(reason="no"), Failed(error="no")], ids=lambda result: result.outcome)
@pytest.mark.parametrize("criterion", STARRED, ids=lambda c: f"{c.id}-{c.measurement}-{c.severity}")
def test_every_one_is_not_shown_by_one_while_another_run_of_the_probe_left_nothing(
    criterion, result, record, evidence, measurement, private_card
):
    """'Every recipe' holds where one recipe was measured and met; not where a second one was tried and gave nothing."""
    policy = Policy(name="p", criteria=(criterion,))
    probe = f"{criterion.measurement.split('.')[0]}.x@1"
    one = satisfying(criterion, measurement)
    other = {facet: "another" for facet, held in criterion.where.items() if held == "*"}
    met = evidence(probe, one, **one.where)
    silent = evidence(probe, result=result, **{**one.where, **other})

    def judged(*held):
        made = record(*held, groups={"age": {"old": 10}}).model_copy(update={"training": private_card})
        findings = judge(made, policy)
        return [finding.verdict for finding in findings], exit_code(overall(made, findings))

    alone, code = judged(met)
    assert (alone, code) == (["pass"], 3 if criterion.reported else 0), "else nothing is shown below"
    assert judged(met, silent) == (["pass", "not_established"], 3)
    assert judged(silent, met) == (["pass", "not_established"], 3)


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.name)
def test_a_crash_or_a_gap_anywhere_keeps_a_whole_policy_from_passing(
    policy, record, evidence, measurement, private_card
):
    """Every criterion of a shipped policy met; then one measurement after the other is taken away."""
    groups = {"age": {"old": 10}}
    wanted = {}
    for criterion in policy.criteria:
        one = satisfying(criterion, measurement)
        if one.key not in wanted or (criterion.limit is not None and criterion.severity == "fail"):
            wanted[one.key] = (criterion, one)
    held = [evidence(f"{c.measurement.split('.')[0]}.x{i}@1", one) for i, (c, one) in enumerate(wanted.values())]

    def judged(kept):
        made = record(*kept, groups=groups).model_copy(update={"training": private_card})
        findings = judge(made, policy)
        return overall(made, findings), findings

    verdict, _ = judged(held)
    assert exit_code(verdict) == 0, "else nothing is shown below"
    for i, lost in enumerate(held):
        probe = lost.probe
        for result in (Measured(measurements=()), NotApplicable(reason="no"), Failed(error="no")):
            verdict, findings = judged([*held[:i], evidence(probe, result=result), *held[i + 1 :]])
            assert verdict == "not_established"
            assert exit_code(verdict) == exit_code(verdict, fail_on="warn") == 3
            name = lost.result.measurements[0].name
            assert "not_established" in {one.verdict for one in findings if one.measurement == name}


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.name)
def test_a_group_that_nobody_measured_is_never_met(policy, record, evidence, measurement):
    """The corpus knows two attributes; measurements speak of one: the other is not established."""
    for criterion in policy.criteria:
        if criterion.where.get("attribute") != "*":
            continue
        one = satisfying(criterion, measurement)
        made = record(
            evidence(f"{criterion.measurement.split('.')[0]}.x@1", one),
            groups={"age": {"old": 10}, "sex": {"f": 5, "m": 5}},
        )
        findings = judge(made, Policy(name="p", criteria=(criterion,)))
        assert [f.verdict for f in findings if f.where["attribute"] == "sex"] == ["not_established"]
        assert exit_code(overall(made, findings)) == 3


def test_a_policy_that_asks_nothing_of_this_model_does_not_pass_it(record, evidence, measurement):
    """All criteria are for private models, and this one claims no privacy: each is spared, and nothing is shown."""
    accuracy = evidence("performance.x@1", measurement("performance.accuracy", 0.9, 0.88, 0.92))
    claims = tuple(criterion for policy in SHIPPED for criterion in policy.criteria if criterion.only_if is not None)
    assert claims, "else this shows nothing"
    for claim in claims:
        findings = judge(record(accuracy), Policy(name="p", criteria=(claim,)))
        assert [(one.verdict, one.evidence) for one in findings] == [("pass", None)]
        assert "does not apply" in findings[0].because
        assert exit_code(overall(record(accuracy), findings)) == 3
