"""A model and a data file that the workbench has never seen, audited with one command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

import workbench
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus
from workbench.data.sources import Columns, load_corpus
from workbench.evidence.exhibits import Confusion
from workbench.evidence.record import AuditRecord, Failed, stable
from workbench.results import read_record

pytestmark = pytest.mark.slow

Command = Callable[..., object]
OPTIONS = (
    "--text-column", "comment", "--label-column", "sentiment", "--group-column", "age", "--group-column", "department",
)  # fmt: skip
LIMIT = 40
COLUMNS = Columns(text=("comment",), label="sentiment", groups=("age", "department"))


@pytest.fixture(scope="module")
def report(trainer_checkpoint: Path, own_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that one command wrote."""
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("reports") / "mine"
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "audit",
        trainer_checkpoint,
        "--data",
        own_csv,
        *OPTIONS,
        "--out",
        out,
    ]
    done = subprocess.run(
        [*map(str, command), "--limit", str(LIMIT)], capture_output=True, text=True, timeout=550, check=False
    )
    assert done.returncode in {0, 1, 3}, done.stdout + done.stderr
    assert "Verdict:" in done.stdout
    assert "Traceback" not in done.stderr
    return out


@pytest.fixture(scope="module")
def record(report: Path) -> AuditRecord:
    return read_record(report)


def test_one_command_makes_a_report(report: Path, record: AuditRecord) -> None:
    assert {"index.html", "audit.json", "predictions.parquet"} <= {path.name for path in report.iterdir()}
    assert not list(report.glob("audit.sqlite*")), "a finished audit leaves no working file"
    assert record.model.labels == ("bad", "mixed", "good")
    assert record.corpus.n == LIMIT
    assert set(record.corpus.groups) == {"age", "department"}
    assert record.training is None
    failed = [evidence for evidence in record.evidence if isinstance(evidence.result, Failed)]
    assert not failed, failed
    html = (report / "index.html").read_text(encoding="utf-8")
    assert record.model.digest[:12] in html


def test_figures_agree_with_scikit_learn_on_the_stored_predictions(report: Path, record: AuditRecord) -> None:
    table = parquet.read_table(report / "predictions.parquet").to_pandas()
    labels = list(record.model.labels)
    probabilities = table[[f"probability of {label}" for label in labels]].to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(table)), abs=1e-9)
    assert (table["decided"] == np.array(labels)[probabilities.argmax(axis=1)]).all()

    def value(name: str, **where: str) -> float:
        found = record.find(name, **where)
        assert found is not None, name
        assert found.interval is not None
        assert found.interval.low <= found.value <= found.interval.high
        return found.value

    assert value("performance.accuracy") == pytest.approx(accuracy_score(table["label"], table["decided"]), abs=1e-12)
    macro = f1_score(table["label"], table["decided"], average="macro", labels=labels, zero_division=0)
    assert value("performance.macro_f1") == pytest.approx(macro, abs=1e-12)
    loss = log_loss([labels.index(label) for label in table["label"]], probabilities, labels=range(3))
    assert value("performance.log_loss") == pytest.approx(loss, abs=1e-9)
    confusion = next(exhibit for _, exhibit in record.exhibits("confusion") if isinstance(exhibit, Confusion))
    assert np.array_equal(confusion.counts, confusion_matrix(table["label"], table["decided"], labels=labels))


@pytest.fixture
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the probes that ask a real model most: one audit of this module has run them."""
    dear = {f"explanations.{name}@1" for name in ("quality", "stability", "sanity", "cost", "overview")}
    monkeypatch.setitem(PROFILES, "quick", tuple(one for one in PROFILES["quick"] if one[0] not in dear))


def test_neither_another_process_nor_another_row_order_changes_a_measurement(
    record: AuditRecord, trainer_checkpoint: Path, own_csv: Path, tmp_path: Path, shorter: None
) -> None:
    shuffled = tmp_path / own_csv.name
    pd.read_csv(own_csv, keep_default_na=False).sample(frac=1, random_state=1).to_csv(shuffled, index=False)
    again = workbench.audit(trainer_checkpoint, shuffled, columns=COLUMNS, limit=LIMIT, out=tmp_path / "again")
    assert again.record.corpus.digest == record.corpus.digest
    mine, theirs = stable(again.record), stable(record)
    run = {one["probe"] for one in mine["evidence"]}
    assert len(run) > 10
    theirs["evidence"] = [one for one in theirs["evidence"] if one["probe"] in run]
    mine["corpus"]["source"] = theirs["corpus"]["source"]  # the shuffled file is another file
    assert mine == theirs


def test_a_transformers_4_checkpoint_and_integer_labels(
    transformers_4_checkpoint: Path, own_csv: Path, tmp_path: Path, shorter: None
) -> None:
    table = pd.read_csv(own_csv, keep_default_na=False)
    table["sentiment"] = table["sentiment"].map({"bad": 0, "mixed": 1, "good": 2})
    table.to_csv(tmp_path / "integers.csv", index=False)
    corpus = load_corpus(str(tmp_path / "integers.csv"), columns=COLUMNS)
    assert isinstance(corpus, Corpus)
    audited = workbench.audit(transformers_4_checkpoint, corpus, limit=20, out=tmp_path / "out")
    assert audited.record.model.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert audited.record.corpus.labels.keys() == {"LABEL_0", "LABEL_1", "LABEL_2"}
    assert not [e for e in audited.record.evidence if isinstance(e.result, Failed)]


def test_the_report_is_rendered_again_without_torch(report: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    script = f"""
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {{'torch', 'transformers', 'accelerate', 'captum', 'textattack'}}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)

sys.meta_path.insert(0, Absent())
from workbench.cli import app
app(['report', {str(report)!r}, '--out', {str(tmp_path / "again.html")!r}], standalone_mode=False)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_bytes() == (report / "index.html").read_bytes()


def test_results_show_themselves_in_a_notebook(report: Path, trainer_checkpoint: Path) -> None:
    explanation = workbench.explain(trainer_checkpoint, "A lovely dress <script>alert(1)</script>")
    shown = explanation._repr_html_()
    assert "lovely" in shown
    assert "<script>alert" not in shown
    findings = workbench.judge(report)
    assert json.loads((report / "audit.json").read_text(encoding="utf-8"))["findings"] == [
        finding.model_dump(mode="json") for finding in findings
    ]
