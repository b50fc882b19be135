"""JUnit XML: a CI server sees each finding once, and no silence as a success."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Failed, Finding, NotApplicable
from workbench.report.junit import junit
from workbench.verdict.judge import REPORTED

HOSTILE = "</testcase><script>alert(1)</script>]]>&\x00\x1b[31m\ud800\ufffe \u202e"

ACCURACY = Measurement(
    name="performance.accuracy", value=0.9, unit="proportion", better="higher", n=100,
    interval=Interval(low=0.85, high=0.95, method="Wilson"), where={},
)  # fmt: skip


def finding(verdict, **more):
    held = {
        "criterion": "accuracy", "severity": "fail", "verdict": verdict, "because": "it is so", "why": "it matters",
        "measurement": "performance.accuracy", "where": {}, "bound": "at least 0.8", "evidence": ACCURACY,
        "probe": None,
    }  # fmt: skip
    return Finding.model_validate({**held, **more})


def parsed(record, findings):
    return ET.fromstring(junit(record, findings)).find("testsuite")


@pytest.mark.parametrize(
    ("verdict", "tag"), [("fail", "failure"), ("not_established", "error"), ("warn", None), ("pass", None)]
)
def test_each_verdict_is_what_a_server_takes_it_for(rich, verdict, tag):
    bare = rich.model_copy(update={"evidence": ()})
    (case,) = parsed(bare, [finding(verdict)])
    assert case.attrib == {"classname": "performance.accuracy", "name": "accuracy"}
    if tag is None:
        assert case.find("system-out").text == f"{verdict}: it is so"
        assert [one.tag for one in case] == ["system-out"]
    else:
        assert case.find(tag).attrib == {"message": "it is so", "type": verdict}


def test_a_crashed_probe_is_an_error_and_counted_even_where_no_criterion_names_it(rich):
    (first, *_) = rich.evidence
    crashed = first.model_copy(update={"result": Failed(error="out of memory")})
    silent = first.model_copy(update={"result": NotApplicable(reason="no groups")})
    suite = parsed(rich.model_copy(update={"evidence": (crashed, silent)}), [finding("pass"), finding("fail")])
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [one.get("message") for one in suite.iter("error")] == ["out of memory"]


def test_a_policy_that_judges_nothing_is_an_error(rich):
    suite = parsed(rich.model_copy(update={"evidence": ()}), [])
    assert suite.get("errors") == "1"


def test_what_was_not_asked_for_is_skipped_and_alone_no_success(rich):
    """A criterion only for private models, and one without a bound: neither is a gate that was passed."""
    bare = rich.model_copy(update={"evidence": ()})
    spared = finding("pass", criterion="claim", evidence=None, because="does not apply")
    suite = parsed(bare, [spared, finding("pass", criterion="there", bound=REPORTED)])
    assert {key: suite.get(key) for key in ("tests", "errors", "skipped")} == {
        "tests": "3", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert suite.find("testcase[@name='claim']/skipped").get("message") == "does not apply"
    assert parsed(bare, [spared, finding("pass")]).get("errors") == "0"


def test_hostile_text_stays_text(rich):
    model = rich.model.model_copy(update={"name": HOSTILE})
    bare = rich.model_copy(update={"evidence": (), "model": model})
    told = junit(bare, [finding("fail", because=HOSTILE, criterion="x", where={"group": HOSTILE})])
    suite = ET.fromstring(told).find("testsuite")
    assert [one.tag for one in suite] == ["testcase"]
    assert "<script>" in suite.find("testcase/failure").get("message"), "as text"
    assert told == junit(bare, [finding("fail", because=HOSTILE, criterion="x", where={"group": HOSTILE})])
    told.encode("utf-8")
