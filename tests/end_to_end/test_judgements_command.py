"""`workbench judgements`: rewrites go to people as a file, and what they say comes back into record and report."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example
from workbench.evidence.record import stable
from workbench.models.linear import LinearTextClassifier
from workbench.results import read_record

Command = Callable[..., Any]
POLICY = """
name = "ours"
[[criteria]]
id = "valid"
measurement = "robustness.valid_success_rate"
where = { recipe = "*" }
at_most = 0.9
why = "Rewrites that keep their label must not decide."
"""


@pytest.fixture(scope="module")
def made(textattack: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished audit, by a policy of its own, of a model that hangs on one word; some texts look like formulas."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "ours.toml").write_text(POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "quick", (("robustness.attack@1", {"examples": 40}),))
        texts = [f"{'=-@'[i % 3]}SUM lovely dress number {i}" if i % 2 else f"a dull dress {i}" for i in range(40)]
        examples = tuple(Example(f"e{i}", f"p{i}", text, ("no", "yes")[i % 2]) for i, text in enumerate(texts))
        model = LinearTextClassifier.binary({"lovely": 4.0}, bias=-2.0, labels=("no", "yes"))
        corpus = Corpus(examples, ("no", "yes"), "toy", "made in the test")
        wb.audit(model, corpus, policy=folder / "ours.toml", out=folder / "report")
    return folder


@pytest.fixture
def audited(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "report", tmp_path / "report")
    shutil.copy(made / "ours.toml", tmp_path / "ours.toml")
    return tmp_path / "report"


def answer(path: Path, *answers: str, judge: str = "anna") -> Path:
    """Fill in a saved file as a spreadsheet would save it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][5:] == ["label_kept", "judge", "comment"]
    for row, given in zip(rows[1:], answers, strict=False):
        row[5:] = [given, judge, "=reads fine"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_from_the_audit_to_people_and_back(workbench: Command, audited: Path, tmp_path: Path) -> None:
    before, held = files_of(audited), read_record(audited)
    saved = workbench("judgements", "save", audited, "--out", tmp_path / "rewrites.csv", "--examples", "10")
    assert saved.returncode == 0, saved.stderr
    assert saved.stdout.count("\n") == 1
    assert "10 rewrites of 1 attack: " in saved.stdout
    assert f"workbench judgements apply {audited} {tmp_path / 'rewrites.csv'}" in saved.stdout
    sheet = (tmp_path / "rewrites.csv").read_text(encoding="utf-8-sig")
    assert "\"'=SUM " in sheet
    assert '"=' not in sheet
    file = answer(tmp_path / "rewrites.csv", *["yes"] * 7, "no", "unsure")
    done = workbench("judgements", "apply", audited, file, "--policy", tmp_path / "ours.toml")
    assert done.returncode == 0, done.stderr
    assert "Valid attack success rate under deepwordbug@1 is 0.389" in done.stdout  # 20 of 40 fell, 7 of 9 kept
    assert "Verdict: ✓ pass" in done.stdout
    after = read_record(audited)
    one = after.find("robustness.valid_success_rate", recipe="deepwordbug@1")
    assert one is not None
    assert (one.value, one.n) == (pytest.approx(20 / 40 * 7 / 9), 9)
    assert (after.audit, after.model, after.corpus, after.environment) == (
        held.audit,
        held.model,
        held.corpus,
        held.environment,
    )
    assert after.evidence[: len(held.evidence)] == held.evidence
    assert [finding.verdict for finding in held.findings] == ["not_established"]
    assert [finding.verdict for finding in after.findings] == ["pass"]
    page = (audited / "index.html").read_text(encoding="utf-8")
    assert page == wb.render(after)
    assert "anna: it keeps its label (“=reads fine”)" in page
    assert "Valid attack success rate" in page
    assert "Verdict: Not established" in before["model_card.md"].decode(), "else the next line shows nothing"
    assert "Verdict: Pass" in (audited / "model_card.md").read_text(encoding="utf-8")
    assert files_of(audited)["predictions.parquet"] == before["predictions.parquet"]
    assert set(files_of(audited)) == set(before), "no temporary file is left"
    judged = workbench("judge", audited, "--policy", tmp_path / "ours.toml")
    assert judged.returncode == 0
    assert "Valid attack success rate" in " ".join(judged.stdout.split())


def test_a_card_that_somebody_worked_on_is_put_aside_and_none_is_made_where_none_was(
    workbench: Command, audited: Path, tmp_path: Path
) -> None:
    workbench("judgements", "save", audited, "--out", tmp_path / "one.csv")
    apply = ("judgements", "apply", audited, answer(tmp_path / "one.csv", "yes"), "--policy", tmp_path / "ours.toml")
    card = audited / "model_card.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nOurs.\n", encoding="utf-8")
    assert workbench(*apply).returncode == 0
    assert "Ours." not in card.read_text(encoding="utf-8")
    assert "Ours." in (audited / "previous-model_card.md").read_text(encoding="utf-8")
    card.unlink()
    assert workbench(*apply).returncode == 0
    assert not card.exists()


def test_applying_again_replaces_and_the_same_again_changes_nothing(
    workbench: Command, audited: Path, tmp_path: Path
) -> None:
    workbench("judgements", "save", audited, "--out", tmp_path / "one.csv")
    shutil.copy(tmp_path / "one.csv", tmp_path / "two.csv")
    one = answer(tmp_path / "one.csv", *["yes"] * 8)
    two = answer(tmp_path / "two.csv", *["no"] * 8, judge="ben")
    apply = ("judgements", "apply", audited, "--policy", tmp_path / "ours.toml")
    workbench(*apply, one)
    first = stable(read_record(audited))
    both = workbench(*apply, one, two)
    assert "Several people judged 8 of them" in " ".join(both.stdout.split())
    assert stable(read_record(audited)) != first
    workbench(*apply, one)
    assert stable(read_record(audited)) == first


def test_the_next_model_is_not_asked_about_rewrites_that_lost_their_label(
    workbench: Command, audited: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.json"
    before = workbench("regress", "save", audited, "--out", cases)
    assert before.stdout == f"20 cases: {cases}\n"
    workbench("judgements", "save", audited, "--out", tmp_path / "rewrites.csv")
    file = answer(tmp_path / "rewrites.csv", "no", *["yes"] * 7, "no", "unsure")
    workbench("judgements", "apply", audited, file, "--policy", tmp_path / "ours.toml")
    after = workbench("regress", "save", audited, "--out", cases)
    told = "2 successful rewrites that people judged to have lost their label"
    assert after.stdout == f"18 cases: {cases}; left out: {told}\n"
    assert len(json.loads(cases.read_text())["cases"]) == 18


def test_a_file_with_answers_is_not_overwritten(workbench: Command, audited: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("hours of work")
    done = workbench("judgements", "save", audited, "--out", tmp_path / "mine.csv")
    assert done.returncode == 2
    assert "may hold judgements" in done.stderr
    assert (tmp_path / "mine.csv").read_text() == "hours of work"


def test_what_is_wrong_is_one_line_and_nothing_is_written(workbench: Command, audited: Path, tmp_path: Path) -> None:
    before = files_of(audited)
    workbench("judgements", "save", audited, "--out", tmp_path / "rewrites.csv")
    empty = workbench("judgements", "apply", audited, tmp_path / "rewrites.csv", "--policy", tmp_path / "ours.toml")
    assert (empty.returncode, empty.stderr.count("\n")) == (2, 1)
    assert "rewrites.csv: no row is judged" in empty.stderr
    file = answer(tmp_path / "rewrites.csv", "yes", "perhaps")
    wrong = workbench("judgements", "apply", audited, file, "--policy", tmp_path / "ours.toml")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "rewrites.csv, row 3: label_kept is 'perhaps'" in wrong.stderr
    assert files_of(audited) == before


def test_only_the_audits_own_policy_judges(workbench: Command, audited: Path, tmp_path: Path) -> None:
    before = files_of(audited)
    workbench("judgements", "save", audited, "--out", tmp_path / "rewrites.csv")
    file = answer(tmp_path / "rewrites.csv", *["yes"] * 8)
    missing = workbench("judgements", "apply", audited, file)
    assert missing.returncode == 2
    assert "own policy, 'ours', with --policy" in missing.stderr
    (tmp_path / "ours.toml").write_text(POLICY.replace("0.9", "0.95"), encoding="utf-8")
    other = workbench("judgements", "apply", audited, file, "--policy", tmp_path / "ours.toml")
    assert other.returncode == 2
    assert "not the one that was fixed before this audit ran" in other.stderr
    assert files_of(audited) == before


def test_no_torch_is_needed(audited: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from workbench import judgements; "
        f"judgements.save({str(audited)!r}, {str(tmp_path / 'r.csv')!r}); "
        "import workbench.audit.robustness.judgements; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "False", done.stderr
