"""What people see in a terminal, and that data cannot drive it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench import terminal
from workbench.audit.runner import Step
from workbench.evidence.exhibits import PartRead, TokenScores
from workbench.train.events import TrainingEvent
from workbench.train.references import Made


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert terminal.clean("a\x1b[31mb\x07\x00c\u202ed") == "a�[31mb��c�d"
    assert terminal.clean("two\nlines") == "two\nlines"


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_error("what [bold]went[/] wrong\nand\twhat to do \x1b[2J")
    shown = capsys.readouterr().err
    assert shown == "error: what [bold]went[/] wrong and�what to do �[2J\n"


def test_an_explanation_shows_the_whole_text_and_the_strongest_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    scores = TokenScores(
        example="", text="Lovely [red]fabric", method="m@1", target="yes", output="logit", probability=0.75,
        tokens=("[CLS]", "lovely", "fabric"), spans=((0, 0), (0, 6), (12, 18)), scores=(9.0, 0.5, -0.25),
        completeness_gap=0.004, passes=3,
    )  # fmt: skip
    terminal.print_explanation(scores)
    shown = capsys.readouterr().out
    assert "Lovely [red]fabric" in shown, "markup in data is text"
    assert "P(yes) = 0.750" in shown
    assert "completeness gap 0.4%" in shown
    assert shown.index("+0.5000") < shown.index("-0.2500")
    assert "[CLS]" not in shown, "special tokens have no place in the text"


def test_an_explanation_says_what_has_no_sign_what_is_not_read_and_whether_draws_agree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = TokenScores(
        example="", text="Lovely fabric and \x1bmore", method="m@1", target="yes", output="logit", probability=0.75,
        tokens=("lovely", "fabric"), spans=((0, 6), (7, 13)), scores=(0.5, 0.25), signed=False,
        read=PartRead(start=0, stop=13, words=2, of=4), seed_agreement=0.76, passes=8000,
    )  # fmt: skip
    terminal.print_explanation(scores)
    shown = capsys.readouterr().out
    assert "Lovely fabric[not read:  and �more]" in shown
    assert "m@1, logit, strength only, not which way" in shown
    assert "strength (logit)" in shown
    assert "0.5000" in shown
    assert "+" not in shown
    assert "The model read only the first 2 of 4 words" in shown
    assert "Two draws agree only to 0.76 after 8,000 passes: read the ranking with care." in shown


def test_an_explanation_without_ordinary_tokens_does_not_crash(capsys: pytest.CaptureFixture[str]) -> None:
    scores = TokenScores(
        example="", text="", method="m@1", target="yes", output="logit", probability=0.5,
        tokens=(), spans=(), scores=(), passes=1,
    )  # fmt: skip
    terminal.print_explanation(scores)
    assert "P(yes)" in capsys.readouterr().out


def test_progress_without_a_terminal_says_each_step_and_outcome_once(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.audit_progress() as show:
        show(Step("predictions", 0, 10))
        show(Step("predictions", 5, 10))
        show(Step("predictions", 10, 10, "measured"))
        show(Step("toy.crash@1", 0, None))
        show(Step("toy.crash@1", 1, 1, "failed: [red]E"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["predictions …", "predictions: measured", "toy.crash@1 …", "toy.crash@1: failed: [red]E"]


def test_brackets_in_names_and_paths_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Read as markup, a closing tag that was never opened ends the command after its work is done."""
    name = "v[/2]\x1b[2J[red]"
    terminal.print_file("Report", Path(name) / "index.html")
    terminal.print_references(Made(4, 4, "head", 10), Path(name))
    with terminal.audit_progress() as show:
        show(Step(name, 0, 10))
        show(Step(name, 10, 10, "measured"))
    with terminal.training_progress() as told:
        told(TrainingEvent("train", 3, 3, message=name))
    shown = capsys.readouterr()
    assert "Report: v[/2]�[2J[red]/index.html" in shown.out
    assert "workbench audit v[/2]�[2J[red] …" in shown.out
    assert shown.err.splitlines()[:2] == ["v[/2]�[2J[red] …", "v[/2]�[2J[red]: measured"]
    assert shown.err.endswith("train: 3 of 3  v[/2]�[2J[red]\n")


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"long": "x" * 500, "markup": "[bold]é"})
    assert json.loads(capsys.readouterr().out) == {"long": "x" * 500, "markup": "[bold]é"}
