"""An audit with a baseline: the comparison is written beside the report, and one that cannot be made is no success."""

from __future__ import annotations

import html
import json
import re
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
from workbench.evidence.record import AuditRecord, Failed
from workbench.models.linear import LinearTextClassifier
from workbench.report.compare import comparison_json
from workbench.results import read_record, record_json
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
    assert "other examples of the same data (200 examples of “toy”" in " ".join(done.output.split())
    assert not (out / "comparison.html").exists()
    assert "Not compared with the baseline, the audit of “other” of 20" in first_screen(out)
    assert 'type="not_compared"' in (out / "junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("more", [(), ("--summary",)])
def test_a_baseline_whose_figures_are_lacking_is_no_success(audits, tmp_path, monkeypatch, more):
    shutil.copytree(audits / "worse", tmp_path / "crashed")
    record = read_record(audits / "worse")
    broken = record.evidence[0].model_copy(update={"result": Failed(error="RuntimeError: planted")})
    crashed = record.model_copy(update={"evidence": (broken,)})
    (tmp_path / "crashed" / "audit.json").write_text(record_json(crashed), encoding="utf-8")
    shutil.copytree(audits / "base", tmp_path / "base")
    (tmp_path / "low.toml").write_text(POLICY)
    done, out = audit(tmp_path, "crashed", tmp_path, monkeypatch, "--baseline", str(tmp_path / "base"), *more)
    assert done.exit_code == 3, done.output
    assert "of the base could not be compared" in " ".join(done.output.split())
    assert (out / "comparison.html").exists()


def first_screen(out: Path) -> str:
    """Return what the report in `out` shows before the section of requirements, as text."""
    page = (out / "index.html").read_text(encoding="utf-8")
    return html.unescape(page[page.index('<section id="verdict"') : page.index('<section id="requirements"')])


def of(record: AuditRecord, part: str, **changed: object) -> AuditRecord:
    return record.model_copy(update={part: getattr(record, part).model_copy(update=changed)})


@pytest.mark.parametrize(
    ("part", "changed", "told"),
    [
        (
            "corpus",
            {"digest": "e" * 64, "name": "else"},
            "other data (300 examples of “else”, split all, in the base's",
        ),
        ("corpus", {"digest": "e" * 64, "n": 7}, "other examples of the same data (7 examples of “toy”"),
        (
            "corpus",
            {"digest": "e" * 64, "split": "test"},
            "of the same data (300 examples of “toy”, split test, in the",
        ),
        ("corpus", {"digest": "e" * 64}, "but texts, labels, groups or people are not the same"),
        ("model", {"labels": ("no", "maybe")}, "other labels (no and maybe in the base's, no and yes in this one)"),
        ("audit", {"positive_label": "no"}, "other positive label (no in the base's, yes in this one)"),
    ],
    ids=str,
)
def test_the_report_says_why_there_is_no_comparison(audits, tmp_path, part, changed, told):
    """The baseline differs in one thing: report, section and file say in which, until there is a comparison."""
    out, base = shutil.copytree(audits / "worse", tmp_path / "out"), tmp_path / "base"
    base.mkdir()
    (base / "audit.json").write_text(record_json(of(read_record(audits / "base"), part, **changed)), encoding="utf-8")
    with pytest.raises(Misconfigured, match=re.escape(told)):
        write_comparison(out, base)
    screen = first_screen(out)
    assert "None: every requirement is met" not in screen
    assert "Not compared with the baseline, the audit of “base” of 20" in screen
    assert told in screen
    page = html.unescape((out / "index.html").read_text(encoding="utf-8"))
    section = page[page.index('<section id="comparison"') : page.index('<section id="cost"')]
    assert told in section
    assert "nothing here says whether the model became better or worse" in section
    assert page.count("audit.json and not_compared.json.") == 1
    assert write_comparison(out, audits / "base", policy=audits / "low.toml") is not None
    assert "Not compared" not in first_screen(out)
    assert not (out / "not_compared.json").exists()


def test_other_settings_are_told_on_the_first_screen(audits, tmp_path):
    out, base = shutil.copytree(audits / "worse", tmp_path / "out"), shutil.copytree(audits / "base", tmp_path / "base")
    write_comparison(out, base)
    assert "under other settings" not in first_screen(out), "the same settings"
    (base / "audit.json").write_text(record_json(of(read_record(base), "audit", seed=5)), encoding="utf-8")
    write_comparison(out, base)
    told = "The audits differ in seed: 5 in the base's, 0 in this one"
    assert told in first_screen(out)
    (side,) = json.loads((out / "comparison.json").read_text())["models"]
    assert [one[: len(told)] for one in side["settings"]] == [told]


def test_audits_without_a_figure_in_common_are_not_said_to_be_equal(audits, tmp_path):
    """An earlier audit of another profile, whose predictions are gone."""
    out, base = shutil.copytree(audits / "worse", tmp_path / "out"), shutil.copytree(audits / "base", tmp_path / "base")
    (base / "predictions.parquet").unlink()
    bare = read_record(base).model_copy(update={"evidence": (), "findings": ()})
    (base / "audit.json").write_text(record_json(bare), encoding="utf-8")
    with pytest.raises(Misconfigured, match="no figure was measured alike"):
        write_comparison(out, base)
    assert "no figure was measured alike" in first_screen(out)
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
