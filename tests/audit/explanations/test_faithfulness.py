"""Every measure against hand calculations, and on a model whose answers are known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.explanations.faithfulness import (
    FRACTIONS,
    TENTHS,
    faithfulness,
    leave_one_out,
    ranking,
    top,
    variants,
    without,
)
from workbench.evidence.exhibits import WordScore
from workbench.text.words import words


def scored(text, scores):
    return tuple(WordScore(start=w.start, stop=w.stop, score=s) for w, s in zip(words(text), scores, strict=True))


def test_ranking_keeps_the_order_of_equals():
    assert ranking([0.5, -1.0, 0.5, 2.0]) == (3, 0, 2, 1)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, [1, 1, 1, 1, 1]), (10, [1, 1, 1, 2, 5]), (100, [1, 5, 10, 20, 50]), (81, [1, 5, 9, 17, 41])],
)
def test_how_many_words_a_share_is(n, expected):
    assert [top(n, fraction) for fraction in FRACTIONS] == expected


def test_words_go_and_everything_else_stays():
    text = "So good, isn't it? 😀"
    found = scored(text, [0, 0, 0, 0, 0])
    assert without(text, found, frozenset(), None) == text
    assert without(text, found, frozenset({1, 2}), None) == "So ,  it? 😀"
    assert without(text, found, frozenset({1, 4}), "[MASK]") == "So [MASK], isn't it? [MASK]"
    assert leave_one_out("a b", scored("a b", [1, 2])) == [" b", "a "]


def test_variants_of_a_text_of_four_words():
    text = "a b c d"
    found = variants(text, scored(text, [1, 4, 3, 2]), ranking([1, 4, 3, 2]), "_")
    assert len(found) == 2 * len(FRACTIONS) + 2 * len(TENTHS)
    assert found[:5] == ["a _ c d"] * 4 + ["a _ _ d"]
    assert found[5:10] == ["_ b _ _"] * 4 + ["_ b c _"]
    assert found[10] == text
    assert found[20] == "_ _ _ _"
    assert found[21] == "_ _ _ _"
    assert found[31] == text


def test_measures_by_hand():
    gone = np.array([0.8, 0.7, 0.6, 0.5, 0.4])
    alone = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    deletion, insertion = np.linspace(0.9, 0.0, 11), np.array([0.0] * 5 + [0.5] + [1.0] * 5)
    found = faithfulness(0.9, np.concatenate([gone, alone, deletion, insertion]))
    assert found.comprehensiveness == pytest.approx(0.9 - 0.6)
    assert found.sufficiency == pytest.approx(0.9 - 0.3)
    assert found.deletion_auc == pytest.approx(0.45)
    assert found.insertion_auc == pytest.approx(0.5)
