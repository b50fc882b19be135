"""What people say about rewrites: drawn at random, written and read without loss, checked, and counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.audit.robustness.judgement_sheet import COLUMNS, as_it_was, harmless, read_sheet, sheet
from workbench.audit.robustness.judgements import FEWEST, NAME, draw, with_judgements
from workbench.audit.robustness.regress import collect
from workbench.errors import BadInput, EmptyData, Misconfigured, NotFound
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.cards import CorpusCard, ModelCard
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import JudgedRewrite, Note, Rewrite
from workbench.evidence.intervals import wilson
from workbench.evidence.measurement import Measurement
from workbench.evidence.products import product_interval
from workbench.evidence.record import (
    REDACTION,
    AuditRecord,
    AuditSettings,
    Environment,
    Evidence,
    Measured,
    NotApplicable,
)

RECIPE = "deepwordbug@1"


def rewrite(i: int, fell: bool = True, recipe: str = RECIPE, text: str = "", person: int | None = None) -> Rewrite:
    return Rewrite(
        example=f"e{i:03}", recipe=recipe, outcome="succeeded" if fell else "resisted", label="good",
        original=f"a lovely one {i}", rewritten=(text or f"a lvoely one {i}") if fell else None,
        predicted_before="good", predicted_after="bad" if fell else None, probability_before=0.9, queries=9, words=4,
        person=i if person is None else person,
    )  # fmt: skip


def attack(rewrites: list[Rewrite], recipe: str = RECIPE, *, rate: bool = True) -> Evidence:
    """The evidence of an attack on these texts, its rate over people as the probe counts it."""
    fell = np.array([one.outcome == "succeeded" for one in rewrites])
    people = People(np.array([one.person for one in rewrites]))
    interval = proportion_interval(fell, people, rng=np.random.default_rng(0), replicates=400)
    measured = Measurement(
        name="robustness.attack_success_rate", value=float(fell.mean()), unit="proportion", better="lower",
        n=people.size, interval=interval, where={"recipe": recipe},
    )  # fmt: skip
    return Evidence(
        probe="robustness.attack@1", params={"recipe": recipe}, seed=0, seconds=1.0,
        result=Measured(measurements=(measured,) if rate else (), exhibits=tuple(rewrites)),
    )  # fmt: skip


def record(*evidence: Evidence) -> AuditRecord:
    return AuditRecord(
        model=ModelCard(
            name="m", digest="0" * 64, files={}, architecture="A", base=None, task="text-classification",
            labels=("bad", "good"), max_length=None, parameters=1, bytes=4,
        ),
        training=None,
        corpus=CorpusCard(
            name="c", digest="1" * 64, source="s", licence="l", split="all", n=100, people=100,
            labels={"bad": 50, "good": 50}, groups={},
        ),
        environment=Environment(
            python="3.11", platform="p", device="cpu", processor="x", threads=1, versions={}, code="0"
        ),
        audit=AuditSettings(
            seed=0, profile="quick", split="all", limit=None, decision=Decision(), positive_label="good", label_map={},
            precision="float32", policy="default", policy_digest="2" * 64, date="2026-01-01", ledger_count=1,
        ),
        evidence=evidence,
    )  # fmt: skip


def whole(fell: int = 20, of: int = 30) -> AuditRecord:
    return record(attack([rewrite(i, i < fell) for i in range(of)]))


Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Write a saved sheet with answers, row by row; an answer may name its judge and comment."""

    def make(rewrites: tuple[Rewrite, ...], *answers: str, name: str = "rewrites.csv", judge: str = "") -> Path:
        rows = list(csv.reader(io.StringIO(sheet(rewrites).removeprefix("\ufeff"), newline="")))
        for row, answer in zip(rows[1:], answers, strict=False):
            row[5:7] = answer, judge
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        return tmp_path / name

    return make


def valid(held: AuditRecord, recipe: str = RECIPE) -> Measurement | None:
    return held.find("robustness.valid_success_rate", recipe=recipe)


def notes(held: AuditRecord) -> str:
    return " ".join(one.text for evidence, one in held.exhibits("note") if isinstance(one, Note))


def judged(held: AuditRecord) -> list[JudgedRewrite]:
    return [one for _, one in held.exhibits("judged_rewrite") if isinstance(one, JudgedRewrite)]


# --- The sample ------------------------------------------------------------------------------------------------------


def test_the_sample_is_of_successes_repeatable_and_another_by_another_seed() -> None:
    held = whole()
    one, again, other = (draw(held, examples=8, seed=seed) for seed in (0, 0, 1))
    assert one == again != other
    assert len({each.example for each in one}) == 8
    assert all(each.outcome == "succeeded" for each in one)
    more = draw(held, examples=12, seed=0)
    assert more[:8] == one, "more of the same seed go on where fewer stopped"


def test_the_sample_does_not_depend_on_the_order_in_the_record() -> None:
    rewrites = [rewrite(i) for i in range(20)]
    assert draw(record(attack(rewrites)), examples=5, seed=0) == draw(
        record(attack(rewrites[::-1])), examples=5, seed=0
    )


def test_every_success_is_drawn_equally_often() -> None:
    held = whole(fell=10, of=10)
    counts = np.zeros(10)
    for seed in range(400):
        for one in draw(held, examples=3, seed=seed):
            counts[int(one.example[1:])] += 1
    # 120 times each is expected; the standard deviation is 9.2.
    assert np.abs(counts - 120).max() < 40


def test_recipes_take_turns_so_that_a_start_is_a_sample_of_each() -> None:
    held = record(
        attack([rewrite(i) for i in range(10)]),
        attack([rewrite(i, recipe="other@1") for i in range(3)], "other@1"),
    )
    drawn = draw(held, examples=5, seed=0)
    assert [one.recipe for one in drawn] == [RECIPE, "other@1"] * 3 + [RECIPE] * 2


def test_nothing_to_draw() -> None:
    with pytest.raises(EmptyData, match="no successful rewrite"):
        draw(whole(fell=0), examples=5, seed=0)
    with pytest.raises(Misconfigured, match="--examples"):
        draw(whole(), examples=0, seed=0)


def test_nobody_is_asked_about_the_hashes_of_a_redacted_record(fill: Fill) -> None:
    held = whole()
    file = fill(draw(held, examples=3, seed=0), "yes")
    mark = Evidence(
        probe=REDACTION, params={}, seed=0, seconds=0.0, result=Measured(measurements=(), exhibits=(Note(text="x"),))
    )
    redacted = record(*held.evidence, mark)
    with pytest.raises(Misconfigured, match=r"this record is redacted.* use the whole one"):
        draw(redacted, examples=3, seed=0)
    with pytest.raises(Misconfigured, match="this record is redacted"):
        with_judgements(redacted, [read_sheet(file)])
    with pytest.raises(Misconfigured, match=r"this record is redacted.* use the whole one"):
        collect(redacted)


# --- The file --------------------------------------------------------------------------------------------------------

ODD = [
    "=1+1", "+49 30", "-lovely", "@home", "\tlovely", "\rlovely", "'=1+1", "''=1+1", "'lovely'", "'", "", "lovely, so",
    'a "lovely" one', "two\nlines", "two\r\nlines", "naïve 👗 שלום", "＝1", "lo\u200bvely", "a\x00b", ";a;b", "'tis so",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_cells_are_harmless_and_come_back(text: str) -> None:
    assert as_it_was(harmless(text)) == text
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_it_was(text) == text or text.startswith("'"), "a spreadsheet that drops the apostrophe does no harm"


def test_texts_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    odd = [text for text in ODD if text]
    rewrites = [rewrite(i, text=text) for i, text in enumerate(odd)]
    held = record(attack(rewrites))
    text = sheet(draw(held, examples=50, seed=0))
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert all(row[5:] == ["", "", ""] for row in rows[1:])
    for row in rows[1:]:
        row[5] = "yes"
    for name, encoding, end in (("bom", "utf-8-sig", "\r\n"), ("plain", "utf-8", "\n"), ("wide", "utf-16", "\r\n")):
        file = tmp_path / f"{name}.csv"
        with file.open("w", encoding=encoding, newline="") as opened:
            csv.writer(opened, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
        read = read_sheet(file)
        assert {row.example: row.rewritten for row in read.rows} == {f"e{i:03}": text for i, text in enumerate(odd)}
        assert with_judgements(held, [read]), "and they are recognised"


def test_white_space_at_the_end_of_an_id_belongs_to_it(fill: Fill) -> None:
    rewrites = [rewrite(i).model_copy(update={"example": name}) for i, name in enumerate(("e 1", "e 1 ", " e 1", "e"))]
    held = record(attack(rewrites))
    after = with_judgements(held, [read_sheet(fill(draw(held, examples=4, seed=0), *["yes"] * 4))])
    assert {one.example for one in judged(after)} == {"e 1", "e 1 ", " e 1", "e"}


def test_line_ends_that_a_spreadsheet_changed_are_no_change(fill: Fill) -> None:
    held = record(attack([rewrite(i, text=f"two\r\nlines {i}") for i in range(6)]))
    file = fill(draw(held, examples=6, seed=0), *["yes"] * 6)
    file.write_bytes(file.read_bytes().replace(b"two\r\nlines", b"two\nlines"))
    assert len(judged(with_judgements(held, [read_sheet(file)]))) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("yes", "maybe", 1), r"rewrites.csv, row 2: label_kept is 'maybe'; write yes, no or"),
        (lambda text: text.replace("yes", "").replace("no", ""), r"rewrites.csv: no row is judged"),
        (lambda text: text.replace("label_kept", "kept", 1), r"unknown judgement column 'label_kept' in rewrites.csv"),
        (lambda text: text.replace(",", ";"), r"separated by ';'"),
        (lambda text: text.replace("deepwordbug@1", "pwws@1", 1), r"row 2: no attack 'pwws@1' succeeded .*deepwordbug"),
        (
            lambda text: text.replace(",e0", ",x0", 1),
            r"row 2: deepwordbug@1 has no successful rewrite of an example 'x0",
        ),
        (lambda text: text.replace("lvoely", "lovely", 1), r"row 2: the rewritten text is not that of this audit"),
    ],
    ids=["answer", "none", "column", "separator", "recipe", "example", "text"],
)
def test_what_cannot_be_used_is_said_with_its_place(fill: Fill, change: Callable[[str], str], message: str) -> None:
    held = whole()
    file = fill(draw(held, examples=6, seed=0), "yes", "no", "yes", "yes", "yes")
    file.write_bytes(change(file.read_text(encoding="utf-8")).encode())
    with pytest.raises((BadInput, NotFound, EmptyData), match=message) as caught:
        with_judgements(held, [read_sheet(file)])
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read none.csv"):
        read_sheet(tmp_path / "none.csv")


def test_rows_without_an_answer_are_passed_over_whatever_else_they_say(fill: Fill) -> None:
    held = whole()
    file = fill(draw(held, examples=8, seed=0), "yes", " No ", "", "UNSURE", "yes", "yes")
    with file.open("a", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerow(["someone's", "own", "row", "", "", "", "", ""])
    assert [row.label_kept for row in read_sheet(file).rows] == ["yes", "no", "unsure", "yes", "yes"]


# --- The estimate ----------------------------------------------------------------------------------------------------


def test_the_rate_is_success_times_the_share_that_keeps_its_label(fill: Fill) -> None:
    held = whole(fell=20, of=30)
    file = fill(draw(held, examples=10, seed=0), *["yes"] * 6, *["no"] * 3, "unsure", judge="anna")
    done = with_judgements(held, [read_sheet(file)])
    one = valid(done)
    assert one is not None
    assert one.value == pytest.approx(20 / 30 * 6 / 10)
    assert one.n == 10
    assert one.interval == product_interval(20 / 30, wilson(20, 30), 0.6, wilson(6, 10))
    assert "people judged 10 of 20 rewrites" in notes(done)
    assert "Yes 6, no 3, unsure 1 (counted as not kept)" in notes(done)
    (evidence,) = [each for each in done.evidence if each.probe == NAME]
    assert (evidence.params["answers"], evidence.params["rewrites"], evidence.params["judges"]) == (10, 10, 1)
    assert evidence.params["files"][0].startswith("rewrites.csv, sha256 ")
    assert len(judged(done)) == 10
    assert {each.judge for held in judged(done) for each in held.judgements} == {"anna"}
    assert done.evidence[:-1] == held.evidence
    assert AuditRecord.model_validate_json(done.model_dump_json()) == done


def test_several_judges_count_by_their_share_and_their_agreement_is_told(fill: Fill) -> None:
    held = whole()
    drawn = draw(held, examples=5, seed=0)
    files = [
        fill(drawn, "yes", "yes", "no", "yes", "yes", name="anna.csv"),
        fill(drawn, "yes", "no", "no", name="ben.csv"),
        fill(drawn, "yes", "unsure", name="chen.csv"),
    ]
    done = with_judgements(held, [read_sheet(one) for one in files])
    one = valid(done)
    assert one is not None
    assert one.value == pytest.approx(20 / 30 * (1 + 1 / 3 + 0 + 1 + 1) / 5)
    # Three pairs on each of the first two, one on the third: 3 + 0 + 1 of 7 agree.
    assert "Several people judged 3 of them, whose share of yes counts: of 7 pairs of their answers 4 agree" in notes(
        done
    )
    assert {each.judge for held in judged(done) for each in held.judgements} == {"anna.csv", "ben.csv", "chen.csv"}


def test_nobody_answers_twice(fill: Fill) -> None:
    held = whole()
    drawn = draw(held, examples=5, seed=0)
    one, two = (fill(drawn, "yes", name=name, judge="anna") for name in ("one.csv", "two.csv"))
    with pytest.raises(BadInput, match=r"two.csv, row 2: 'anna' has judged this rewrite already"):
        with_judgements(held, [read_sheet(one), read_sheet(two)])


def test_applying_again_replaces(fill: Fill) -> None:
    held = whole()
    drawn = draw(held, examples=6, seed=0)
    first = with_judgements(held, [read_sheet(fill(drawn, *["yes"] * 6))])
    second = with_judgements(first, [read_sheet(fill(drawn, *["no"] * 5))])
    assert len([one for one in second.evidence if one.probe == NAME]) == 1
    one = valid(second)
    assert one is not None
    assert one.value == 0
    assert one.interval is not None
    assert one.interval.low == 0 < one.interval.high
    assert len(judged(second)) == 5


def test_too_few_are_left_out_and_the_note_says_why(fill: Fill) -> None:
    held = whole()
    done = with_judgements(held, [read_sheet(fill(draw(held, examples=9, seed=0), *["yes"] * (FEWEST - 1)))])
    assert valid(done) is None
    assert "valid_success_rate is not given for deepwordbug@1: 4 of its 20 rewrites" in notes(done)
    assert len(judged(done)) == 4, "what was said stays"


def test_all_of_a_few_are_enough(fill: Fill) -> None:
    held = whole(fell=2)
    one = valid(with_judgements(held, [read_sheet(fill(draw(held, examples=9, seed=0), "yes", "no"))]))
    assert one is not None
    assert (one.value, one.n) == (1 / 30, 2)


def test_recipes_are_told_apart(fill: Fill) -> None:
    held = record(
        attack([rewrite(i, i < 8) for i in range(12)]),
        attack([rewrite(i, False, "none@1") for i in range(12)], "none@1"),
        attack([rewrite(i, i < 3, "few@1") for i in range(12)], "few@1"),
        attack([rewrite(i, False, "blind@1") for i in range(12)], "blind@1", rate=False),
        Evidence(
            probe="robustness.attack@1", params={"recipe": "absent@1"}, seed=0, seconds=0.0,
            result=NotApplicable(reason="no WordNet"),
        ),
    )  # fmt: skip
    drawn = tuple(one for one in draw(held, examples=9, seed=0) if one.recipe == RECIPE)
    done = with_judgements(held, [read_sheet(fill(drawn, *["yes"] * 8))])
    mine, none = valid(done), valid(done, "none@1")
    assert mine is not None
    assert mine.value == 8 / 12
    assert none is not None, "where nothing fell, nothing fell to a valid rewrite"
    assert (none.value, none.interval) == (0, wilson(0, 12))
    assert valid(done, "few@1") is valid(done, "blind@1") is valid(done, "absent@1") is None
    for name, why in (
        ("few", "0 of its 3"),
        ("blind", "its attack success rate"),
        ("absent", "the attack did not run"),
    ):
        assert f"valid_success_rate is not given for {name}@1: {why}" in notes(done)


def test_people_with_several_texts_are_drawn_whole(fill: Fill) -> None:
    rewrites = [rewrite(i, i % 3 > 0, person=i // 4) for i in range(80)]
    held = record(attack(rewrites))
    drawn = draw(held, examples=50, seed=0)
    file = fill(drawn, *("yes" if one.person % 2 else "no" for one in drawn))
    one = valid(with_judgements(held, [read_sheet(file)]))
    assert one is not None
    assert one.interval is not None
    assert one.n == 20
    assert "over people" in one.interval.method
    plain = product_interval(53 / 80, wilson(53, 80), 0.5, wilson(25, 50))
    assert one.interval.high - one.interval.low > plain.high - plain.low, "a person's texts are judged alike"


def test_an_older_record_that_does_not_say_whose_texts_are_whose(fill: Fill) -> None:
    def older(people: int) -> AuditRecord:
        held = record(attack([rewrite(i, person=i % people) for i in range(30)]))
        exhibits = tuple(
            one.model_copy(update={"person": None})
            for one in held.evidence[0].result.exhibits  # type: ignore[union-attr]
        )
        result = held.evidence[0].result.model_copy(update={"exhibits": exhibits})
        return held.model_copy(update={"evidence": (held.evidence[0].model_copy(update={"result": result}),)})

    one_each, shared = older(30), older(15)
    file = fill(draw(one_each, examples=9, seed=0), *["yes"] * 9)
    assert valid(with_judgements(one_each, [read_sheet(file)])) is not None
    done = with_judgements(shared, [read_sheet(file)])
    assert valid(done) is None
    assert "audit again to have it say so" in notes(done)


@pytest.mark.parametrize("texts", [1, 3])
def test_the_interval_covers(fill: Fill, texts: int) -> None:
    """Simulated from people to interval: how often does it hold the true share?"""
    draws, n, judge, hits, runs = np.random.default_rng(5), 40, 15, 0, 300
    for run in range(runs):
        # Some people's texts fall, and keep their label, more easily: mean chances 0.7 and 0.6, true share 0.42.
        falls = draws.beta(7, 3, size=n) if texts > 1 else np.full(n, 0.7)
        keeps = draws.beta(6, 4, size=n) if texts > 1 else np.full(n, 0.6)
        fell = draws.random((n, texts)) < falls[:, None]
        kept = draws.random((n, texts)) < keeps[:, None]
        rewrites = [rewrite(i * texts + j, bool(fell[i, j]), person=i) for i in range(n) for j in range(texts)]
        held = record(attack(rewrites))
        sample = draw(held, examples=judge, seed=run)
        answers = ["yes" if kept[divmod(int(one.example[1:]), texts)] else "no" for one in sample]
        one = valid(with_judgements(held, [read_sheet(fill(sample, *answers))]))
        assert one is not None
        assert one.interval is not None
        hits += one.interval.low <= 0.42 <= one.interval.high
    assert 0.92 <= hits / runs <= 0.99


# --- What the next model is asked about ------------------------------------------------------------------------------


def test_rewrites_that_people_judged_to_have_lost_their_label_are_no_cases(fill: Fill) -> None:
    held = whole(fell=6)
    drawn = draw(held, examples=6, seed=0)
    anna = fill(drawn, "no", "no", "no", "yes", "unsure", name="anna.csv", judge="anna")
    ben = fill(drawn, "no", "yes", "unsure", "no", name="ben.csv", judge="ben")
    after = with_judgements(held, [read_sheet(anna), read_sheet(ben)])
    before, found = collect(held), collect(after)
    assert (len(before.held.cases), before.left_out) == (6, 0)
    # Two of two say no; one each; no and unsure; one each; unsure; nobody asked.
    lost = {drawn[0].rewritten, drawn[2].rewritten}
    assert found.left_out == 2
    assert {case.text for case in found.held.cases} == {one.rewritten for one in drawn} - lost
    assert found.held.model_copy(update={"cases": before.held.cases}) == before.held


def test_a_judged_rewrite_of_another_attack_stays(fill: Fill) -> None:
    """The same example fell to two attacks; only one of the rewrites lost its label."""
    other = "pwws@1"
    held = record(attack([rewrite(0), rewrite(1)]), attack([rewrite(0, recipe=other, text="x")], other))
    (one,) = [row for row in draw(held, examples=9, seed=0) if row.recipe == other]
    found = collect(with_judgements(held, [read_sheet(fill((one,), "no"))]))
    assert ([case.behaviour for case in found.held.cases], found.left_out) == (["attack deepwordbug@1"] * 2, 1)


def test_where_no_case_is_left_that_is_said(fill: Fill) -> None:
    held = whole(fell=3)
    after = with_judgements(held, [read_sheet(fill(draw(held, examples=3, seed=0), "no", "no", "no"))])
    with pytest.raises(EmptyData, match="people judged all of its 3 successful rewrites to have lost their label"):
        collect(after)
