"""Notebooks live without outputs, run from top to bottom on the demo, and have a text of their own."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


SHOWN = {
    "01_explain_a_prediction": (
        ("application/vnd.jupyter.widget-view+json", ""),
        ("text/html", "What each explanation is worth"),
        ("stdout", "occlusion@1: passes"),
        ("stdout", "word_rarity@1: does not pass"),
        ("text/plain", r"word_rarity@1 +1\.0"),
        ("text/html", "word put at the end"),
    ),
    "02_attack_and_harden": (
        ("text/html", "attack_success_rate"),
        ("text/html", "rewritten"),
        ("text/plain", "primary_attack"),
        ("text/html", "hardened"),
        ("text/plain", "at temperature"),
    ),
    "03_train_with_privacy": (
        ("text/html", "ROC-AUC"),
        ("text/plain", "epsilon by pld"),
        ("text/html", "AUC of the attack"),
        ("text/plain", "noise has the stated deviation"),
        ("text/plain", "lower bound of epsilon"),
    ),
}
"""What a reader must see: notebook -> (kind of output, pattern in it); 'stdout' is what cells print."""


def named(path: Path) -> str:
    return path.stem


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_holds_no_outputs_and_more_prose_than_headings(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    prose = " ".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    assert len(prose.split()) > 300
    assert book.cells[0].source.startswith("# ")


@pytest.mark.demo
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_runs_from_top_to_bottom(path: Path) -> None:
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    shown = [output.data for output in outputs if "data" in output]
    shown += [{output.name: output.text} for output in outputs if output.output_type == "stream"]
    for kind, pattern in SHOWN[path.stem]:
        assert any(kind in data and re.search(pattern, str(data[kind])) for data in shown), pattern
