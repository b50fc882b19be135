from html.parser import HTMLParser

import pytest

from workbench.evidence.exhibits import MethodQuality
from workbench.report.fragments import explanation_fragment, record_fragment, render_explanation, summary_line


def tags(page):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Reader().feed(page)
    return found


@pytest.fixture(scope="module")
def explained(rich):
    return tuple(exhibit for _, exhibit in rich.exhibits("token_scores"))


def test_several_methods_of_several_texts_stand_beside_what_they_are_worth(explained):
    quality = [
        [MethodQuality(attributor="lime@1", values={"comprehensiveness/deletion": value})] for value in (0.111, 0.222)
    ]
    page = render_explanation(explained[:4], quality)
    order = [page.index(part) for part in ("0.111", explained[1].example, "0.222", explained[2].example)]
    assert order == sorted(order)
    assert "0.222" in explanation_fragment(explained[:4], quality)
    assert "this one text" not in explanation_fragment(explained[:4])


def test_the_line_says_it_all(rich):
    assert summary_line(rich, rich.findings) == (
        "✗ Fail: minilm-reviews on reviews (2,831 examples, policy release): "
        "1 failed, 2 not established, 2 warned, 3 passed, 1 only reported"
    )


def test_fragments_hold_no_live_element(rich, explained):
    for page in (record_fragment(rich, rich.findings), explanation_fragment(explained), render_explanation(explained)):
        assert not [tag for tag, _ in tags(page) if tag in {"script", "img", "iframe"}]
        assert not [name for _, attributes in tags(page) for name in attributes if name.startswith("on")]


def test_a_fragments_style_reaches_nothing_else(rich):
    page = record_fragment(rich, rich.findings)
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    rules = [rule.partition("{")[0].strip() for rule in style.split("}") if rule.strip()]
    assert rules
    assert all(part.strip().startswith(".wbf") for rule in rules for part in rule.split(","))


def test_an_explanation_stands_alone(explained):
    page = render_explanation(explained[8:9])
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in page
    assert '<mark class="plus' in page
    assert '<mark class="minus' in page
    assert "+0.5556" in page


def test_nothing_to_explain_is_a_page_too():
    assert "Nothing was explained" in render_explanation(())


def test_verdict_of_a_record_without_criteria(rich):
    assert "Not established" in record_fragment(rich, ())
