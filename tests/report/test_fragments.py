from html.parser import HTMLParser

import pytest

from workbench.evidence.exhibits import MethodQuality, PartRead, TokenScores
from workbench.evidence.explained import numbered
from workbench.report.explanations import explained_text
from workbench.report.fragments import explanation_fragment, record_fragment, render_explanation, summary_line
from workbench.results import Explanation


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
    scores = [one.model_copy(update={"method": name}) for one in explained[:2] for name in ("lime@1", "occlusion@1")]
    page = render_explanation(scores, quality)
    order = [page.index(part) for part in ("0.111", scores[0].example, "0.222", scores[2].example)]
    assert order == sorted(order)
    assert "0.222" in explanation_fragment(scores, quality)
    assert "this one text" not in explanation_fragment(scores)


def test_a_text_asked_twice_counts_twice_and_a_part_of_its_methods_once(explained):
    one, two = (one.model_copy(update={"method": name}) for one, name in zip(explained[:1] * 2, "ab", strict=True))
    other = explained[1]
    assert numbered([]) == []
    assert numbered([one, two, one, two, other]) == [0, 0, 1, 1, 2]
    assert numbered([two, other, one]) == [0, 1, 2]
    assert numbered([one, one]) == [0, 1]


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


def of(text, **more):
    spans = ((0, 4), (5, 8))
    return TokenScores(
        example="", text=text, target="yes", output="logit", probability=0.5, passes=1, tokens=("good", "bad"),
        spans=spans, scores=(2.0, 1.0), **{"method": "m@1", **more},
    )  # fmt: skip


PAGES = pytest.mark.parametrize("page_of", [render_explanation, explanation_fragment])


def outside_style(page):
    return page[: page.index("<style>")] + page[page.index("</style>") :]


@PAGES
def test_scores_without_a_sign_are_shown_without_one(page_of):
    page = outside_style(page_of([of("good bad", method="saliency@1", signed=False)]))
    marks = [attributes for tag, attributes in tags(page) if tag == "mark"]
    assert [one["class"] for one in marks] == ["size4", "size2"]
    assert [one["title"] for one in marks] == ["strength 2.000", "strength 1.000"]
    assert "<sup" not in page
    assert "+2.0000" not in page
    assert "2.0000" in page
    assert "pushes" not in page
    assert "saliency@1 tells how strongly a word moves the output, not which way" in page
    assert "<span>strength only, not which way</span>" in page
    assert "Strength (logit)" in page


@PAGES
def test_side_by_side_each_method_has_its_own_marks_and_legend(page_of):
    page = outside_style(page_of([of("good bad"), of("good bad", method="saliency@1", signed=False)]))
    classes = [attributes["class"] for tag, attributes in tags(page) if tag == "mark"]
    assert classes == ["plus4", "plus2", "size4", "size2"]
    assert page.count("<sup") == 2
    assert "pushes towards the label explained" in page
    assert "saliency@1 tells how strongly a word moves the output, not which way" in page
    assert page.count("<span>strength only, not which way</span>") == 1


@PAGES
def test_what_the_model_does_not_read_is_marked_and_said(page_of):
    text = "good bad and what nobody reads"
    page = outside_style(page_of([of(text, read=PartRead(start=0, stop=8, words=2, of=6))]))
    assert '<span class="unread"><b dir="ltr">not read: </b> and what nobody reads</span>' in page
    assert "The model read only the first 2 of 6 words: the rest had no say in the decision" in page
    assert "not read" not in outside_style(page_of([of(text)]))


@PAGES
def test_a_long_text_is_where_the_page_says(page_of):
    """A page of `workbench.explain` has no audit.json beside it; the report has one."""
    long = of("good bad" + " word" * 400)
    page = outside_style(page_of([long]))
    assert "audit.json" not in page
    assert "Cut: 1,500 of 2,008 characters are shown; the explanation, saved as JSON, holds the whole text." in page
    assert long.text in Explanation((long,)).json
    assert explained_text(long).note.endswith("the whole text is in audit.json.")


@PAGES
def test_how_well_two_draws_agree_is_shown(page_of):
    assert "<span>two draws agree to 0.93</span>" in page_of([of("good bad", seed_agreement=0.93)])
    page = page_of([of("good bad", seed_agreement=0.76)])
    assert "two draws agree only to 0.76 after 1 passes: read the ranking with care" in page
    assert "two draws" not in page_of([of("good bad")])


def test_nothing_to_explain_is_a_page_too():
    assert "Nothing was explained" in render_explanation(())


def test_verdict_of_a_record_without_criteria(rich):
    assert "Not established" in record_fragment(rich, ())
