"""Findings as JUnit XML, which every CI server reads: a test case for each, and one for each probe that crashed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from workbench.evidence.record import AuditRecord, Failed, Finding, NotApplicable
from workbench.report.identity import AFTERWARDS
from workbench.report.not_compared import NotCompared
from workbench.verdict import wording
from workbench.verdict.judge import bound_judged, spared

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all, not even escaped."""


def junit(
    record: AuditRecord,
    findings: Sequence[Finding],
    *,
    not_compared: NotCompared | None = None,
    afterwards: bool = False,
) -> str:
    """Return the XML. Pure: same arguments, same text. `afterwards`: the suite's name says it, as `render` does.

    `fail` is a failure, `not_established` an error, and so is a probe that crashed, whether a criterion names it or
    not, a policy by which nothing was held against a bound, and a comparison that was asked for and could not be made
    (`not_compared`). A warning passes and says so in its output; a probe or
    criterion that does not apply is skipped.
    """
    policy = f"{record.audit.policy} ({AFTERWARDS})" if afterwards else record.audit.policy
    suite = ET.Element("testsuite", name=_clean(f"{policy}: {record.model.name} on {record.corpus.name}"))
    for finding in findings:
        _case(suite, finding)
    for evidence in record.evidence:
        if isinstance(evidence.result, Failed):
            _said(_new(suite, "probes", evidence.probe), "error", "failed", evidence.result.error)
        elif isinstance(evidence.result, NotApplicable):
            _said(_new(suite, "probes", evidence.probe), "skipped", None, evidence.result.reason)
    if all(one.verdict == "pass" and not bound_judged(one) for one in findings):
        _said(_new(suite, "policy", "findings"), "error", "not_established", "no measurement was held against a bound")
    if not_compared is not None:
        _said(_new(suite, "comparison", "with the baseline"), "error", "not_compared", not_compared.because)
    for counted, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(counted, str(len(list(suite.iter(tag)))))
    suite.set("timestamp", record.audit.date)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, finding: Finding) -> None:
    case = _new(suite, finding.measurement, f"{finding.criterion}{wording.about(finding.where)}")
    if finding.verdict == "fail":
        _said(case, "failure", "fail", finding.because)
    elif finding.verdict == "not_established":
        _said(case, "error", "not_established", finding.because)
    elif spared(finding):
        _said(case, "skipped", None, finding.because)
    else:
        ET.SubElement(case, "system-out").text = _clean(f"{finding.verdict}: {finding.because}")


def _new(suite: ET.Element, group: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_clean(group), name=_clean(name))


def _said(case: ET.Element, tag: str, kind: str | None, message: str) -> None:
    found = ET.SubElement(case, tag, message=_clean(message))
    if kind is not None:
        found.set("type", kind)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
