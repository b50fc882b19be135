"""Methods before a planted shortcut: the page names those that pass the sanity check and miss the word."""

import json
from pathlib import Path

import pytest

from workbench.audit.explanations.one_text import CHANCE
from workbench.bench.shortcut import LABEL, TOKEN, found_first, gains_over_random, planted
from workbench.bench.shortcut_page import PROMISED, page
from workbench.data.corpus import Corpus, Example
from workbench.evidence.exhibits import MethodQuality, TokenScores, WordScore

COMMITTED = Path(__file__).resolve().parents[2] / "reports" / "shortcut.json"


def word(name, mean, flips):
    return {"word": name, "n": 12, "mean": mean, "interval": {"low": 0.5, "high": 3.0}, "flips": flips}


SEEN = {"texts": 60, "of_label": 15, "holding": 12, "words": [word(TOKEN, 2.5, 9), word("poor", 1.0, None)]}


def row(method, first, passed):
    return {
        "method": method, "n": 20, "first": first, "interval": {"low": 0.1, "high": 0.9}, "passes": passed,
        "likeness": {"value": 0.1, "n": 12, "interval": {"low": 0.0, "high": 0.2}}, "asked": {"draws": 3},
    }  # fmt: skip


def result(*rows):
    return {
        "data": "reviews", "token": TOKEN, "label": LABEL, "share": 0.8, "limit": 1600, "rows": list(rows),
        "probability": {"low": 0.9, "high": 0.99}, "overview": SEEN,
    }  # fmt: skip


def test_a_method_that_passes_and_misses_is_named_with_its_figure():
    found = page(result(row("right", 0.95, True), row("wrong", 0.3, True), row("blind", 1.0, False)))
    assert "1 of 2 methods above that are not refused and that pass the sanity check" in found
    assert "`wrong` passes the sanity check and ranks the word first in 30% of the texts only" in found
    assert "Not shown to pass, and yet finding the word: `blind`" in found
    assert "`right` passes the sanity check and ranks" not in found


def test_what_the_overview_shows_is_told_as_it_is():
    found = page(result())
    assert "60 held-out reviews of any length, 15 of them of the label and 12 with the word" in found
    assert "push towards `not recommended` it is number 1." in found
    assert f"| `{TOKEN}` | 2.50 (0.50 to 3.00), n = 12 | 9 of 12 |" in found
    assert "| `poor` | 1.00 (0.50 to 3.00), n = 12 | none looked at |" in found
    second = {**result(), "overview": {**SEEN, "words": SEEN["words"][::-1]}}
    assert "it is number 2." in page(second)
    assert "it is none, because none is in enough of them." in page({**result(), "overview": {**SEEN, "words": []}})
    assert "it is not among the largest." in page({**result(), "overview": {**SEEN, "words": SEEN["words"][1:]}})


def test_what_is_not_known_of_a_method_is_no_pass():
    found = page(result({**row("odd", 1.0, None), "likeness": None}))
    assert "| `odd` | not known | not measured | not measured |" in found
    assert "0 of 0 methods" in found


def test_a_method_that_is_refused_has_its_figures_and_its_refusal_and_no_verdict():
    found = page(result(row("right", 0.95, True), {**row("void", 0.3, True), "refused": "it says nothing here"}))
    assert "1 of 1 methods above that are not refused and that pass the sanity check" in found
    assert "| `void` (refused) | passes | 0.10 (0.00 to 0.20), n = 12, 3 networks | not measured | 30% " in found
    assert (
        "- `void` was measured with its refusal lifted: it passes the sanity check and ranks the word first in 30% of "
        "the texts. The refusal: it says nothing here."
    ) in found


def gain(low, high):
    return {"gain": {"value": (low + high) / 2, "n": 20, "interval": {"low": low, "high": high}}}


def test_those_better_than_random_words_are_counted_apart():
    found = page(
        result(
            {**row("right", 0.95, True), **gain(0.1, 0.3)},
            {**row("wrong", 0.3, True), **gain(-0.1, 0.1)},
            {**row("blind", 1.0, False), **gain(0.1, 0.3)},
        )
    )
    assert "1 of 2 methods above that are not refused and that pass the sanity check" in found
    assert "1 of 1 that pass it and are better than random words on these texts do, too." in found
    assert "| 0.20 (0.10 to 0.30), n = 20 |" in found
    assert "not that it is right, and so do random scores. It is not shown to be better than these here." in found


def test_the_gain_is_that_over_random_words_text_by_text():
    def quality(method, value):
        return MethodQuality(attributor=method, values={"comprehensiveness/deletion": value})

    worth = [(quality("one", 0.5), quality(CHANCE, 0.1)), (quality("one", 0.2), quality(CHANCE, 0.3))]
    assert gains_over_random(worth, "one").tolist() == pytest.approx([0.4, -0.1])


def scores(**words):
    text = " ".join(words)
    places = [(text.index(word), word, score) for word, score in words.items()]
    return TokenScores.model_construct(
        text=text, words=tuple(WordScore(start=at, stop=at + len(word), score=score) for at, word, score in places)
    )


def test_first_is_first_alone():
    assert found_first(scores(zorvex=2.0, dress=1.0))
    assert not found_first(scores(zorvex=1.0, dress=2.0))
    assert not found_first(scores(zorvex=1.0, dress=1.0)), "equal scores rank nothing"


def test_the_word_is_planted_in_one_label_s_texts_only():
    examples = tuple(
        Example(id=f"{i}", person=f"{i}", input="a dress that fits", label=label)
        for i, label in enumerate([LABEL] * 40 + ["recommended"] * 40)
    )
    found = planted(Corpus(examples, (LABEL, "recommended"), name="x", source="here", split="test"), 0.5)
    held = [TOKEN in one.input.split() for one in found]
    assert not any(held[40:])
    assert 8 < sum(held[:40]) < 32
    assert {one.input.replace(f"{TOKEN} ", "").replace(f" {TOKEN}", "") for one in found} == {"a dress that fits"}


def test_committed_page_is_that_of_the_committed_figures():
    found = json.loads(COMMITTED.read_text("utf-8"))
    assert COMMITTED.with_suffix(".md").read_text("utf-8") == page(found)
    known = {one["method"]: one for one in found["rows"]}
    refused = known["input_x_gradient@1"]
    assert "cannot speak of words here" in refused["refused"]
    assert refused["passes"]
    assert refused["first"] < 0.5
    applied = [one for one in known.values() if "refused" not in one]
    assert len(applied) == 9
    assert all(one["passes"] for one in applied)
    assert min(one["first"] for one in applied) >= PROMISED
