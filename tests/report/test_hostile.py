"""A record all of whose texts, labels, names and groups are hostile: no tag, no cell, no formula."""

import csv
import importlib.util
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.audit.robustness.judgement_sheet import as_it_was, harmless, sheet
from workbench.evidence.exhibits import Case, Cases, Confusion, GroupSize, GroupTable, Rewrite
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Evidence, Failed, Measured, NotApplicable
from workbench.report.junit import junit
from workbench.report.model_card import model_card
from workbench.report.redact import redact
from workbench.report.render import render, style
from workbench.verdict.judge import judge

_SPEC = importlib.util.spec_from_file_location("hostile", Path(__file__).parent / "hostile.py")
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
HOSTILE = _MODULE.HOSTILE
VOID = {"meta", "link", "rect", "line", "circle", "path", "br"}


def cases(rich, at):
    """Return a record in which the strings from `at` on stand wherever a text of somebody's can."""

    def one(i):
        return HOSTILE[(at + i) % len(HOSTILE)].encode("utf-8", "replace").decode()

    named = [one(i) or "empty" for i in range(20)]
    labels = tuple(dict.fromkeys((named[0], named[1] + "2")))
    interval = Interval(low=0.1, high=0.9, method="Wilson")
    where = {"attribute": named[2], "group": named[3]}
    exhibits = (
        Confusion(labels=labels, counts=((5, 3), (2, 9))),
        Cases(
            title=named[4],
            total=20,
            cases=tuple(
                Case(
                    example=named[i % 20],
                    text=one(i),
                    label=labels[0],
                    predicted=labels[1],
                    probability=0.9,
                    groups={named[2]: named[3], named[5] + "x": one(i)},
                )
                for i in range(20)
            ),
        ),
        GroupTable(
            attribute=named[2],
            groups=(
                GroupSize(group=named[3], n=400, people=400, by_label={labels[0]: 200, labels[1]: 200}),
                GroupSize(group=named[6] + "6", n=500, people=500, by_label={labels[0]: 200, labels[1]: 300}),
            ),
            too_small=(),
        ),
        Rewrite(
            example=named[7],
            recipe=named[8],
            outcome="succeeded",
            label=labels[0],
            original=one(9),
            rewritten=one(10),
            predicted_before=labels[0],
            predicted_after=labels[1],
            probability_before=0.5,
            queries=3,
            words=3,
        ),
    )
    rate = Measurement(
        name="fairness.selection_rate",
        value=0.5,
        unit="proportion",
        better="neither",
        n=400,
        interval=interval,
        where=where,
    )
    attack = Measurement(
        name="robustness.attack_success_rate",
        value=0.5,
        unit="proportion",
        better="lower",
        n=40,
        interval=interval,
        where={"recipe": named[8]},
    )
    made = (
        Evidence(
            probe="fairness.groups@1",
            params={named[11]: named[12]},
            seed=0,
            seconds=1,
            result=Measured(measurements=(rate, attack), exhibits=exhibits),
        ),
        Evidence(probe="privacy.x@1", params={}, seed=0, seconds=1, result=Failed(error=named[13])),
        Evidence(probe="cost.x@1", params={}, seed=0, seconds=1, result=NotApplicable(reason=named[14])),
    )
    return rich.model_copy(update={
        "model": rich.model.model_copy(update={"name": named[15], "labels": labels, "files": {named[16]: "00"},
                                               "base": named[17], "architecture": named[18]}),
        "corpus": rich.corpus.model_copy(update={
            "name": named[19], "source": named[16], "licence": named[17], "labels": dict.fromkeys(labels, 450),
            "groups": {named[2]: {named[3]: 400, named[6] + "6": 500}}}),
        "audit": rich.audit.model_copy(update={"positive_label": labels[0], "policy": named[12],
                                               "command": named[13], "label_map": {named[14]: labels[0]}}),
        "evidence": made,
    })  # fmt: skip


class Shape(HTMLParser):
    """Checks nesting, and counts the cells of every row."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.ragged, self.crossed = [], [], [], []
        self.wide, self.cells = None, 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.wide = None
        if tag == "tr":
            self.cells = 0
        if tag in {"td", "th"}:
            self.cells += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)
        if tag == "tr":
            self.wide = self.wide or self.cells
            if self.cells != self.wide:
                self.ragged.append(self.cells)


def test_the_corpus_is_large():
    assert len(HOSTILE) >= 200


@pytest.fixture(scope="module")
def records(rich, golden_record):
    made = [cases(rich, at) for at in range(0, len(HOSTILE), 19)]
    return [one.model_copy(update={"findings": judge(one, golden_record.POLICY)}) for one in made]


def test_no_page_gains_an_element_or_loses_a_cell(records):
    known = {
        "html", "head", "meta", "title", "link", "style", "body", "a", "header", "p", "h1", "h2", "h3", "h4", "span",
        "b", "div", "nav", "ol", "li", "main", "section", "ul", "strong", "table", "caption", "thead", "tbody", "tr",
        "th", "td", "small", "details", "summary", "dl", "dt", "dd", "article", "blockquote", "ins", "del", "mark",
        "sup", "figure", "figcaption", "svg", "g", "path", "rect", "line", "circle", "text", "tspan", "footer",
        "script",
    }  # fmt: skip
    for record in records:
        for held in (record, redact(record)):
            page = render(held, held.findings)
            shape = Shape(page)
            assert {tag for tag, _ in shape.tags} <= known
            assert shape.crossed == []
            assert shape.ragged == []
            assert shape.open == []
            assert [tag for tag, _ in shape.tags].count("script") == 1
            assert page.count(f"<script>{style('cases.js')}</script>") == 1
            names = {name for _, attributes in shape.tags for name in attributes}
            assert not {name for name in names if name.startswith("on") or name in {"src", "action", "formaction"}}
            links = {a["href"] for _, a in shape.tags if "href" in a}
            assert all(link.startswith(("#", "data:image/svg+xml,")) for link in links)
            targets = {a["id"] for _, a in shape.tags if "id" in a}
            assert {link[1:] for link in links if link.startswith("#")} <= targets


def test_no_junit_file_breaks(records):
    from xml.etree import ElementTree as ET

    for record in records:
        assert ET.fromstring(junit(record, record.findings)).tag == "testsuites"


def test_no_model_card_gains_a_tag_a_link_a_key_or_a_cell(records):
    import yaml
    from huggingface_hub import ModelCard
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    for record in records:
        text = model_card(record, record.findings)
        card = ModelCard(text)
        keys = set(yaml.safe_load(text[4 : text.index("\n---\n")]))
        assert keys <= {"pipeline_tag", "tags", "base_model", "model-index"}
        assert card.data.model_name or card.data.eval_results
        tokens = reader.parse(card.text)
        inner = [one for token in tokens for one in (token.children or ())]
        html = [one.content for one in (*tokens, *inner) if one.type in {"html_block", "html_inline"}]
        assert all(re.fullmatch(r"<!-- (-->|made by the workbench; sha256 [^<>]*-->)\n?", one) for one in html)
        assert {one.type for one in inner} <= {
            "text",
            "text_special",
            "softbreak",
            "html_inline",
            "em_open",
            "em_close",
        }
        assert {one.type for one in tokens if one.type.endswith("_open")} <= {
            "heading_open", "paragraph_open", "table_open", "thead_open", "tbody_open", "tr_open", "th_open", "td_open",
            "bullet_list_open", "list_item_open",
        }  # fmt: skip
        width = cells = None
        for one in tokens:
            if one.type == "table_open":
                width = None
            elif one.type == "tr_open":
                cells = 0
            elif one.type in {"th_open", "td_open"}:
                cells += 1
            elif one.type == "tr_close":
                width = width or cells
                assert cells == width
        for rows in re.findall(
            r"(?:^\|.*\n)+", text, re.MULTILINE
        ):  # readers cut rows that are too long, so count bars
            assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows.splitlines()}) == 1
        assert not re.search(r"(?<!&)(https?|ftp)://|\bwww\.|[\w.]@\w+\.\w", card.text)


def test_a_spreadsheet_runs_no_cell_and_every_text_comes_back():
    texts = [text for text in HOSTILE if "\ud800" not in text]
    rows = [
        Rewrite(example=text, recipe=text, outcome="succeeded", label=text, original=text, rewritten=text or "x",
                predicted_before="a", predicted_after="b", probability_before=0.5, queries=1, words=1)
        for text in texts
    ]  # fmt: skip
    read = list(csv.reader(io.StringIO(sheet(rows).removeprefix("\ufeff"), newline="")))
    assert len(read) == len(rows) + 1
    assert {len(row) for row in read} == {8}
    for row, text in zip(read[1:], texts, strict=True):
        for cell in row:
            assert not re.match(r"[=+\-@\t\r＝＋－＠]", cell)
        assert as_it_was(row[3]) == text
        assert as_it_was(harmless(text)) == text
