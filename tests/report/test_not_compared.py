"""Why there is no comparison: told in the report of the very audit that was asked for one, and nowhere else."""

import json
from xml.etree import ElementTree as ET

import pytest

from workbench.report.junit import junit
from workbench.report.not_compared import not_compared, not_compared_json
from workbench.report.redact import redact
from workbench.report.render import render
from workbench.results import record_json, report_page, set_aside

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def base(rich):
    model = rich.model.model_copy(update={"name": HOSTILE, "digest": "f" * 64})
    return rich.model_copy(update={"model": model})


def test_the_reason_stands_on_the_first_screen_and_in_its_own_section(rich, base):
    held = not_compared(rich, not_compared_json(base, rich, f"an audit of {HOSTILE}."))
    report = render(rich, rich.findings, compared=held)
    screen = report[: report.index('<section id="requirements"')]
    assert "Not compared with the baseline, the audit of “&lt;script&gt;alert(1)" in screen
    assert "an audit of &lt;script&gt;alert(1)&lt;/script&gt;. <a" in screen, "one full stop, not two"
    assert 'href="#comparison"' in screen
    assert report.index('id="explanations"') < report.index('id="comparison"') < report.index('id="cost"')
    assert HOSTILE not in report
    assert "Not compared" not in render(rich, rich.findings)


def test_a_baseline_that_is_gone_has_no_name(rich):
    held = not_compared(rich, not_compared_json(None, rich, "cannot read it"))
    assert "Not compared with the baseline: " in render(rich, rich.findings, compared=held)


def test_what_is_said_of_another_audit_is_never_told(rich, base):
    text = not_compared_json(base, rich, "other data")
    later = rich.model_copy(update={"audit": rich.audit.model_copy(update={"date": "2027-01-01T10:00:00+00:00"})})
    data = rich.model_copy(update={"corpus": rich.corpus.model_copy(update={"digest": "d" * 64})})
    assert not_compared(rich, text) is not None
    for wrong in (base, later, data, redact(rich)):
        assert not_compared(wrong, text) is None


@pytest.mark.parametrize("broken", ["", "{", "[]", "{}", '{"format_version": 1}'])
def test_a_damaged_file_is_not_told(rich, base, broken):
    assert not_compared(rich, broken) is None
    other = {**json.loads(not_compared_json(base, rich, "no")), "format_version": 2}
    assert not_compared(rich, json.dumps(other)) is None


def test_the_page_beside_the_record_finds_it_and_a_new_audit_sets_it_aside(rich, base, tmp_path):
    (tmp_path / "audit.json").write_text(record_json(rich), encoding="utf-8")
    (tmp_path / "not_compared.json").write_text(not_compared_json(base, rich, "other data"), encoding="utf-8")
    assert "Not compared with the baseline" in report_page(rich, tmp_path)
    set_aside(tmp_path)
    assert (tmp_path / "previous-not_compared.json").exists()
    assert report_page(rich, tmp_path) == render(rich, rich.findings)


def test_a_ci_server_is_told_too(rich, base):
    held = not_compared(rich, not_compared_json(base, rich, f"an audit of {HOSTILE}"))
    told = ET.fromstring(junit(rich, rich.findings, not_compared=held)).find("testsuite")
    plain = ET.fromstring(junit(rich, rich.findings)).find("testsuite")
    assert int(told.get("errors")) == int(plain.get("errors")) + 1
    (case,) = (one for one in told if one.get("classname") == "comparison")
    assert case.get("name") == "with the baseline"
    assert case.find("error").attrib == {"message": f"an audit of {HOSTILE}", "type": "not_compared"}
    assert not [one for one in plain if one.get("classname") == "comparison"]
