import time

import pytest

from workbench.evidence.exhibits import TokenScores
from workbench.report.marks import changes, heat, special, weights


def scores(text, spans, values):
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


def test_heat_of_nothing_is_plain():
    held = scores("good", [(0, 4)], [0.0])
    assert [(run.text, run.mark) for run in heat(held)] == [("good", "")]
