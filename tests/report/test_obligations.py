"""The map from measurements to obligations: only what is there is evidence."""

import re

from workbench.report.obligations import BOUNDS, NONE, OBLIGATIONS, evidence_held, obligations
from workbench.report.render import render
from workbench.report.summary import PILLARS

ITEMS = [item for _, items in OBLIGATIONS for item in items]


def rows(record, findings):
    return {
        row[0].text: row[2]
        for block in obligations(record, findings).blocks
        if block.kind == "table"
        for row in block.rows
    }


def test_every_item_named_in_the_task_is_there():
    places = [item.place for item in ITEMS]
    assert len(places) == len(set(places))
    for article in (
        "Article 9(",
        "Article 10(",
        "Article 13(",
        "Article 15(",
        "Annex IV(",
        "MEASURE ",
        "MANAGE ",
        "Article 35(",
    ):
        assert any(place.startswith(article) for place in places), article
    assert [citation.partition(",")[0] for citation, _ in OBLIGATIONS] == [
        "Regulation (EU) 2024/1689 (Artificial Intelligence Act)", "NIST AI 100-1",
        "Regulation (EU) 2016/679 (General Data Protection Regulation)",
    ]  # fmt: skip
    assert {name for item in ITEMS for name in item.evidence} <= {*PILLARS, BOUNDS}


def test_each_row_points_to_measured_sections_or_says_that_it_needs_people(rich):
    held = evidence_held(rich, rich.findings)
    made = rows(rich, rich.findings)
    for item in ITEMS:
        cell = made[item.place]
        expected = [name for name in item.evidence if name in held]
        assert [link.target.replace("requirements", BOUNDS) for link in cell.links] == expected
        assert cell.text == ("" if expected else NONE)


def test_numbers_are_those_of_the_record(rich):
    n = sum(one.name.startswith("fairness.") for _, one in rich.measurements())
    (link,) = rows(rich, rich.findings)["Article 10(2)(f)"].links
    assert link.text == f"Fairness ({n} measurements)"


def test_without_measurements_nothing_is_evidence(rich):
    bare = rich.model_copy(update={"evidence": ()})
    assert all(cell.text == NONE and not cell.links for cell in rows(bare, ()).values())


def test_a_probe_that_crashed_or_did_not_run_is_no_evidence(rich):
    only = rich.model_copy(update={"evidence": tuple(one for one in rich.evidence if one.result.outcome != "measured")})
    assert {one.result.outcome for one in only.evidence} == {"failed", "not_applicable"}
    assert all(cell.text == NONE for cell in rows(only, ()).values())


def test_a_requirement_without_a_number_is_no_threshold_tested_against(rich):
    empty = tuple(one.model_copy(update={"evidence": None}) for one in rich.findings)
    assert rows(rich, empty)["Article 9(8)"].text == NONE


def test_the_report_never_says_compliant(rich):
    for word in ("compliant", "compliance", "conformity", "certified by"):
        assert not re.search(word, render(rich, rich.findings), re.IGNORECASE)


def test_bounds_chosen_after_the_audit_are_no_evidence_of_thresholds_defined_beforehand(rich):
    place = next(item.place for item in ITEMS if BOUNDS in item.evidence)
    (cell,) = [
        row[2]
        for block in obligations(rich, rich.findings, afterwards=True).blocks
        if block.kind == "table"
        for row in block.rows
        if row[0].text == place
    ]
    assert (cell.text, cell.links) == (NONE, ())
    assert "chosen after the audit" in cell.small
