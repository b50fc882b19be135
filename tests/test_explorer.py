"""The widget's logic, driven as a browser drives it: by changing the values of its controls."""

from __future__ import annotations

import re

import pytest

import workbench
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.models.linear import LinearTextClassifier
from workbench.results import Explanation

widgets = pytest.importorskip("ipywidgets")

MODEL = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0, "dress": 0.1})


@pytest.fixture
def explorer():
    found = workbench.explore(MODEL, "a good dress", methods=("occlusion", "lime"))
    yield found
    found.close()


def probability(explorer, label="positive"):
    return float(re.search(rf"<li>{label}: <strong>([0-9.]+)</strong>", explorer.shown.value)[1])


def test_it_shows_what_the_static_explanation_shows(explorer):
    assert [button.description for button in explorer.words.children] == ["a", "good", "dress"]
    assert probability(explorer) == pytest.approx(0.891, abs=1e-3)
    assert "occlusion@1" in explorer.shown.value
    assert "with all words" not in explorer.shown.value


def test_an_edit_is_answered(explorer):
    explorer.text.value = "a bad dress"
    assert [button.description for button in explorer.words.children] == ["a", "bad", "dress"]
    assert probability(explorer) == pytest.approx(0.130, abs=1e-3)


def test_words_go_and_come_back(explorer):
    explorer.words.children[1].value = False
    assert explorer.left == "a  dress"
    assert probability(explorer) == pytest.approx(0.525, abs=1e-3)
    assert "with all words 0.891, change -0.366" in explorer.shown.value
    explorer.words.children[1].value = True
    assert probability(explorer) == pytest.approx(0.891, abs=1e-3)
    explorer.words.children[0].value = explorer.words.children[1].value = False
    explorer.restore.click()
    assert explorer.left == "a good dress"
    assert all(button.value for button in explorer.words.children)


def test_a_label_of_any_name_can_be_given():
    model = LinearTextClassifier.binary({"good": 2.0}, labels=("", "(the label decided)"))
    for target, index in ((None, 0), ("", 1), ("(the label decided)", 2)):
        found = workbench.explore(model, "a good dress", methods=("occlusion",), target=target)
        assert (found.target.index, found._label) == (index, target)
        found.close()


def test_label_and_method_can_be_chosen(explorer):
    explorer.method.value = "lime"
    assert "lime@1" in explorer.shown.value
    explorer.target.value = "negative"
    assert "explained: negative" in explorer.shown.value


def test_scores_without_a_sign_and_words_not_read_are_shown_as_such(known_model):
    found = workbench.explore(known_model({"good": 2.0}, limit=5), "a good dress but awful", methods=("saliency",))
    page = found.shown.value
    found.close()
    assert '<span class="unread"><b dir="ltr">not read: </b> but awful</span>' in page
    assert "The model read only the first 3 of 5 words" in page
    assert "not which way" in page
    assert 'class="size4"' in page
    assert "pushes towards" not in page
    assert "<sup" not in page


def test_what_cannot_be_explained_is_said_in_place(explorer):
    explorer.text.value = "?!"
    assert "No explanation." in explorer.shown.value
    explorer.text.value = "good"
    assert "No explanation." not in explorer.shown.value


def test_hostile_text_stays_text(explorer):
    explorer.text.value = "<script>alert(1)</script> good <img src=x onerror=alert(2)>"
    assert "<script" not in explorer.shown.value
    assert "<img" not in explorer.shown.value


def test_long_texts_have_a_button_for_their_first_words_only(explorer):
    explorer.text.value = "good " * 300
    assert len(explorer.words.children) == 80
    assert probability(explorer) == pytest.approx(1.0)


def test_without_widgets_it_is_the_static_explanation(monkeypatch):
    monkeypatch.setattr("workbench.explorer.has_widgets", lambda: False)
    found = workbench.explore(MODEL, "a good dress", methods=("occlusion", "lime"))
    assert isinstance(found, Explanation)
    assert found.methods == ("occlusion@1", "lime@1")


def test_bad_settings_are_refused():
    with pytest.raises(NotFound, match="oclusion"):
        workbench.explore(MODEL, "good", methods=("oclusion",))
    with pytest.raises(Misconfigured, match="each method once, and at least one"):
        workbench.explore(MODEL, "good", methods=())
    with pytest.raises(NotFound, match="positive"):
        workbench.explore(MODEL, "good", target="positiv")


@pytest.mark.parametrize("installed", [True, False])
def test_methods_are_named_as_for_a_static_explanation(monkeypatch, installed):
    monkeypatch.setattr("workbench.explorer.has_widgets", lambda: installed)
    found = workbench.explore(MODEL, "a good dress", methods="occlusion")
    if installed:
        assert found.method.options == ("occlusion",)
        found.close()
    else:
        assert found.methods == ("occlusion@1",)
    with pytest.raises(Misconfigured, match="once"):
        workbench.explore(MODEL, "good", methods=["lime", "lime@1"])


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("text", [["a good dress"], None, 5, b"good"])
def test_one_text_can_be_explored(monkeypatch, installed, text):
    monkeypatch.setattr("workbench.explorer.has_widgets", lambda: installed)
    with pytest.raises(BadInput, match=f"one text, given as a string; got {type(text).__name__}"):
        workbench.explore(MODEL, text)


def test_it_displays_itself(explorer):
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()


def test_where_no_widgets_are_shown_the_explanation_is(explorer):
    static = workbench.explain(MODEL, "a good dress", methods="occlusion")._repr_html_()
    assert static in explorer._repr_mimebundle_()["text/html"]
    explorer.text.value = "a bad <b>dress</b>"
    shown = explorer._repr_mimebundle_(include=None, exclude=None)["text/html"]
    assert static not in shown
    assert "<b>dress" not in shown
    assert "Run it again to edit" in shown
