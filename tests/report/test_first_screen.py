"""What could not be measured stands on the first screen and never passes: a crash, a lack, an empty group."""

import pytest

from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.report.render import render
from workbench.verdict.judge import exit_code, judge, overall
from workbench.verdict.policy import Criterion, Policy

ACCURACY = Criterion(id="accuracy", measurement="performance.accuracy", at_least=0.0, why="any")
ATTACK = Criterion(
    id="attack", measurement="robustness.attack_success_rate", where={"recipe": "*"}, at_most=1.0, why="any"
)
GROUPS = Criterion(
    id="groups", measurement="fairness.accuracy", where={"attribute": "age_band", "group": "*"}, at_least=0.0, why="any"
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
