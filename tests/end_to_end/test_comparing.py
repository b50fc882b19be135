"""Audits side by side: changes are those of their definition, and nothing is told apart that is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from sklearn.metrics import roc_auc_score

import workbench as wb
from workbench.audit.profiles import PROFILES
from workbench.comparing import compare
from workbench.data.corpus import Corpus, Example
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import VOLATILE, Evidence, Failed, Measured, NotApplicable
from workbench.models.linear import LinearTextClassifier
from workbench.report.compare import comparison_json
from workbench.report.comparison import render_comparison
from workbench.results import read_record, record_json

GOOD = {"good": 3.0, "bad": -3.0}
PROBES = (("performance.classification@1", {"replicates": 200}), ("robustness.attack@1", {"examples": 30}))
HOSTILE = "<script>alert(1)</script>"
UNDER = "robustness.accuracy_under_attack"


def corpus(n: int = 400, name: str = "toy") -> Corpus:
    rng = np.random.default_rng(0)
    words = ["good" if i % 2 else "bad" for i in range(n)]
    texts = [f"it is {word} {'truly' if rng.random() < 0.5 else 'so'} number {i}" for i, word in enumerate(words)]
    labels = [("yes" if word == "good" else "no") for word in words]
    rows = zip(texts, labels, strict=True)
    return Corpus(
        tuple(Example(f"e{i:03d}", f"p{i}", text, label) for i, (text, label) in enumerate(rows)),
        ("no", "yes"),
        name,
        "made in the test",
    )


def model(weights: dict[str, float], name: str) -> LinearTextClassifier:
    return LinearTextClassifier.binary(weights, labels=("no", "yes"), name=name)


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A right model; one that is wrong on 'truly' under 'bad'; the right one once more."""
    folder = tmp_path_factory.mktemp("audits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "quick", PROBES)
        for name, weights in (("base", GOOD), ("worse", {**GOOD, "truly": 4.0}), ("same", GOOD)):
            wb.audit(model(weights, name if name != "same" else HOSTILE), corpus(), out=folder / name)
        wb.audit(model(GOOD, "elsewhere"), corpus(300), out=folder / "elsewhere")
    return folder


def test_a_worse_model_is_told_pair_by_pair(audits: Path) -> None:
    found = compare(audits / "base", audits / "worse")
    (side,) = found.sides
    by = {one.name: one for one in side.changes}
    tables = [parquet.read_table(audits / name / "predictions.parquet").to_pandas() for name in ("base", "worse")]
    right = [(table["decided"] == table["label"]).to_numpy() for table in tables]
    accuracy = by["performance.accuracy"]
    assert accuracy.change == pytest.approx(right[1].mean() - right[0].mean(), abs=1e-12)
    assert accuracy.word == "worse"
    assert accuracy.interval is not None
    assert accuracy.interval.low < accuracy.change < accuracy.interval.high < 0
    assert {one.example for one in side.failing} == set(tables[0]["id"][right[0] & ~right[1]])
    assert side.mended == (~right[0] & right[1]).sum() == 0
    auc = by["performance.roc_auc"]
    truth = tables[0]["label"] == "yes"
    expected = [roc_auc_score(truth, table["probability of yes"]) for table in tables]
    assert auc.change == pytest.approx(expected[1] - expected[0], abs=1e-12)
    assert side.changes[0].word == "worse", "what became worse is told first"
    assert found.pairs == 3, "accuracy, ROC-AUC, accuracy under one attack"


def test_with_more_labels_the_ranking_of_all_of_them_is_compared(tmp_path: Path) -> None:
    """The positive label stays as well ranked as it was, the two others do not: what the records say is compared."""
    rng, labels = np.random.default_rng(0), ("bad", "fair", "good")
    words = [labels[i] for i in rng.integers(0, 3, 240)]
    true = [word if rng.random() < 0.9 else labels[rng.integers(3)] for word in words]
    rows = enumerate(zip(words, true, strict=True))
    held = Corpus(
        tuple(Example(f"e{i:03d}", f"p{i}", f"it is {word} number {i}", label) for i, (word, label) in rows),
        labels, "three", "made in the test", positive_label="good",
    )  # fmt: skip
    apart = {"bad": (3, 0, 0), "fair": (0, 3, 0), "good": (0, 0, 3)}
    mixed = {**apart, "bad": (1, 1, 0), "fair": (1, 1, 0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "quick", PROBES[:1])
        for name, weights in (("base", apart), ("mixed", mixed)):
            wb.audit(LinearTextClassifier(weights, labels, name=name), held, out=tmp_path / name)
    (side,) = compare(tmp_path / "base", tmp_path / "mixed").sides
    (ranking,) = [one for one in side.changes if one.name == "performance.roc_auc" and not one.where]
    told = [read_record(tmp_path / name).find("performance.roc_auc").value for name in ("base", "mixed")]
    assert told[0] > told[1] + 0.1, "else this shows nothing"
    assert (ranking.before, ranking.after) == (pytest.approx(told[0]), pytest.approx(told[1]))
    assert (ranking.word, ranking.paired) == ("worse", True)


def test_intervals_hold_together_over_all_pairs(audits: Path) -> None:
    one, two = (compare(audits / "base", *others).sides[0] for others in (
        [audits / "worse"], [audits / "worse", audits / "same"],
    ))  # fmt: skip
    single, several = (
        next(c.interval for c in side.changes if c.name == "performance.accuracy") for side in (one, two)
    )
    assert single is not None
    assert several is not None
    assert single.method.startswith("Tango")
    assert single.level == pytest.approx(1 - 0.05 / 3)
    assert several.level == pytest.approx(1 - 0.05 / 6)


def test_the_same_model_is_not_told_apart_and_no_interval_is_without_width(audits: Path) -> None:
    (side,) = compare(audits / "base", audits / "same").sides
    assert {one.word for one in side.changes} == {"undecided"}
    assert (side.failing, side.mended) == ((), 0)
    assert all(one.interval.low < 0 < one.interval.high for one in side.changes if one.interval is not None)


def test_other_data_are_refused(audits: Path) -> None:
    with pytest.raises(Misconfigured, match="an audit of other examples of the same data"):
        compare(audits / "base", audits / "elsewhere")
    with pytest.raises(Misconfigured, match="at least one other"):
        compare(audits / "base")
    with pytest.raises(NotFound):
        compare(audits / "base", audits / "nowhere")


def test_without_predictions_nothing_is_paired_and_that_is_said(audits: Path, tmp_path: Path) -> None:
    shutil.copytree(audits / "worse", tmp_path / "bare")
    (tmp_path / "bare" / "predictions.parquet").unlink()
    (side,) = compare(audits / "base", tmp_path / "bare").sides
    assert "predictions.parquet is missing" in side.notes[0]
    accuracy = next(one for one in side.changes if one.name == "performance.accuracy")
    assert (accuracy.interval, accuracy.word) == (None, "worse"), "the two intervals do not meet"
    (tmp_path / "bare" / "predictions.parquet").write_bytes(b"half a fi")
    with pytest.raises(BadInput, match=r"cannot read .*predictions.parquet"):
        compare(audits / "base", tmp_path / "bare")


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, audited four times: with few queries, with another seed, by another rule, and twice alike."""
    folder = tmp_path_factory.mktemp("unlike")
    weak, cost = {"good": 1.0, "bad": -1.0}, ("performance.cost@1", {"calls": 20})
    with pytest.MonkeyPatch.context() as patch:
        for name, queries, more in (
            ("once", 300, {}),
            ("again", 300, {}),
            ("few", 2, {}),
            ("seed", 300, {"seed": 7}),
            ("rule", 300, {"threshold": 0.99}),
        ):
            attack = ("robustness.attack@1", {"examples": 30, "query_budget": queries})
            patch.setitem(PROFILES, "quick", (PROBES[0], attack, cost))
            wb.audit(model(weak, name), corpus(), out=folder / name, **more)
    return folder


def test_an_attack_with_fewer_queries_is_not_taken_for_a_stronger_model(unlike: Path) -> None:
    rates = [read_record(unlike / name).find(UNDER, recipe="deepwordbug@1") for name in ("once", "few")]
    assert rates[1].value > rates[0].value + 0.3, "else this shows nothing"
    (side,) = compare(unlike / "once", unlike / "few").sides
    assert not [one for one in side.changes if one.name.startswith("robustness.")]
    (note,) = [one for one in side.notes if "in another way" in one]
    assert f"{UNDER} deepwordbug@1" in note
    page = render_comparison(compare(unlike / "once", unlike / "few", unlike / "again"))
    assert "itself: measured in another way" in page
    (paired,) = [one for one in compare(unlike / "once", unlike / "again").sides[0].changes if one.name == UNDER]
    assert paired.n == 30


def test_an_unchanged_model_audited_again_is_not_worse(unlike: Path) -> None:
    (side,) = compare(unlike / "once", unlike / "again").sides
    assert {one.word for one in side.changes} <= {"undecided", "other"}
    assert {one.name for one in side.changes if one.word == "other"} <= set(VOLATILE)
    assert "cost.peak_memory" in {one.name for one in side.changes}


def test_another_seed_and_another_rule_are_said(unlike: Path) -> None:
    notes = {name: compare(unlike / "once", unlike / name).sides[0].notes for name in ("again", "seed", "rule")}
    assert not [one for one in notes["again"] if "differ in" in one]
    assert [one for one in notes["seed"] if "differ in seed: 0 in the base's, 7 in this one" in one]
    assert [one for one in notes["rule"] if "decision rule: argmax in the base's, threshold 0.99" in one]


def test_predictions_of_another_audit_are_refused(unlike: Path, tmp_path: Path) -> None:
    shutil.copytree(unlike / "again", tmp_path / "mixed")
    shutil.copy(unlike / "rule" / "predictions.parquet", tmp_path / "mixed")
    with pytest.raises(BadInput, match=r"of another audit than the record beside it: 400 examples, 200 of them right"):
        compare(unlike / "once", tmp_path / "mixed")


def test_what_only_one_model_has_is_in_the_table_of_effects(audits: Path, tmp_path: Path) -> None:
    record = read_record(audits / "worse")
    claim = Measurement(
        name="privacy.epsilon", value=1.75, unit="", better="lower", n=400, interval=None, where={"unit": "example"}
    )
    more = Evidence(probe="privacy.statement@1", params={}, seed=0, seconds=0.0, result=Measured(measurements=(claim,)))
    (tmp_path / "private").mkdir()
    private = record.model_copy(update={"evidence": (*record.evidence, more)})
    (tmp_path / "private" / "audit.json").write_text(record_json(private), encoding="utf-8")
    page = render_comparison(compare(audits / "base", audits / "same", tmp_path / "private"))
    effects = page[page.index('id="effects"') : page.index('id="model-1"')]
    row = next(line for line in effects.split("<tr") if "psilon" in line)
    assert "1.75" in row
    assert "itself: the base has none" in row
    assert row.count("not measured") == 2


def changed(audits: Path, out: Path, change: Callable[[Evidence], Evidence | None]) -> Path:
    """The base's audit once more, with other evidence."""
    record = read_record(audits / "base")
    evidence = tuple(found for one in record.evidence if (found := change(one)) is not None)
    out.mkdir()
    (out / "audit.json").write_text(record_json(record.model_copy(update={"evidence": evidence})), encoding="utf-8")
    shutil.copy(audits / "base" / "predictions.parquet", out)
    return out


def without_recall(one: Evidence) -> Evidence:
    if not isinstance(one.result, Measured):
        return one
    kept = tuple(held for held in one.result.measurements if held.name != "performance.recall")
    return one.model_copy(update={"result": one.result.model_copy(update={"measurements": kept})})


def attacked(one: Evidence) -> bool:
    return one.probe == "robustness.attack@1"


@pytest.mark.parametrize(
    ("change", "lost", "why"),
    [
        (
            lambda one: one.model_copy(update={"result": Failed(error="OSError: boom")}) if attacked(one) else one,
            f"{UNDER} deepwordbug@1",
            "robustness.attack@1 crashed in this audit: OSError: boom",
        ),
        (
            lambda one: one.model_copy(update={"result": NotApplicable(reason="No.")}) if attacked(one) else one,
            f"{UNDER} deepwordbug@1",
            "robustness.attack@1 did not run in this audit: No.",
        ),
        (without_recall, "performance.recall yes", "could not be compared, missing here although asked for"),
    ],
    ids=["crashed", "did not run", "could not tell"],
)
def test_what_the_base_has_and_the_other_lost_is_no_good_news(
    workbench: Callable[..., object],
    audits: Path,
    tmp_path: Path,
    change: Callable[[Evidence], Evidence],
    lost: str,
    why: str,
) -> None:
    other = changed(audits, tmp_path / "other", change)
    found = compare(audits / "base", other)
    (side,) = found.sides
    assert {one.word for one in side.changes} == {"undecided"}
    assert lost in side.lacking
    assert any(why in note for note in side.notes)
    page = render_comparison(found)
    told = f"{len(side.lacking)} figures of the base could not be compared"
    assert f"Nothing is shown to be worse than the base, and {told}" in page
    assert json.loads(comparison_json(found))["models"][0]["lacking"] == list(side.lacking)
    done = workbench("compare", audits / "base", other, "--out", tmp_path / "c.html")
    assert done.returncode == 3
    assert told in done.stdout


def test_a_probe_that_crashed_in_the_base_leaves_nothing_to_compare_with(
    workbench: Callable[..., object], audits: Path, tmp_path: Path
) -> None:
    base = changed(
        audits,
        tmp_path / "crashed",
        lambda one: one.model_copy(update={"result": Failed(error="OSError: boom")}) if attacked(one) else one,
    )
    (side,) = compare(base, audits / "same").sides
    assert f"{UNDER} deepwordbug@1" in side.lacking
    assert "robustness.attack@1 crashed in the base's audit: OSError: boom" in side.notes
    assert workbench("compare", base, audits / "same", "--out", tmp_path / "c.html").returncode == 3


def test_a_gap_is_no_better_for_having_lost_a_group(audits: Path, tmp_path: Path) -> None:
    def gap(value: float, *left_out: str) -> Callable[[Evidence], Evidence]:
        interval = Interval(low=value - 0.02, high=value + 0.02, level=0.95, method="made up")
        one = Measurement(
            name="fairness.predictive_parity_difference",
            value=value,
            unit="proportion",
            better="lower",
            n=400,
            interval=interval,
            where={"attribute": "age"},
            left_out=left_out,
        )

        def put(held: Evidence) -> Evidence:
            if not isinstance(held.result, Measured) or attacked(held):
                return held
            found = (*held.result.measurements, one)
            return held.model_copy(update={"result": held.result.model_copy(update={"measurements": found})})

        return put

    large = changed(audits, tmp_path / "all", gap(0.5))
    small = changed(audits, tmp_path / "without", gap(0.05, "60+"))
    named = "fairness.predictive_parity_difference age"
    (side,) = compare(large, small).sides
    assert named in side.lacking
    assert not [one for one in side.changes if one.name == "fairness.predictive_parity_difference"]
    assert any("this audit leaves out groups that the base's did not" in note for note in side.notes)
    (side,) = compare(small, large).sides
    assert side.lacking == ()
    assert any("measured over groups that the base's audit left out" in note for note in side.notes)
    (side,) = compare(large, large).sides
    assert [one for one in side.changes if one.name == "fairness.predictive_parity_difference"]


def test_what_the_other_was_not_asked_for_is_said_and_costs_nothing(
    workbench: Callable[..., object], audits: Path, tmp_path: Path
) -> None:
    other = changed(audits, tmp_path / "other", lambda one: None if attacked(one) else one)
    found = compare(audits / "base", other)
    (side,) = found.sides
    assert side.lacking == ()
    assert side.unasked > 1
    assert any(f"{side.unasked} figures in the base's audit that this one was not asked for" in n for n in side.notes)
    assert f"{side.unasked} figures were not asked for" in render_comparison(found)
    assert workbench("compare", audits / "base", other, "--out", tmp_path / "c.html").returncode == 0


def test_page_is_pure_and_hostile_names_stay_text(audits: Path) -> None:
    found = compare(audits / "base", audits / "worse", audits / "same")
    page = render_comparison(found)
    assert page == render_comparison(compare(audits / "base", audits / "worse", audits / "same"))
    assert "<script" not in page
    assert "What each cost or gained" in page
    assert page.index("Worse than the base") < page.index("Nothing is shown to be worse")
    assert "Decided rightly by the base, wrongly now" in page


def test_command_writes_a_page_and_fails_where_something_is_worse(
    workbench: Callable[..., object], audits: Path, tmp_path: Path
) -> None:
    done = workbench("compare", audits / "base", audits / "worse", "--out", tmp_path / "c.html")
    assert done.returncode == 1
    assert "worse: Accuracy: -0." in done.stdout
    assert (tmp_path / "c.html").read_text().startswith("<!DOCTYPE html>") or "<!DOCTYPE html>" in (
        tmp_path / "c.html"
    ).read_text()
    assert workbench("compare", audits / "base", audits / "same", "--out", tmp_path / "d.html").returncode == 0
