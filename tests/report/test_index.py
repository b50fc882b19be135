"""The index: every audit is listed, none that cannot be read is dropped, no pillar passes that nobody judged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from workbench.errors import Misconfigured, NotFound
from workbench.evidence.record import Failed
from workbench.report.index import Listed, Unreadable, render_index
from workbench.report.summary import JUDGED
from workbench.results import record_json
from workbench.verbs.comparing import audits_below, index, page_of
from workbench.verdict.judge import judge, overall
from workbench.verdict.policy import Criterion, Policy

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e"


class Reader(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.rows, self.events = [], [], [], []
        self._cell = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.tags.append(tag)
        self.events += [name for name in held if name.startswith("on")]
        if tag == "a":
            self.links.append(held["href"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        if self._cell:
            self.rows[-1][-1] += data


def named(record, name, date="2026-01-01T00:00:00+00:00", **more):
    return record.model_copy(
        update={
            "model": record.model.model_copy(update={"name": name}),
            "audit": record.audit.model_copy(update={"date": date}),
            **more,
        }
    )


def table(page):
    """Model -> {column: text} of the first table."""
    rows = Reader(page).rows
    head = rows[0]
    found = {}
    for row in rows[1:]:
        if len(row) == len(head):
            found[row[0].split()[0]] = dict(zip(head, (" ".join(cell.split()) for cell in row), strict=True))
    return found


def test_same_audits_in_any_order_give_the_same_bytes(rich):
    audits = [Listed(f"r/{name}", named(rich, name), "index.html") for name in "cab"]
    lost = [Unreadable("x", "no"), Unreadable("a", "no")]
    page = render_index(audits, lost, name="reports")
    assert page == render_index(audits[::-1], lost[::-1], name="reports")
    links = [link for link in Reader(page).links if not link.startswith("#")]
    assert links == [f"r/{name}/index.html" for name in "abc"]


def test_verdict_and_pillars_are_the_worst_of_their_gates(rich):
    row = table(render_index([Listed("here", named(rich, "one"), None)], [], name="r"))["one"]
    assert row["Verdict"].endswith(JUDGED[overall(rich, rich.findings)])
    assert row["Model"] == "one here, without a report"
    for pillar in ("performance", "fairness"):
        verdicts = {one.verdict for one in rich.findings if one.measurement.startswith(pillar)}
        assert verdicts
        worst = next(one for one in ("fail", "not_established", "warn", "pass") if one in verdicts)
        assert row[pillar.capitalize()].endswith(JUDGED[worst])


def test_a_pillar_that_nobody_judged_shows_no_pass(rich):
    """No finding, a finding without a bound, one that was not asked: none is a pass; a crashed probe is shown."""
    assert rich.training is None or rich.training.privacy is None
    claim = Criterion(
        id="claim", measurement="privacy.claim_margin", where={"confidence": "*"}, at_least=0.0, only_if="private",
        why="any",
    )  # fmt: skip
    reported = Criterion(id="there", measurement="performance.accuracy", reported=True, why="any")
    spared = named(rich, "spared", findings=judge(rich, Policy(name="p", criteria=(claim, reported))))
    assert {one.verdict for one in spared.findings} == {"pass"}, "else this shows nothing"
    crashed = rich.evidence[0].model_copy(update={"probe": "privacy.membership@1", "result": Failed(error="memory")})
    failed = named(rich, "crashed", findings=(), evidence=(crashed,))
    rows = table(render_index([Listed("a", spared, None), Listed("b", failed, None)], [], name="r"))
    for row in rows.values():
        assert row["Verdict"].endswith(JUDGED["not_established"])
        assert not any(cell.endswith(JUDGED["pass"]) for cell in row.values())
    assert rows["spared"]["Performance"] == "not asked"
    assert rows["crashed"]["Privacy"].endswith(JUDGED["not_established"])
    assert rows["crashed"]["Fairness"] == "not asked"


def test_history_is_told_in_order_and_same_names_for_other_data_are_told_apart(rich):
    audits = [Listed(str(year), named(rich, "m", f"{year}-05-01T00:00:00+00:00"), None) for year in (2024, 2026, 2025)]
    rows = [row for row in Reader(render_index(audits, [], name="r")).rows if row[0].split()[0] == "m"]
    assert [row[-3] for row in rows] == ["2024-05-01", "2025-05-01", "2026-05-01"]
    accuracy = rich.find("performance.accuracy")
    assert all(any(f"{accuracy.value:.3f}" in cell for cell in row) for row in rows)
    assert "1 model on its data" in render_index(audits, [], name="r")
    other = rich.corpus.model_copy(update={"digest": "f" * 64})
    more = [*audits, Listed("x", named(rich, "m", corpus=other), None)]
    assert "2 models on their data" in render_index(more, [], name="r")


def test_of_two_audits_on_one_day_the_later_one_counts(rich):
    """Whatever their folders are called, and whether or not a report lies beside them."""
    whole = rich.model_copy(
        update={"evidence": tuple(one for one in rich.evidence if not isinstance(one.result, Failed))}
    )

    def judged(bound, hour, folder, report):
        criterion = Criterion(id="a", measurement="performance.accuracy", at_least=bound, why="any")
        findings = judge(whole, Policy(name="p", criteria=(criterion,)))
        return Listed(folder, named(whole, "m", f"2026-01-01T{hour}:00:00+00:00", findings=findings), report)

    for report in (None, "index.html"):
        met, missed = judged(0.001, "08", "z", report), judged(1.0, "20", "a", report)
        page = render_index([missed, met], [], name="reports")
        assert "Latest audit of each model: 1 failed<" in page
        assert page == render_index([met, missed], [], name="reports")


def test_a_failed_model_is_not_hidden_by_another_one_of_its_name(rich):
    """Teams call their folders alike; and an earlier release that failed, failed."""
    whole = tuple(one for one in rich.evidence if not isinstance(one.result, Failed))

    def audited(place, digest, bound, date):
        criterion = Criterion(id="a", measurement="performance.accuracy", at_least=bound, why="any")
        record = named(rich, "final", date, evidence=whole)
        record = record.model_copy(update={"model": record.model.model_copy(update={"digest": digest * 64})})
        findings = judge(record, Policy(name="p", criteria=(criterion,)))
        return Listed(place, record.model_copy(update={"findings": findings}), "index.html")

    failing = audited("team-a/final", "a", 1.0, "2026-01-01T00:00:00+00:00")
    passing = audited("team-b/final", "b", 0.001, "2026-01-02T00:00:00+00:00")
    page = render_index([failing, passing], [], name="reports")
    assert "Latest audit of each model: 1 failed, 1 passed<" in page
    assert "2 models on their data, of 1 name<" in page
    for place, digest in (("team-a/final", "a"), ("team-b/final", "b")):
        assert f"{place}, sha256 {digest * 8}" in page
    again = audited("team-a/again", "a", 0.001, "2026-01-03T00:00:00+00:00")
    assert "Latest audit of each model: 2 passed<" in render_index([failing, passing, again], [], name="reports")
    assert "sha256" not in render_index([failing, again], [], name="reports").split("</style>")[1]
    # A later audit by a milder policy leaves what the stricter one found.
    settings = again.record.audit.model_copy(update={"policy_digest": "f" * 64})
    mild = Listed("team-a/mild", again.record.model_copy(update={"audit": settings}), None)
    page = render_index([failing, passing, mild], [], name="reports")
    assert "Latest audit of each model, the worst of its policies: 1 failed, 1 passed<" in page


def test_hostile_names_stay_text_and_links_stay_relative(rich):
    corpus = rich.corpus.model_copy(update={"name": HOSTILE})
    bad = named(rich, HOSTILE, corpus=corpus)
    places = ["javascript:alert(1)", '"><b>', "a b/ü", "\udcff"]
    page = render_index(
        [Listed(place, bad, "index.html") for place in places], [Unreadable(HOSTILE, HOSTILE)], name=HOSTILE
    )
    page.encode("utf-8")
    found = Reader(page)
    assert found.tags.count("script") == 1
    assert found.tags.count("b") == 3, "our own"
    assert "img" not in found.tags
    assert found.events == []
    assert not any(":" in link or link.startswith(("/", "?")) for link in found.links)
    assert "a%20b/%C3%BC/index.html" in found.links


@pytest.fixture
def reports(rich, tmp_path):
    root = tmp_path / "reports"
    for place in ("one", "deep/er/two"):
        (root / place).mkdir(parents=True)
        (root / place / "audit.json").write_text(record_json(named(rich, place[-3:])), encoding="utf-8")
    (root / "one" / "index.html").write_text("report")
    for place, text in {
        "cut": record_json(rich)[:500],
        "foreign": json.dumps({"hello": 1}),
        "list": "[]",
        "binary": "\x00",
        "later": json.dumps({"schema_version": 99}),
    }.items():
        (root / place).mkdir()
        (root / place / "audit.json").write_text(text)
    (root / "running").mkdir()
    (root / "running" / "previous-audit.json").write_text(record_json(rich))
    return root


def test_what_cannot_be_read_is_listed_with_the_reason(reports):
    found = audits_below(reports)
    assert [(one.folder, one.report) for one in found.listed] == [("deep/er/two", None), ("one", "index.html")]
    reasons = {one.folder: one.reason for one in found.unreadable}
    assert set(reasons) == {"cut", "foreign", "list", "binary", "later", "running"}
    assert "schema version 99" in reasons["later"]
    assert "schema version None" in reasons["foreign"]
    assert "not come to its end" in reasons["running"]
    page = index(reports)
    assert str(reports.parent) not in page, "the page does not depend on where the folder is"
    for place in reasons:
        assert f"{place} cannot be read: " in page
    moved = reports.parent / "elsewhere" / "reports"
    shutil.copytree(reports, moved)
    assert index(moved) == page


def test_an_audits_own_report_is_never_replaced(reports):
    with pytest.raises(Misconfigured, match="folder of one audit"):
        page_of(reports / "one")
    with pytest.raises(NotFound, match="no folder at"):
        index(reports / "nowhere")
    assert page_of(reports) == reports / "index.html"


def test_command_lists_and_exits_with_3_where_something_is_unreadable(reports):

    def run(folder):
        return subprocess.run(
            [sys.executable, "-m", "workbench.cli", "index", str(folder)], capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    done = run(reports)
    assert done.returncode == 3, done.stderr
    assert "2 audits listed" in done.stdout
    assert done.stdout.count("unreadable: ") == 6
    assert (reports / "index.html").read_text(encoding="utf-8") == index(reports)
    for name in ("cut", "foreign", "list", "binary", "later", "running"):
        shutil.rmtree(reports / name)
    assert run(reports).returncode == 0
    assert run(reports / "one").returncode == 2
    assert (reports / "one" / "index.html").read_text() == "report"
