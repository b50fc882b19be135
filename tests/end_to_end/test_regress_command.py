"""`workbench regress`: what an audit found is kept, asked again, and told by the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import workbench as wb
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier

Command = Callable[..., object]


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path) -> Path:
    """A finished audit of a model that hangs on addresses."""
    monkeypatch.setitem(PROFILES, "quick", (("robustness.behaviours@1", {"examples": 20}),))
    labels = load_checkpoint(tiny_checkpoint, device="cpu").labels
    texts = [f"a good dress number {i}" for i in range(20)]
    corpus = Corpus(
        tuple(Example(f"e{i}", f"p{i}", text, labels[i % 2]) for i, text in enumerate(texts)), labels, "toy", "here"
    )
    model = LinearTextClassifier.binary({"good": 2.0, "www": -9.0, "https": -9.0}, labels=labels)
    wb.audit(model, corpus, out=tmp_path / "out")
    return tmp_path / "out"


def test_cases_are_kept_and_asked_again(
    workbench: Command, audited: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.json"
    done = workbench("regress", "save", audited, "--out", cases)
    assert done.returncode == 0, done.stderr
    held = json.loads(cases.read_text())["cases"]
    assert {one["behaviour"] for one in held} == {"an address on the web"}
    assert f"{len(held)} cases" in done.stdout
    asked = workbench("regress", "run", cases, tiny_checkpoint, "--json")
    answers = json.loads(asked.stdout)
    assert len(answers) == len(held)
    assert asked.returncode == int(any(one["fails"] for one in answers))
    told = workbench("regress", "run", cases, tiny_checkpoint)
    assert f"{sum(one['fails'] for one in answers)} of {len(held)} cases still fail." in told.stdout


def test_what_cannot_be_read_is_said(workbench: Command, audited: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    missing = workbench("regress", "run", tmp_path / "none.json", tiny_checkpoint)
    assert missing.returncode == 2
    assert "regress save" in missing.stderr
    wrong = workbench("regress", "run", audited / "audit.json", tiny_checkpoint)
    assert wrong.returncode == 2
    assert "not a file of cases" in wrong.stderr


def test_the_recipes_are_listed(workbench: Command) -> None:
    done = workbench("attacks")
    assert done.returncode == 0
    assert "deepwordbug@1" in done.stdout
    assert "clare@1" in done.stdout


def test_behaviours_of_ones_own(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[[tests]]\nid = 'x'\nkind = 'invariance'\n")
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"a good one {i},{i % 2}\n" for i in range(20)))
    done = workbench(
        "audit", tiny_checkpoint, "--data", data, "--behaviours", tmp_path / "mine.toml", "--out", tmp_path / "o"
    )
    assert done.returncode == 2
    assert "exactly one of templates, change, swap and append" in done.stderr
