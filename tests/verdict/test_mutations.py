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
