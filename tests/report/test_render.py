import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import workbench
from workbench.errors import Misconfigured
from workbench.evidence.exhibits import Confusion
from workbench.evidence.names import NAMES
from workbench.evidence.record import AuditRecord, Measured
from workbench.report.glossary import GLOSSARY
from workbench.report.render import render, style, template
from workbench.report.summary import summary
from workbench.verdict.judge import judge
from workbench.verdict.policy import Criterion, Policy


class Outline(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def page(rich):
    return render(rich, rich.findings)


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def test_the_report_is_the_golden_one(page, pytestconfig, tmp_path):
    golden = pytestconfig.rootpath / "tests" / "golden" / "report.html"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(page, encoding="utf-8")
    actual = tmp_path / "report.html"
    actual.write_text(page, encoding="utf-8")
    held = golden.read_text(encoding="utf-8")
    if held != page:
        pairs = zip(held.splitlines(), page.splitlines(), strict=False)
        first = next(((i, a, b) for i, (a, b) in enumerate(pairs, 1) if a != b), ("end", "", ""))
        pytest.fail(
            f"the report changed at line {first[0]}:\n  golden: {first[1][:300]}\n  actual: {first[2][:300]}\n"
            f"Read {actual}; accept with: pytest tests/report --update-golden"
        )


def test_same_input_same_bytes(rich, page):
    again = AuditRecord.model_validate_json(rich.model_dump_json())
    assert render(again, again.findings) == page


def test_findings_by_another_policy_are_never_put_under_the_records_own(rich, page):
    """What is signed names the policy that judged, and says that it was not fixed before the audit."""
    policy = Policy(
        name="lenient",
        criteria=(Criterion(id="a", measurement="performance.accuracy", at_least=1e-9, why="any"),),
    )
    assert policy.digest != rich.audit.policy_digest
    findings = judge(rich, policy)
    with pytest.raises(Misconfigured, match="not the record's own: name the policy"):
        workbench.render(rich, findings)
    with pytest.raises(Misconfigured, match="not what the policy 'lenient' finds"):
        workbench.render(rich, rich.findings, policy=policy)
    other = workbench.render(rich, findings, policy=policy)
    assert other == workbench.render(rich, policy=policy)
    assert rich.audit.policy_digest not in other
    assert "fixed before the audit ran" not in other.replace("not the policy fixed before the audit ran", "")
    text = Outline(other).text
    assert text.count(f"sha256 {policy.digest}, not the policy fixed before the audit ran") == 2
    assert "Policy lenient, not the policy fixed before the audit ran" in text, "on the first screen, too"
    assert workbench.render(rich) == workbench.render(rich, rich.findings) == page


def test_it_is_small(page):
    assert len(page.encode()) < 350_000


def test_every_text_stays_text(outline, golden_record):
    assert not [tag for tag, _ in outline.tags if tag in {"img", "iframe", "object", "embed", "base", "form", "input"}]
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]
    links = {attributes.get("href", "#") for _, attributes in outline.tags}
    assert all(link.startswith(("#", "data:image/svg+xml,")) for link in links)
    assert golden_record.SCRIPT in outline.text
    assert golden_record.IMAGE in outline.text
    assert "{{ 7 * 7 }}" in outline.text


def test_the_only_script_is_ours_and_the_page_lets_no_other_run(page, outline):
    script = style("cases.js")
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert f"<script>{script}</script>" in page
    held = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{held}';" in page
    assert re.search(r"default-src 'none'[^\"]*base-uri 'none'; form-action 'none'", page)
    assert "unsafe-eval" not in page
    for call in ("eval", "innerHTML", "fetch", "XMLHttpRequest", "document.write", "insertAdjacentHTML", "Function("):
        assert call not in script


def test_control_and_steering_characters_are_spelled_out(page):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", page)
    for code in ("U+0007", "U+001B", "U+202E", "U+200B", "U+0085"):
        assert f"⟨{code}⟩" in page
    assert "👩‍👩‍👧‍👦" in page  # the zero-width joiner of emoji stays


def test_no_request_can_leave_it(page):
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|<link(?! rel=\"icon\" href=\"data:)", page)


def test_long_texts_are_cut_and_say_so(outline):
    assert "W" * 1500 in outline.text
    assert "W" * 1501 not in outline.text
    assert "Cut: 1,500 of 10,000 characters are shown; the whole text is in audit.json." in outline.text


def test_structure_for_screen_readers(outline):
    tags = [tag for tag, _ in outline.tags]
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert tags.count(landmark) == 1
    assert ("html", {"lang": "en", "dir": "ltr"}) in outline.tags
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all("scope" in attributes for tag, attributes in outline.tags if tag == "th")
    identifiers = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = {attributes["href"][1:] for tag, attributes in outline.tags if tag == "a"}
    assert targets <= set(identifiers)


def test_every_chart_has_a_name_and_a_table(outline):
    drawn = [attributes for tag, attributes in outline.tags if tag == "svg"]
    charts = [attributes for attributes in drawn if attributes["class"] == "chart"]
    bars = [attributes for attributes in drawn if attributes["class"].startswith("bar ")]
    assert len(bars) == len(drawn) - len(charts) == 3  # performance, calibration, fairness
    assert all(bar["role"] == "img" and "is required" in bar["aria-label"] for bar in bars)
    assert len(charts) == 12  # sweep, reliability, noise, queries, four rates of two attributes
    assert all(chart["role"] == "img" and "table below" in chart["aria-label"] for chart in charts)


def test_sections_follow_the_reading_order(outline):
    order = [attributes["id"] for tag, attributes in outline.tags if tag == "section"]
    assert order == [
        "verdict",
        "requirements",
        "identity",
        "scope",
        "performance",
        "calibration",
        "cases",
        "robustness",
        "fairness",
        "privacy",
        "explanations",
        "cost",
        "obligations",
        "reproduce",
        "sign-off",
    ]


def test_every_measurement_is_shown_with_interval_and_n(rich, outline):
    from workbench.verdict import wording

    for _, one in rich.measurements():
        assert wording.number(one.value, one.unit) in outline.text
        assert wording.interval(one.interval, one.unit) in outline.text
        assert f"{one.n:,}" in outline.text


def test_findings_are_shown_worst_first(rich, outline):
    places = [outline.text.rindex(finding.because) for finding in rich.findings]
    by_verdict = {finding.verdict: place for finding, place in zip(rich.findings, places, strict=True)}
    assert by_verdict["fail"] < by_verdict["not_established"] < by_verdict["warn"] < by_verdict["pass"]


def test_what_does_not_apply_stands_last_among_the_requirements_with_its_reason(outline):
    met, apart = outline.text.index("requirements are met:"), outline.text.index("1 probe does not apply here, with")
    assert met < apart < outline.text.index("privacy.membership@1: needs reference models")


def test_a_requirement_that_is_missed_leads_to_its_cases(outline):
    links = [attributes for tag, attributes in outline.tags if tag == "a" and "data-choice" in attributes]
    assert [(link["href"], link["data-choice"]) for link in links] == [
        ("#cases", '[["True label", "not recommended"]]')
    ]
    assert outline.text.count("Wrongly decided texts") == 4  # ROC-AUC, recall, two gaps


def test_who_signs_signs_for_this_very_model_data_and_policy(rich, outline):
    signed = outline.text[outline.text.index("Sign-off The verdict says") :]
    for digest in (rich.model.digest, rich.corpus.digest, rich.audit.policy_digest, rich.audit.date):
        assert digest in signed
    assert "Fail (release" in signed
    for role in ("Owner of the model", "Approver", "Date and signature"):
        assert role in signed


def test_a_thousand_audited_examples_stay_under_a_megabyte(rich):
    text = " ".join(f"word{i}" for i in range(120))

    def thousand(exhibit):
        changed = {"text", "original"} & type(exhibit).model_fields.keys()
        held = exhibit.model_copy(update=dict.fromkeys(changed, text))
        return [held.model_copy(update={"example": f"{i:016x}"}) for i in range(1000)]

    evidence = []
    for one in rich.evidence:
        if not isinstance(one.result, Measured):
            evidence.append(one)
            continue
        first, rest = {}, []
        for exhibit in one.result.exhibits:
            if "example" in type(exhibit).model_fields:
                first.setdefault(exhibit.kind, exhibit)
            elif exhibit.kind == "cases":
                cases = tuple(exhibit.cases[0].model_copy(update={"text": text}) for _ in range(1000))
                rest.append(exhibit.model_copy(update={"cases": cases, "total": 1000}))
            else:
                rest.append(exhibit)
        rest += [copy for exhibit in first.values() for copy in thousand(exhibit)]
        evidence.append(one.model_copy(update={"result": one.result.model_copy(update={"exhibits": tuple(rest)})}))
    large = rich.model_copy(update={"evidence": tuple(evidence)})
    assert len(list(large.exhibits("rewrite"))) == len(list(large.exhibits("token_scores"))) == 1000
    size = len(render(large, large.findings).encode())
    assert size < 1_000_000
    assert size > 100_000


def test_what_was_skipped_or_crashed_is_told(outline):
    assert "robustness.behaviours@1 crashed: ValueError:" in outline.text
    assert "privacy.membership@1 did not run: needs reference models" in outline.text


def test_changed_words_are_marked_by_elements(page):
    assert "<del>love</del><ins>10ve</ins>" in page


def test_what_people_say_about_rewrites_stands_beside_them_and_comes_first(outline, golden_record):
    assert "anna: it keeps its label" in outline.text
    assert "ben: unsure whether it keeps its label (“too short to tell”)" in outline.text
    assert f"{golden_record.SCRIPT}: it has lost its label (“{golden_record.IMAGE}”)" in outline.text
    assert "People judged 6 of 32; these come first." in outline.text
    listed = outline.text[outline.text.index("to be read: would a person") :]
    half, none, unjudged = (listed.index(f"Example {i:016x}") for i in (10, 9, 0))
    assert half < none < unjudged


def test_unjudged_rewrites_name_the_way_to_have_them_judged(rich):
    without = tuple(one for one in rich.evidence if one.probe != "robustness.judgements@1")
    text = Outline(render(rich.model_copy(update={"evidence": without}), rich.findings)).text
    assert "`workbench judgements save` writes a random sample to a file for people to judge." in text
    assert "People judged" not in text


def test_success_by_queries_stands_within_its_attack(outline):
    heading, curve, first = (
        outline.text.index(words)
        for words in ("Attack deepwordbug@1 Outcome", "Attack success by queries under", "to be read: would a person")
    )
    assert heading < curve < first
    assert outline.text.count("Attack success by queries under deepwordbug@1: share of") == 1


def test_one_decision_for_every_text_is_on_the_first_screen(rich, golden_record):
    def screen(*counts):
        seen = Confusion(labels=("no", "yes"), counts=counts)
        held = rich.model_copy(update={"evidence": (golden_record.evidence("performance.x@1", exhibits=[seen]),)})
        return " ".join(item.text for item in summary(held, ()).limits)

    assert "decides every audited example as “yes”" in screen((0, 5), (0, 7))
    assert "decides every audited" not in screen((0, 5), (1, 7))


def test_a_record_without_evidence_renders_and_promises_nothing(rich):
    empty = rich.model_copy(update={"evidence": (), "findings": (), "training": None})
    text = Outline(render(empty, judge(empty, Policy(name="none")))).text
    assert "Not established" in text
    assert "nothing is established" in text
    for pillar in ("Performance", "Fairness", "Robustness", "Privacy"):
        assert f"{pillar} was not tested in this audit." in text


def test_an_unknown_measurement_is_not_hidden(rich, golden_record):
    new = golden_record.evidence(
        "energy.meter@1", golden_record.number("energy.joules_per_text", 1.25, 1.2, 1.3, unit="joules")
    )
    text = Outline(render(rich.model_copy(update={"evidence": (*rich.evidence, new)}), rich.findings)).text
    assert "Joules per text1.250 joules1.200 to 1.300 joules" in text


def test_an_undefined_name_in_a_template_is_an_error():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        template("page.html.j2").render(page=None, css="")


def test_every_known_name_is_in_the_glossary():
    assert set(GLOSSARY) == set(NAMES)
    assert all(entry.what and entry.changes for entry in GLOSSARY.values())


def test_rendering_needs_no_torch():
    code = (
        "import sys, workbench.report.render, workbench.report.fragments, workbench.verdict.judge; "
        "print('torch' in sys.modules, 'altair' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
