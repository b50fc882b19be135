"""What `make demo` promises: a model that is good on held-out data, and a record that a stranger can check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, confusion_matrix, roc_auc_score

from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.evidence.exhibits import Confusion
from workbench.evidence.record import AuditRecord, Failed
from workbench.results import read_record

pytestmark = pytest.mark.demo

POSITIVE = "recommended"


@pytest.fixture(scope="module")
def folder(checkout: Path) -> Path:
    return checkout / "reports" / "demo"


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return read_record(folder)


@pytest.fixture(scope="module")
def predictions(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "predictions.parquet")


def value(record: AuditRecord, name: str, **where: str) -> float:
    found = record.find(name, **where)
    assert found is not None, name
    assert found.interval is not None
    assert found.interval.low <= found.value <= found.interval.high
    return found.value


def test_the_model_is_good_on_data_that_it_has_not_seen(record: AuditRecord) -> None:
    assert value(record, "performance.roc_auc") >= 0.93
    assert value(record, "performance.accuracy") >= 0.87
    assert record.corpus.split == "test"
    assert record.corpus.n == 2831
    assert record.corpus.in_training == 0
    assert record.training is not None
    assert record.training.corpus.n == 4000


def test_every_probe_ran(record: AuditRecord) -> None:
    assert not [evidence.probe for evidence in record.evidence if isinstance(evidence.result, Failed)]
    pillars = {measurement.name.split(".")[0] for _, measurement in record.measurements()}
    assert pillars == {"performance", "calibration", "cost", "robustness", "fairness", "explanations"}


def test_figures_agree_with_scikit_learn_on_the_stored_predictions(
    record: AuditRecord, predictions: pd.DataFrame
) -> None:
    truth = predictions["label"] == POSITIVE
    scores = predictions[f"probability of {POSITIVE}"]
    decided = predictions["decided"] == POSITIVE
    assert (decided == (scores > 0.5)).all()
    assert value(record, "performance.accuracy") == pytest.approx(accuracy_score(truth, decided), abs=1e-12)
    assert value(record, "performance.roc_auc") == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    average = average_precision_score(truth, scores)
    assert value(record, "performance.average_precision") == pytest.approx(average, abs=1e-12)
    assert value(record, "calibration.brier") == pytest.approx(brier_score_loss(truth, scores), abs=1e-12)
    confusion = next(exhibit for _, exhibit in record.exhibits("confusion") if isinstance(exhibit, Confusion))
    assert np.array_equal(confusion.counts, confusion_matrix(truth, decided))
    for group, rows in predictions.groupby("group age_band"):
        rate = (rows["decided"] == POSITIVE).mean()
        found = value(record, "fairness.selection_rate", attribute="age_band", group=str(group))
        assert found == pytest.approx(rate, abs=1e-12)


def test_the_predictions_are_of_the_corpus_that_the_record_names(
    record: AuditRecord, predictions: pd.DataFrame
) -> None:
    test = split(load_corpus("reviews"), "test")
    assert record.corpus.digest == test.digest
    labels = dict(zip(predictions["id"], predictions["label"], strict=True))
    assert labels == {example.id: example.label for example in test}


def test_the_report_is_one_small_page(folder: Path, record: AuditRecord) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 1_000_000
    assert record.model.digest[:12] in page
    assert "<script>alert" not in page
