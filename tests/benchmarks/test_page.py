import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from workbench.bench.chart import chart
from workbench.bench.page import render
from workbench.bench.results import Bench
from workbench.bench.table import print_bench
from workbench.errors import Misconfigured
from workbench.report.render import style


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def page(finished):
    return render(finished)


def test_hostile_names_stay_text(page):
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"script", "img", "iframe", "object", "link"}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_the_page_asks_for_nothing(page):
    assert not re.search(r"https?://|url\(", page)
    assert "default-src 'none'" in page
    assert len(page) < 100_000


def test_the_page_says_what_was_measured_promised_and_missing(page):
    for said in ("4x", "3.5 to 4.5", "3x (aim 5x): met", "1 of 1 targets", "not applicable", "failed", "20"):
        assert said in page, said


def test_the_chart_is_drawn_to_scale(finished, page):
    drawn = chart(finished.results)
    (group,) = drawn.groups
    (bar,) = group.bars
    assert bar.width == pytest.approx((drawn.one - drawn.left) * 4)
    assert bar.target - drawn.left == pytest.approx((drawn.one - drawn.left) * 3)
    assert bar.low < drawn.left + bar.width < bar.high <= drawn.width
    svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page, re.DOTALL).group())
    assert [line.get("x1") for line in svg.iter("line") if line.get("class") == "target"] == [str(bar.target)]
    assert [rect.get("width") for rect in svg.iter("rect")] == [str(bar.width)]


def test_no_rule_of_the_report_reaches_the_chart(page):
    """The report's own `.bar { height: auto }` once left bars without a height: a style outweighs an attribute."""
    rules = style("report.css")
    drawn = {name for name in re.findall(r'<(?:rect|line) class="([^"]+)"', page) for name in name.split()}
    assert {"length", "float32", "target"} <= drawn
    assert not [
        name for name in drawn if re.search(rf"(?:^|[}}, ])\.{name}\b[^}}]*{{[^}}]*(?:height|width|display)", rules)
    ]


def test_a_page_without_results_can_be_drawn(finished):
    assert "<svg" not in render(finished.model_copy(update={"results": (), "roofline": (), "growth": ()}))


def test_equal_results_give_equal_bytes_and_survive_json(finished, page):
    again = Bench.model_validate_json(json.dumps(finished.model_dump(mode="json")))
    assert again == finished
    assert render(again) == page


def test_the_terminal_shows_no_control_characters(finished, capsys):
    print_bench(finished)
    said = capsys.readouterr().out
    assert "workbench, float32" in said
    assert "\x1b[31m" not in said
    assert "not applicable" in said


def test_a_work_measured_again_takes_its_place_and_is_named(finished):
    first = finished.results[0]
    slower = first.model_copy(update={"workbench_seconds_per_example": 99.0})
    others = [
        one
        for one in (*finished.results, *finished.absent, *finished.roofline)
        if getattr(one, "name", "") != first.name
    ]
    later = finished.model_copy(
        update={
            "results": (slower,),
            "absent": (),
            "roofline": (),
            "growth": (),
            "date": "2030-01-01",
            "command": "later",
        }
    )
    merged = finished.replaced(later)
    assert [one.workbench_seconds_per_example for one in merged.results if one.name == first.name] == [99.0]
    kept = [
        one for one in (*merged.results, *merged.absent, *merged.roofline) if getattr(one, "name", "") != first.name
    ]
    assert kept == others
    assert merged.growth == finished.growth
    assert merged.date == finished.date
    ((name, date, command),) = [(one.name, one.date, one.command) for one in merged.again]
    assert (name, date, command) == (first.name, "2030-01-01", "later")
    assert "Measured again" in render(merged)
    assert "growth" not in [one.name for one in merged.again]
    grown = finished.growth[0].model_copy(update={"memory_growth": 0.5})
    again = finished.replaced(later.model_copy(update={"growth": (grown,)}))
    assert again.growth == (grown,)
    assert [one.name for one in again.again] == [first.name, "growth"]


def test_nothing_is_replaced_by_what_another_machine_or_model_gave(finished):
    for what, changed in (
        ("model", {"model_digest": "f" * 64}),
        ("set of texts", {"corpus_digest": "f" * 64}),
        ("machine", {"machine": finished.machine.model_copy(update={"bfloat16_speedup": 0.2})}),
        ("set of library versions", {"machine": finished.machine.model_copy(update={"versions": {"torch": "3"}})}),
    ):
        with pytest.raises(Misconfigured, match=f"another {what}:"):
            finished.replaced(finished.model_copy(update=changed))


def test_processors_of_one_name_may_be_different_ones(finished):
    here = finished.machine.model_copy(update={"instructions": "AVX512"})
    assert here.like(finished.machine), "an older run did not note them"
    assert not here.like(here.model_copy(update={"instructions": "AVX2"}))
    assert not here.like(here.model_copy(update={"cores": 64}))


def test_no_result_is_lost_to_a_work_measured_again_in_one_precision(finished):
    half = finished.results[0].model_copy(update={"precision": "bfloat16"})
    whole = finished.model_copy(update={"results": (*finished.results, half), "absent": ()})
    with pytest.raises(Misconfigured, match=r"in bfloat16, too, which would be lost.*without --precision"):
        whole.replaced(finished.model_copy(update={"absent": ()}))
    assert whole.replaced(whole).results == whole.results
    whole.require_kept(["lime"], ["float32", "bfloat16"])
    whole.require_kept(["shap_partition"], ["float32"])
