"""`workbench mitigate`: thresholds by group from the command line, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb

Command = Callable[..., object]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    words = ("good", "bad", "fine", "poor", "lovely", "awful", "soft", "rough")
    rows = [
        {
            "text": f"{' '.join(rng.choice(words, 4))} {i}",
            "label": ("negative", "positive")[i % 2],
            "sex": "ab"[i % 3 % 2],
        }
        for i in range(1_200)
    ]
    path = tmp_path / "mine.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_it_writes_a_model_and_tells_what_it_costs_and_needs(
    workbench: Command, table: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    columns = ("--text-column", "text", "--label-column", "label", "--group-column", "sex")
    out = tmp_path / "by-sex"
    done = workbench(
        "mitigate", tiny_checkpoint, "--data", table, *columns, "--attribute", "sex", "--constraint",
        "equalized_odds", "--mix", "0.5", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    said = " ".join(done.stdout.split())  # type: ignore[attr-defined]
    assert "Trade-off on the validation part" in said
    assert "Narrowed by (paired):" in said
    assert "From now on every decision needs the person's sex." in said
    assert wb.group_aware(out).rule.mix == 0.5
    refused = workbench("explain", out, "a good dress")
    assert refused.returncode == 2  # type: ignore[attr-defined]
    assert "decides by somebody's sex" in refused.stderr  # type: ignore[attr-defined]
    again = workbench("mitigate", tiny_checkpoint, "--data", table, *columns, "--attribute", "sex", "--out", out)
    assert again.returncode == 2  # type: ignore[attr-defined]
    assert "not empty" in again.stderr  # type: ignore[attr-defined]


def test_unknown_names_are_answered_with_the_nearest(workbench: Command, table: Path, tiny_checkpoint: Path) -> None:
    done = workbench(
        "mitigate",
        tiny_checkpoint,
        "--data",
        table,
        "--attribute",
        "sex",
        "--constraint",
        "equalised_odds",
        "--out",
        "x",
    )
    assert done.returncode == 2  # type: ignore[attr-defined]
    assert "did you mean 'equalized_odds'" in done.stderr  # type: ignore[attr-defined]
