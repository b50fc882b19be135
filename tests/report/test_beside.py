"""The comparison beside a report: told where it is proven to be of this audit, and nowhere else."""

import json

import pytest

from workbench.comparing import compare
from workbench.evidence.record import Measured
from workbench.report.beside import Beside, beside, digest_of, section, step
from workbench.report.compare import comparison_json
from workbench.report.comparison import render_comparison
from workbench.report.redact import redact
from workbench.report.render import render
from workbench.results import read_record, record_json, report_page, set_aside

DATE = "2026-11-02T10:00:00+00:00"


def lowered(record):
    """The same audit, a day later, of a model whose accuracy is 0.1 with a narrow interval."""

    def worse(one):
        if one.name != "performance.accuracy":
            return one
        assert one.interval is not None
        return one.model_copy(
            update={"value": 0.1, "interval": one.interval.model_copy(update={"low": 0.09, "high": 0.11})}
        )

    evidence = tuple(
        one.model_copy(
            update={
                "result": one.result.model_copy(update={"measurements": tuple(map(worse, one.result.measurements))})
            }
        )
        if isinstance(one.result, Measured)
        else one
        for one in record.evidence
    )
    model = record.model.model_copy(update={"digest": "f" * 64, "name": "<img src=x onerror=alert(1)>"})
    settings = record.audit.model_copy(update={"date": DATE})
    return record.model_copy(update={"evidence": evidence, "model": model, "audit": settings})


@pytest.fixture(scope="module")
def folders(rich, tmp_path_factory):
    place = tmp_path_factory.mktemp("beside")
    for name, record in (("base", rich), ("new", lowered(rich))):
        (place / name).mkdir()
        (place / name / "audit.json").write_text(record_json(record), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def told(folders):
    """(record, comparison.json, comparison.html)"""
    found = compare(folders / "base", folders / "new")
    text = comparison_json(found, found.base_findings)
    return read_record(folders / "new"), text, render_comparison(found, digest=digest_of(text))


def test_the_report_tells_what_became_worse_and_leads_to_the_comparison(told):
    record, text, page = told
    held = beside(record, text, page)
    assert held is not None
    report = render(record, record.findings, compared=held)
    assert report == render(record, record.findings, compared=beside(*told)), "same input, same bytes"
    assert 'href="comparison.html"' in report
    assert report.index('id="explanations"') < report.index('id="comparison"') < report.index('id="cost"')
    assert [one.name for one in held.having("worse")] == ["performance.accuracy"]
    item = step(held)
    assert item is not None
    assert item.text.endswith(": 1 figure is worse.")
    assert item.text in report.replace("&#39;", "'")
    assert "comparison.html" not in render(record, record.findings), "without one there is no way to it"


def test_a_comparison_of_another_audit_is_never_told(told, rich):
    record, text, page = told
    earlier = record.model_copy(update={"audit": record.audit.model_copy(update={"date": "2026-11-01T10:00:00+00:00"})})
    other = record.model_copy(update={"model": record.model.model_copy(update={"digest": "e" * 64})})
    data = record.model_copy(update={"corpus": record.corpus.model_copy(update={"digest": "d" * 64})})
    for wrong in (rich, earlier, other, data, redact(record)):
        assert beside(wrong, text, page) is None
    assert beside(record, text, page.replace(digest_of(text), "0" * 64)) is None, "a page of another comparison"
    assert beside(record, text + " ", page) is None, "the page tells of another file"


@pytest.mark.parametrize("broken", ["", "{", "[]", "{}", '{"format_version": 1}'])
def test_a_damaged_file_is_not_told(told, broken):
    assert beside(told[0], broken, f'content="{digest_of(broken)}"') is None


def test_several_models_beside_one_base_are_no_comparison_of_this_one(told):
    held = json.loads(told[1])
    held["models"] *= 2
    text = json.dumps(held)
    assert beside(told[0], text, f'content="{digest_of(text)}"') is None


def test_nothing_worse_is_said_to_be_no_proof(told):
    held = Beside.model_validate_json(told[1])
    (side,) = held.models
    calm = held.model_copy(update={"models": (side.model_copy(update={"changes": (), "newly_failing": ()}),)})
    assert step(calm) is None
    assert any("no proof" in getattr(one, "text", "") for one in section(calm).blocks)


def test_figures_that_could_not_be_compared_have_to_be_weighed(told):
    held = Beside.model_validate_json(told[1])
    (side,) = held.models
    lost = side.model_copy(update={"changes": (), "newly_failing": (), "lacking": ("a.b", "a.c")})
    calm = held.model_copy(update={"models": (lost,)})
    item = step(calm)
    assert item is not None
    assert item.text.startswith("Weigh what may have become worse since")
    assert item.text.endswith(": 2 figures of the base could not be compared.")
    assert "2 figures of the base could not be compared." in section(calm).blocks[0].text


def test_the_page_beside_the_record_finds_it_and_a_new_audit_sets_it_aside(told, tmp_path):
    record, text, page = told
    for name, content in (("audit.json", record_json(record)), ("comparison.json", text), ("comparison.html", page)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert 'id="comparison"' in report_page(record, tmp_path)
    set_aside(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "previous-audit.json",
        "previous-comparison.html",
        "previous-comparison.json",
    ]
    assert report_page(record, tmp_path) == render(record, record.findings)


def test_the_names_in_a_comparison_stay_text(told):
    held = beside(*told)
    assert held is not None
    hostile = held.model_copy(update={"base": held.base.model_copy(update={"name": "<script>alert(1)</script>"})})
    report = render(told[0], told[0].findings, compared=hostile)
    assert "<script>alert(1)" not in report
    assert "&lt;script&gt;alert(1)" in report
