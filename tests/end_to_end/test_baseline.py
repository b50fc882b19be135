"""An audit with a baseline: the comparison is written beside the report, and one that cannot be made is no success."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench import verbs
from workbench.audit.profiles import PROFILES
from workbench.cli import app
from workbench.comparing import compare
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, NotFound
from workbench.models.linear import LinearTextClassifier
from workbench.report.compare import comparison_json
from workbench.verbs.comparing import require_baseline, write_comparison

GOOD = {"good": 3.0, "bad": -3.0}
POLICY = 'name = "low"\n[[criteria]]\nid = "a"\nmeasurement = "performance.accuracy"\nat_least = 0.1\nwhy = "any"\n'
PROBES = (("performance.classification@1", {"replicates": 200}),)


def corpus(n: int) -> Corpus:
    rng = np.random.default_rng(0)
    rows = [("good", "yes") if i % 2 else ("bad", "no") for i in range(n)]
    texts = [f"it is {word} {'truly' if rng.random() < 0.5 else 'so'} number {i}" for i, (word, _) in enumerate(rows)]
    examples = (
        Example(f"e{i:03d}", f"p{i}", text, label) for i, (text, (_, label)) in enumerate(zip(texts, rows, strict=True))
    )
    return Corpus(tuple(examples), ("no", "yes"), "toy", "made in the test")


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baseline")
    (folder / "low.toml").write_text(POLICY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "quick", PROBES)
        for name, weights, n in (("base", GOOD, 300), ("worse", {**GOOD, "truly": 4.0}, 300), ("other", GOOD, 200)):
            model = LinearTextClassifier.binary(weights, labels=("no", "yes"), name=name)
            wb.audit(model, corpus(n), out=folder / name, policy=folder / "low.toml")
    return folder


def audit(audits: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *more: str):
    """Run the command with an audit that is at hand in place of a new one."""
    out = tmp_path / "out"

    def at_hand(*_: object, **given: object):
        shutil.copytree(audits / name, out)
        record = wb.verbs.judging.read_record(out)
        return type("Done", (), {"record": record, "findings": record.findings, "verdict": "pass"})()

    monkeypatch.setattr(verbs, "audit", at_hand)
    given = ["audit", "model", "--data", "x.csv", "--out", str(out), "--policy", str(audits / "low.toml"), *more]
    return CliRunner().invoke(app, given), out


def test_the_comparison_lies_beside_the_report(audits, tmp_path, monkeypatch):
    done, out = audit(audits, "worse", tmp_path, monkeypatch, "--baseline", str(audits / "base"))
    assert done.exit_code == 0, done.output
    found = json.loads((out / "comparison.json").read_text())
    (side,) = found["models"]
    accuracy = next(one for one in side["changes"] if one["name"] == "performance.accuracy")
    expected = compare(audits / "base", audits / "worse").sides[0]
    assert accuracy["change"] == next(c.change for c in expected.changes if c.name == "performance.accuracy") < 0
    assert (accuracy["word"], accuracy["paired"]) == ("worse", True)
    assert len(side["newly_failing"]) == len(expected.failing) > 50, "all of them, where the page shows fifty"
    assert "50 of" in (out / "comparison.html").read_text()
    assert 'href="comparison.html"' in (out / "index.html").read_text()
    assert "worse: Accuracy" in done.output


def test_a_baseline_of_other_data_is_no_success(audits, tmp_path, monkeypatch):
    done, out = audit(audits, "worse", tmp_path, monkeypatch, "--baseline", str(audits / "other"))
    assert done.exit_code == 3
    assert "no comparison with the baseline" in done.output
    assert "other data" in done.output
    assert not (out / "comparison.html").exists()


def test_a_bad_baseline_is_refused_before_the_audit(audits, tmp_path):
    with pytest.raises(NotFound):
        require_baseline(tmp_path, tmp_path / "out")
    for same in (audits / "base", audits / "base" / "audit.json"):
        with pytest.raises(Misconfigured, match="replace its own baseline"):
            require_baseline(same, audits / "other" / ".." / "base")


def test_an_earlier_comparison_goes_with_its_audit(audits, tmp_path):
    shutil.copytree(audits / "worse", tmp_path / "out")
    assert write_comparison(tmp_path / "out", audits / "base", policy=audits / "low.toml") is not None
    assert (tmp_path / "out" / "comparison.html").exists()
    assert write_comparison(tmp_path / "out", None) is None
    assert not (tmp_path / "out" / "comparison.html").exists()
    assert not (tmp_path / "out" / "comparison.json").exists()


def test_summary_is_one_line(audits, tmp_path, monkeypatch):
    done, _ = audit(audits, "base", tmp_path, monkeypatch, "--summary", "--baseline", str(audits / "base"))
    assert done.exit_code == 0
    (line,) = done.stdout.strip().splitlines()
    assert line == "workbench: pass: 1 pass (base on toy, policy low)"


def test_json_is_pure_and_strict(audits):
    found = compare(audits / "base", audits / "worse")
    told = comparison_json(found, found.base_findings)
    assert told == comparison_json(compare(audits / "base", audits / "worse"), found.base_findings)
    held = json.loads(told, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert held["base"]["digest"] == found.base.model.digest
    assert [one["criterion"] for one in held["base"]["findings"]] == [one.criterion for one in found.base_findings]
    assert all((one["interval"] is not None) == one["paired"] for one in held["models"][0]["changes"])
