"""Odd and hostile data from a user's file to the report: nothing crashes, nothing runs, nothing is lost silently."""

from __future__ import annotations

import csv
import html
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import workbench
from workbench.data.sources import Columns
from workbench.evidence.record import Failed, NotApplicable
from workbench.models.linear import LinearTextClassifier
from workbench.results import Audited, read_record

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"><img src=x onerror=alert('x')>"
LABELS = (f"no {SCRIPT}", f"yes {IMAGE}")
GROUP, OTHER = f"{SCRIPT} group", "'; DROP TABLE people; --"
ATTRIBUTE = f"sex {IMAGE}"
TEXTS = (
    "good",
    f"good {SCRIPT} {IMAGE}",
    "good " * 10_000,
    "bad 😀👩‍👩‍👧 bad",
    "زيارة bad جيدة",
    "bad\x00bad \x1b[31mred\x07",
    "=HYPERLINK(1)",
    "good\u202e reversed",
    "x" * 10_000,
    "{{ 7 * 7 }} {% raw %} good",
)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    folder = tmp_path_factory.mktemp("hostile")
    with (folder / "hostile <b>.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", ATTRIBUTE])
        for i in range(80):
            text = TEXTS[i % len(TEXTS)]
            label = LABELS[1] if ("good" in text) != (i % 11 == 0) else LABELS[0]
            writer.writerow([text, label, GROUP if i % 2 else OTHER])
        writer.writerow(["", LABELS[0], GROUP])
        writer.writerow(["no label", "", GROUP])
    model = LinearTextClassifier({"good": (0.0, 0.2), "bad": (0.5, 0.0)}, labels=LABELS, bias=(0.1, 0.0), name=SCRIPT)
    columns = Columns(text=("text",), label="label", groups=(ATTRIBUTE,))
    return workbench.audit(model, folder / "hostile <b>.csv", columns=columns, out=folder / "out")


def test_nothing_fails_and_what_cannot_run_says_so(audited: Audited) -> None:
    failed = [evidence for evidence in audited.record.evidence if isinstance(evidence.result, Failed)]
    assert not failed, failed
    absent = {e.probe: e.result.reason for e in audited.record.evidence if isinstance(e.result, NotApplicable)}
    without = {f"explanations.{name}@1" for name in ("attribution", "overview", "sanity")}
    unclaimed = {"privacy.statement@1", "privacy.one_run@1", "privacy.exposure@1", "privacy.utility_cost@1"}
    unlisted = {"privacy.membership@1", "privacy.blind@1"}
    few = {"performance.slices@1"}
    reasons = "no gradients, no parameters to draw, no claim of privacy, no list of members, halves too small"
    assert set(absent) == without | unclaimed | unlisted | few, reasons


def test_dropped_rows_are_counted(audited: Audited) -> None:
    assert audited.record.corpus.n == 80
    assert sum(dropped.n for dropped in audited.record.corpus.dropped) == 2


def test_nothing_of_the_users_becomes_markup(audited: Audited) -> None:
    page = audited.html
    for hostile in (SCRIPT, IMAGE, "<img src=x", "<script>alert"):
        assert hostile not in page
    assert html.escape(SCRIPT, quote=False) in page or html.escape(SCRIPT) in page, "it is shown, as text"
    assert len(page.encode()) < 1_000_000


def test_files_hold_the_same_record_and_every_prediction(audited: Audited, tmp_path: Path) -> None:
    audited.save(tmp_path)
    assert read_record(tmp_path) == audited.record
    table = parquet.read_table(tmp_path / "predictions.parquet")
    assert table.num_rows == 80
    assert {f"probability of {label}" for label in LABELS} <= set(table.column_names)


def test_a_notebook_shows_text_not_markup(audited: Audited) -> None:
    assert SCRIPT not in audited._repr_html_()
    assert IMAGE not in audited._repr_html_()
