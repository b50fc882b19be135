"""Swapped terms in the report: what changed is marked, hostile texts stay texts, and what is left out is counted."""

from __future__ import annotations

from workbench.evidence.exhibits import SwappedText, TermPair, TokenSwaps
from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Interval
from workbench.report.blocks import Fold, Heading, Table
from workbench.report.counterfactual import FLIPPED, counterfactual
from workbench.report.render import template

SWAP = "gender, female to male"


def swaps(n, swap=SWAP, *, added=False, before="She left.", change=-0.25):
    text = SwappedText(
        example="e7", before=before, after="He left.", decided_before="yes", decided="no", probability_before=0.62,
        probability=0.37,
    )  # fmt: skip
    interval = None if change is None else Interval(low=-0.31, high=-0.19, method="made up")
    row = TermPair(
        first="she",
        second="he",
        n=40,
        people=40,
        flips=n,
        flip_interval=wilson(n, 40),
        change=-0.25,
        change_interval=interval,
    )
    return TokenSwaps(
        swap=swap, first="female", second="male", positive="yes", source="made up", added=added, terms=(row,),
        flipped=(text,) * n, total=n, of=40,
    )  # fmt: skip


def blocks(record, golden_record, *held):
    made = golden_record.evidence("fairness.counterfactual@1", exhibits=held)
    return list(counterfactual(record.model_copy(update={"evidence": (made,)})))


def test_terms_and_flipped_texts_are_shown_with_their_figures(rich, golden_record):
    heading, _, table, fold = blocks(rich, golden_record, swaps(9))
    assert isinstance(heading, Heading)
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == ["she", "he", "40", "9", "-0.250"]
    assert table.rows[0][4].small == "-0.310 to -0.190"
    assert table.rows[0][3].small == "0.123 to 0.375 of such texts"
    assert isinstance(fold, Fold)
    assert fold.summary == f"{SWAP}: 9 of 40 texts decided otherwise; 5 shown, those whose score changed most"
    assert len(fold.blocks) == FLIPPED
    quote = fold.blocks[0]
    assert [(run.mark, run.text) for run in quote.runs if run.mark] == [("del", "She"), ("ins", "He")]
    assert quote.facts[2] == "probability of yes 0.620 → 0.370"


def test_mentions_come_before_added_sentences_and_nothing_flipped_gives_no_fold(rich, golden_record):
    held = blocks(rich, golden_record, swaps(0, "b", added=True), swaps(0, "a"))
    assert [block.caption.partition(":")[0] for block in held[2:]] == ["a", "b"]
    assert "in a sentence put before" in held[3].caption
    assert blocks(rich, golden_record) == []


def test_what_has_no_interval_says_so(rich, golden_record):
    table = blocks(rich, golden_record, swaps(1, change=None))[2]
    assert table.rows[0][4].small == "one person only, no interval"


def test_hostile_texts_stay_texts(rich, golden_record):
    held = swaps(1, golden_record.SCRIPT, before=golden_record.IMAGE)
    page = template("explanation.html.j2").render(title="", legend="", blocks=blocks(rich, golden_record, held), css="")
    assert "onerror=alert(2)&gt;" in page, "shown, word by word"
    assert "&lt;script&gt;alert" in page
    assert "<img" not in page
    assert "<script" not in page
