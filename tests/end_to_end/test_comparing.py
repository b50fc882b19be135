"""Audits side by side: changes are those of their definition, and nothing is told apart that is not."""

from __future__ import annotations

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
from workbench.models.linear import LinearTextClassifier
from workbench.report.comparison import render_comparison

GOOD = {"good": 3.0, "bad": -3.0}
PROBES = (("performance.classification@1", {"replicates": 200}), ("robustness.attack@1", {"examples": 30}))
HOSTILE = "<script>alert(1)</script>"


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


def test_intervals_hold_together_over_all_pairs(audits: Path) -> None:
    one, two = (compare(audits / "base", *others).sides[0] for others in (
        [audits / "worse"], [audits / "worse", audits / "same"],
    ))  # fmt: skip
    single, several = (
        next(c.interval for c in side.changes if c.name == "performance.accuracy") for side in (one, two)
    )
    assert single is not None
    assert several is not None
    assert single.level == pytest.approx(1 - 0.05 / 3)
    assert several.level == pytest.approx(1 - 0.05 / 6)


def test_the_same_model_is_not_told_apart_and_no_interval_is_without_width(audits: Path) -> None:
    (side,) = compare(audits / "base", audits / "same").sides
    assert {one.word for one in side.changes} == {"undecided"}
    assert (side.failing, side.mended) == ((), 0)
    assert all(one.interval.low < 0 < one.interval.high for one in side.changes if one.interval is not None)


def test_other_data_are_refused(audits: Path) -> None:
    with pytest.raises(Misconfigured, match="audit of other data than the base's"):
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
