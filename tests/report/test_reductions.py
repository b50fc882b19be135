"""Reduced texts in the report, and their figures beside those of attacks."""

from __future__ import annotations

from workbench.evidence.exhibits import Reduction
from workbench.report.blocks import Fold, Quote
from workbench.report.reductions import REDUCED, reductions
from workbench.report.tables import tables


def reduction(i, left, outcome="reduced"):
    return Reduction(
        example=f"e{i}", outcome=outcome, label="yes", decided="no", original="one two three four",
        reduced=None if outcome == "failed" else "two", words=4, words_left=left, probability_before=0.9,
        probability_after=0.8, queries=9,
    )  # fmt: skip


def test_the_least_that_is_left_comes_first_and_crashes_are_left_out(rich, golden_record):
    held = [reduction(0, 3), reduction(1, 1), reduction(2, 2), reduction(3, None, "failed")]
    made = golden_record.evidence("robustness.input_reduction@1", exhibits=held)
    blocks = list(reductions(rich.model_copy(update={"evidence": (made,)})))
    quotes = [block for block in blocks if isinstance(block, Quote)]
    assert [quote.heading for quote in quotes] == ["Example e1", "Example e2", "Example e0"]
    assert "1 of 4 words left" in quotes[0].facts
    assert "its probability 0.900 → 0.800" in quotes[0].facts
    assert "true: yes" in quotes[0].facts
    assert "decided, before and after: no" in quotes[0].facts
    assert [run.text.strip() for run in quotes[0].runs if run.mark == "del"] == ["one", "three four"]


def test_many_are_folded_and_the_rest_is_counted(rich, golden_record):
    made = golden_record.evidence(
        "robustness.input_reduction@1", exhibits=[reduction(i, 1) for i in range(REDUCED + 3)]
    )
    blocks = list(reductions(rich.model_copy(update={"evidence": (made,)})))
    assert "3 more are in audit.json" in blocks[1].text
    assert isinstance(blocks[-1], Fold)
    assert len(blocks[-1].blocks) == REDUCED - 5
    assert list(reductions(rich.model_copy(update={"evidence": ()}))) == []


def test_what_shares_no_column_with_attacks_is_no_row_of_their_table(golden_record):
    number = golden_record.number
    attacks = [number("robustness.attack_success_rate", 0.5, 0.4, 0.6, recipe=recipe) for recipe in ("a@1", "b@1")]
    left = number("robustness.words_left_mean", 0.2, 0.1, 0.3, recipe="input_reduction@1")
    overall, by_attack = tables("Robustness", [*attacks, left])
    assert [row[0].text for row in overall.rows] == ["Share of the words left, mean"]
    assert "input_reduction@1" in overall.rows[0][0].small
    assert [row[0].text for row in by_attack.rows] == ["a@1", "b@1"]
    assert len(by_attack.columns) == 2
    (alone,) = tables("Robustness", [left])
    assert [row[0].text for row in alone.rows] == ["input_reduction@1"]
