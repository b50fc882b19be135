"""Words and phrases over many texts, against tables made by hand."""

from __future__ import annotations

import pytest

from workbench.audit.explanations.weights import phrases_of
from workbench.audit.explanations.word_tables import SHOWN, Tables
from workbench.data.corpus import Corpus, Example
from workbench.evidence.exhibits import WordEffect, WordEffects
from workbench.seeds import Streams
from workbench.text.words import words

LABELS = ("bad", "good")


def explained(text, scores, *, example, decided="good", label="good", flips=()):
    """Return `text` explained: each word has its score in `scores`, else 0."""
    return WordEffects(
        example=example,
        text=text,
        target=decided,
        label=label,
        output="logit",
        words=tuple(
            WordEffect(
                start=one.start, stop=one.stop, score=scores.get(one.text.lower(), 0.0), flips=one.text.lower() in flips
            )
            for one in words(text)
        ),
    )


def corpus(found, people=None):
    examples = tuple(
        Example(id=one.example, person=people[i] if people else one.example, input=one.text, label=one.label)
        for i, one in enumerate(found)
    )
    return Corpus(examples, LABELS, "made", "here", "test")


def tables(found, least=2, people=None):
    made = Tables(found, corpus(found, people), method="occlusion@1", probe="p", least=least, streams=Streams(0))
    return {(one.by, one.target): one for one in made.all()}


def phrases(found, least=2, longest=3):
    return phrases_of(found, corpus(found), least, longest=longest)


def test_a_phrase_adds_up_its_words_and_counts_texts():
    scores = {"true": 1.0, "to": 0.25, "size": 2.0}
    found = [explained("True to size. Nice", scores, example="0"), explained("so true to  size", scores, example="1")]
    made = phrases(found)
    assert set(made) == {"true to", "to size", "true to size"}
    assert made["true to size"].scores.tolist() == [3.25, 3.25]
    assert made["true to size"].ends.tolist() == [[1.0, 2.0]] * 2
    assert made["to size"].scores.tolist() == [2.25, 2.25]


def test_punctuation_ends_a_phrase_and_a_phrase_of_one_person_is_none():
    found = [explained("true, size", {}, example="0"), explained("true size", {}, example="1")]
    assert phrases(found) == {}
    again = [explained("true size", {}, example=f"{i}") for i in range(4)]
    assert phrases_of(again, corpus(again, people=["same"] * 4), 2, longest=2) == {}


def test_occurrences_of_a_phrase_in_one_text_add_up_unless_they_overlap():
    found = [explained("so so so, so so", {"so": 1.0}, example=f"{i}") for i in range(2)]
    made = phrases(found, longest=2)
    assert made["so so"].scores.tolist() == [4.0, 4.0], "the second of the first three overlaps the first"


def test_a_phrase_that_one_word_carries_is_left_to_that_word():
    scores = {"love": 2.0, "dress": 0.1, "runs": 1.0, "small": 1.0}
    found = [explained("love dress", scores, example=f"{i}") for i in range(3)]
    found += [explained("it runs small", scores, example=f"{3 + i}") for i in range(3)]
    (row,) = tables(found)["phrases", "good"].rows
    assert (row.word, row.n, row.mean, row.interval) == ("runs small", 3, 2.0, None)
    assert (row.flips, row.flip_interval) == (None, None)


def test_a_phrase_within_a_longer_one_of_as_many_texts_is_left_out():
    scores = {"true": 1.0, "to": 1.0, "size": 1.0}
    found = [explained("true to size", scores, example=f"{i}") for i in range(3)]
    assert [row.word for row in tables(found)["phrases", "good"].rows] == ["true to size"]
    found.append(explained("true to form", scores, example="3"))
    assert [row.word for row in tables(found)["phrases", "good"].rows] == ["true to size", "true to"]


def test_decisions_hang_on_words_whatever_was_decided_and_whichever_way_they_push():
    found = [
        explained("brand nice", {"brand": -0.5, "nice": 1.0}, example=f"{i}", flips=("brand",)) for i in range(3)
    ] + [
        explained("brand dull", {"brand": 0.5, "dull": 1.0}, example=f"{3 + i}", decided="bad", flips=("dull",))
        for i in range(2)
    ]
    made = tables(found)
    flips = made["flips", None]
    assert [(row.word, row.flips, row.n) for row in flips.rows] == [("dull", 2, 2), ("brand", 3, 5)]
    assert flips.texts == 5
    assert flips.rows[1].mean == pytest.approx(-0.1)
    assert [row.word for row in made["push", "good"].rows] == ["nice"]
    assert [row.word for row in made["strength", "good"].rows] == ["brand"]
    assert [row.word for row in made["errors", "bad"].rows] == ["dull", "brand"]


def test_tables_end_and_what_is_strong_beyond_them_is_told_apart():
    many = {f"w{i:02}": 1.0 + i for i in range(SHOWN + 3)} | {"refund": -0.5, "idle": 0.0}
    found = [explained(" ".join(many), many, example=f"{i}", flips=("w00",) if i else ("w00", "w01")) for i in range(3)]
    made = tables(found)
    assert [row.word for row in made["push", "good"].rows] == [f"w{i:02}" for i in range(SHOWN + 2, 2, -1)]
    assert [row.word for row in made["flips", None].rows] == ["w00"], "w01 turned one decision: a case of one text"
    assert [row.word for row in made["strength", "good"].rows] == ["w02", "w01", "w00", "refund"]


def test_the_surest_hinge_comes_before_the_commonest():
    common = {f"w{i:02}": 1.0 for i in range(SHOWN)}
    found = [
        explained(" ".join(common), common, example=f"{i}", flips=tuple(common) if i < 4 else ()) for i in range(40)
    ] + [explained("zorvex", {"zorvex": 1.0}, example=f"z{i}", flips=("zorvex",)) for i in range(3)]
    rows = tables(found)["flips", None].rows
    assert len(rows) == SHOWN
    assert (rows[0].word, rows[0].flips, rows[0].n) == ("zorvex", 3, 3)
    assert (rows[1].flips, rows[1].n) == (4, 40)


@pytest.mark.parametrize("least", [2, 4])
def test_what_was_looked_at_is_said_in_numbers(least):
    flips = [("n0",), ("nice",), ("nice",)]
    found = [explained(f"nice n{i}", {"nice": 1.0}, example=f"{i}", flips=flips[i]) for i in range(3)]
    said = Tables(found, corpus(found), method="occlusion@1", probe="p", least=least, streams=Streams(0)).hinges()
    rest = "3 of 3 decisions change without one occurrence of some word"
    counts = "Without one occurrence of it, no decision changes for 0 of them, one for 0, 2 or more for 1."
    assert (
        said
        == {
            2: f"Words in the texts of 2 people or more: 1. {counts} {rest}, rarer ones included.",
            4: f"No word is in the texts of 4 people or more: no table tells what decides. {rest}.",
        }[least]
    )


def test_a_phrase_ends_with_its_line():
    found = [explained("Great dress\n\nLove it", {}, example=f"{i}") for i in range(2)]
    assert set(phrases(found)) == {"great dress", "love it"}


def test_nothing_hangs_on_nothing():
    found = [explained("a dress", {"a": 0.0}, example=f"{i}") for i in range(3)]
    assert tables(found) == {}
