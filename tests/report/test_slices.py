"""Slices in the report: the figures of the half held out, and how they came about."""

from __future__ import annotations

from workbench.evidence.exhibits import Slice, Slices
from workbench.evidence.intervals import wilson
from workbench.report.blocks import Heading, Paragraph, Table
from workbench.report.slices import slices


def found(name, wrong, *, confirmed):
    return Slice(
        name=name, n_found=210, people_found=200, error_found=0.45, n=200, people=190, error=wrong / 200,
        interval=wilson(wrong, 200), rest=0.1, p=0.0004 if confirmed else 0.2, confirmed=confirmed,
    )  # fmt: skip


def blocks(record, golden_record, *held):
    exhibit = Slices(
        slices=held, looked_at=41, minimum=30, overall=0.13, people_found=1000, people=990, level=0.05, method="a test"
    )
    made = golden_record.evidence("performance.slices@1", exhibits=[exhibit])
    return list(slices(record.model_copy(update={"evidence": (made,)})))


def test_each_slice_has_its_held_out_error_and_whether_it_is_confirmed(rich, golden_record):
    held = found("words <= 12", 80, confirmed=True), found(f"department is {golden_record.SCRIPT}", 24, confirmed=False)
    heading, how, table = blocks(rich, golden_record, *held)
    assert isinstance(heading, Heading)
    assert isinstance(how, Paragraph)
    assert "41 candidates" in how.text
    assert "990 other people, of whose decisions 13.0% are wrong" in how.text
    assert "a chance of 5% at most that any slice is confirmed if none is worse (a test)" in how.text
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == ["words <= 12", "190", "0.400", "0.100", "4.0e-04", "yes"]
    assert table.rows[0][0].small == "45.0% of 210 examples where it was found"
    assert table.rows[0][2].small == "0.335 to 0.469; n = 200"
    assert table.rows[1][5].text == "no"


def test_no_slice_is_said_not_shown(rich, golden_record):
    heading, how = blocks(rich, golden_record)
    assert isinstance(heading, Heading)
    assert "None looked clearly worse" in how.text
    assert list(slices(rich)) == []
