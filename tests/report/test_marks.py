import time

import pytest

from workbench.evidence.exhibits import PartRead, TokenScores
from workbench.report.marks import changes, heat, shown_from, special, weights
from workbench.report.text import SHOWN


def scores(text, spans, values, **more):
    return TokenScores(
        example="",
        text=text,
        method="m@1",
        target="yes",
        output="logit",
        probability=0.5,
        tokens=tuple(text[a:b] or "[CLS]" for a, b in spans),
        spans=tuple(spans),
        scores=tuple(values),
        passes=1,
        **more,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("I love this", "I lvoe this"),
        ("a b c", "a c"),
        ("a c", "a b c"),
        ("", "x"),
        ("same", "same"),
        ("你好 世界", "你好 世畍"),
    ],
)
def test_changes_hold_both_texts_word_for_word(before, after):
    runs = changes(before, after)
    assert "".join(run.text for run in runs if run.mark != "ins") == before
    assert "".join(run.text for run in runs if run.mark != "del") == after
    assert any(run.mark for run in runs) == (before != after)


def test_only_changed_words_are_marked():
    assert [(run.text, run.mark) for run in changes("I love this", "I lvoe this")] == [
        ("I ", ""),
        ("love", "del"),
        ("lvoe", "ins"),
        (" this", ""),
    ]


def test_changes_at_both_ends_of_a_long_text_leave_the_middle_alone():
    middle = " ".join(f"word{i} the" for i in range(1500))
    runs = changes(f"good {middle} fine", f"bad {middle} poor")
    assert [(run.text, run.mark) for run in runs if run.mark] == [
        ("good", "del"),
        ("bad", "ins"),
        ("fine", "del"),
        ("poor", "ins"),
    ]


def test_a_hostile_pair_does_not_stall_the_report():
    before, after = "a b " * 5000, "b a " * 4999 + "a"
    started = time.process_time()
    runs = changes(before, after)
    assert time.process_time() - started < 3
    assert any(run.mark for run in runs)


def test_a_change_late_in_a_long_text_is_still_shown():
    long = "word " * 2000
    runs = changes(long + "good", long + "bad")
    assert ("good", "del") in [(run.text, run.mark) for run in runs]
    assert sum(len(run.text) for run in runs) < 1600


def test_a_words_score_is_the_sum_of_its_pieces():
    held = scores("unhappy dress", [(0, 0), (0, 2), (2, 7), (8, 13)], [9.0, 1.0, 2.0, -1.5])
    assert [(word.text, word.score) for word in weights(held)] == [("unhappy", 3.0), ("dress", -1.5)]
    assert special(held) == 9.0


def test_no_score_is_lost():
    text = "<script>alert(1)</script> don't"
    spans = [(0, 25), (26, 29), (29, 31)]
    held = scores(text, spans, [1.0, 0.5, 0.25])
    assert sum(word.score for word in weights(held)) == pytest.approx(1.75)
    assert weights(held)[0].text == "<script>alert(1)</script>"


def test_texts_without_spaces_stay_in_tokens():
    text = "这件衣服很漂亮"
    held = scores(text, [(i, i + 1) for i in range(7)], [0.1] * 7)
    assert len(weights(held)) == 7


def test_heat_is_the_text_with_sign_and_strength():
    held = scores("good bad meh", [(0, 4), (5, 8), (9, 12)], [2.0, -1.0, 0.01])
    runs = heat(held)
    assert "".join(run.text for run in runs) == "good bad meh"
    assert [(run.text, run.mark) for run in runs if run.mark] == [("good", "plus4"), ("bad", "minus2")]


def test_heat_without_a_sign_says_how_strongly_and_not_which_way():
    held = scores("good bad meh", [(0, 4), (5, 8), (9, 12)], [2.0, 1.0, 0.01], signed=False)
    assert [(run.text, run.mark, run.title) for run in heat(held) if run.mark] == [
        ("good", "size4", "2.000"),
        ("bad", "size2", "1.000"),
    ]


def test_heat_marks_what_the_model_does_not_read_at_either_end():
    text = "not read here: good, truly. Nor is this!"
    start, stop = text.index("good"), text.index(" Nor")
    read = PartRead(start=start, stop=stop, words=2, of=8)
    runs = heat(scores(text, [(start, start + 4)], [1.0], read=read))
    assert [(run.text, run.mark) for run in runs] == [
        ("not read here: ", "unread"),
        ("good", "plus4"),
        (", truly.", ""),
        (" Nor is this!", "unread"),
    ]


def test_of_a_word_that_the_cut_runs_through_the_part_that_is_read_has_the_score():
    read = PartRead(start=0, stop=7, words=2, of=3)
    runs = heat(scores("a goodness me", [(2, 7)], [1.0], read=read))
    assert [(run.text, run.mark) for run in runs] == [("a ", ""), ("goodn", "plus4"), ("ess me", "unread")]
    read = PartRead(start=5, stop=13, words=2, of=3)
    runs = heat(scores("a goodness me", [(5, 10)], [1.0], read=read))
    assert [(run.text, run.mark) for run in runs] == [("a goo", "unread"), ("dness", "plus4"), (" me", "")]


def test_of_a_cut_text_without_spaces_each_token_read_stays_apart():
    text = "这件衣服很好看" * 40
    spans = [(i, i + 1) for i in range(12)]
    runs = heat(scores(text, spans, [1.0] * 12, read=PartRead(start=0, stop=12, words=1, of=1)))
    assert [(run.text, run.mark) for run in runs][:-1] == [(one, "plus4") for one in text[:12]]
    assert runs[-1].mark == "unread"


def test_a_long_text_of_which_the_end_is_read_is_shown_from_there():
    text = "early " * 1000 + "good"
    start = len(text) - 4
    held = scores(text, [(start, start + 4)], [1.0], read=PartRead(start=start, stop=start + 4, words=1, of=1001))
    runs = heat(held)
    assert runs[0].text == "…"
    assert ("good", "plus4") in [(run.text, run.mark) for run in runs]
    assert "".join(run.text for run in runs[1:]) == text[shown_from(held) :]
    assert len(text) - shown_from(held) < SHOWN


def test_a_text_that_is_withheld_has_no_unread_end():
    held = scores("withheld 1f2e (300 characters)", [], [], read=PartRead(start=None, stop=None, words=40, of=52))
    assert [(run.text, run.mark) for run in heat(held)] == [("withheld 1f2e (300 characters)", "")]


def test_heat_of_nothing_is_plain():
    held = scores("good", [(0, 4)], [0.0])
    assert [(run.text, run.mark) for run in heat(held)] == [("good", "")]
