"""Whatever a policy asks for: take the evidence away and it is never met."""

import pytest

from workbench.evidence.names import NAMES
from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.verdict.judge import judge, overall
from workbench.verdict.policy import Criterion, Policy, load_policy

DEFAULT = load_policy("default")


def every_criterion():
    """One criterion per known name, on every facet, that any number satisfies; and those of the default policy."""
    for name, known in NAMES.items():
        where = dict.fromkeys(known.facets, "*")
        for severity in ("fail", "warn"):
            yield Criterion(id="any", measurement=name, where=where, at_least=0.0, severity=severity, why="any")
    yield from DEFAULT.criteria


def satisfying(criterion, measurement):
    value = criterion.limit if criterion.limit is not None else 0.5
    groups = {"attribute": "age", "group": "old"}
    where = {facet: groups.get(facet, "x") for facet in criterion.where}
    return measurement(criterion.measurement, value, value, value, **where)


@pytest.mark.parametrize("criterion", list(every_criterion()), ids=lambda c: f"{c.id}-{c.measurement}-{c.severity}")
def test_evidence_taken_away_never_passes(criterion, record, evidence, measurement):
    policy = Policy(name="p", criteria=(criterion,))
    probe = f"{criterion.measurement.split('.')[0]}.x@1"
    groups = {"age": {"old": 10}}
    whole = record(evidence(probe, satisfying(criterion, measurement)), groups=groups)
    assert [finding.verdict for finding in judge(whole, policy)] == ["pass"]
    lacking = [
        record(groups=groups),
        record(evidence(probe, result=Measured(measurements=())), groups=groups),
        record(evidence(probe, result=NotApplicable(reason="no")), groups=groups),
        record(evidence(probe, result=Failed(error="no")), groups=groups),
    ]
    for held in lacking:
        findings = judge(held, policy)
        assert findings
        assert {finding.verdict for finding in findings} == {"not_established"}
        assert overall(held, findings) == "not_established"
