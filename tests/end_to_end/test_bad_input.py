"""Bad input: one line that says what, where and what to do; a non-zero exit; no traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., object]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A good little file; each test breaks one thing."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{i % 2}\n" for i in range(8)), encoding="utf-8")
    return path


def refused(done: object, *expected: str) -> None:
    """Assert that `done` is a polite refusal that contains each of `expected`."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    for words in expected:
        assert words in lines[0], f"{words!r} not in {lines[0]!r}"


def test_missing_file(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    refused(workbench("audit", tiny_checkpoint, "--data", "rowz.csv", "--out", "out"), "rowz.csv")


def test_a_near_file_name_is_suggested(workbench: Command, tiny_checkpoint: Path, rows: Path) -> None:
    refused(workbench("audit", tiny_checkpoint, "--data", "rowz.csv", "--out", "out"), "rowz.csv", "rows.csv")


def test_missing_model(workbench: Command, rows: Path) -> None:
    refused(workbench("audit", "no/such/model", "--data", rows, "--out", "out"), "no/such/model", "--online")


def test_wrong_column_lists_the_columns_and_suggests_the_nearest(
    workbench: Command, tiny_checkpoint: Path, rows: Path
) -> None:
    done = workbench(
        "audit", tiny_checkpoint, "--data", rows, "--out", "out", "--text-column", "txt", "--label-column", "label"
    )
    refused(done, "'txt'", "did you mean 'text'", "label")


def test_empty_data(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("text,label\n", encoding="utf-8")
    refused(workbench("audit", tiny_checkpoint, "--data", "none.csv", "--out", "out"), "none.csv")
    (tmp_path / "void.csv").write_text("", encoding="utf-8")
    refused(workbench("audit", tiny_checkpoint, "--data", "void.csv", "--out", "out"), "void.csv")


def test_one_label_only(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\na,1\nb,1\nc,1\n", encoding="utf-8")
    refused(workbench("audit", tiny_checkpoint, "--data", "one.csv", "--out", "out"), "label")


def test_label_mismatch_lists_both_sides(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("text,label\na,happy\nb,gloomy\n", encoding="utf-8")
    done = workbench("audit", tiny_checkpoint, "--data", "other.csv", "--out", "out")
    refused(done, "happy", "gloomy", "positive", "--label-map")


def test_unreadable_checkpoint(workbench: Command, tiny_checkpoint: Path, rows: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_checkpoint, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    refused(workbench("audit", broken, "--data", rows, "--out", "out"), "model.safetensors")


def test_pickle_only_checkpoint(workbench: Command, tiny_checkpoint: Path, rows: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(tiny_checkpoint, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    refused(workbench("audit", pickled, "--data", rows, "--out", "out"), "pytorch_model.bin", "save_pretrained")


def test_remote_code(workbench: Command, tiny_checkpoint: Path, rows: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    shutil.copytree(tiny_checkpoint, remote)
    config = json.loads((remote / "config.json").read_text(encoding="utf-8"))
    (remote / "config.json").write_text(
        json.dumps(config | {"auto_map": {"AutoModel": "evil.Model"}}), encoding="utf-8"
    )
    refused(workbench("audit", remote, "--data", rows, "--out", "out"), "code")


def test_unwritable_output(workbench: Command, tiny_checkpoint: Path, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(workbench("audit", tiny_checkpoint, "--data", rows, "--out", "file/out"), "file/out", "choose another")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--threshold", "1.5", "between 0 and 1"),
        ("--limit", "0", "at least 1"),
        ("--profile", "quik", "did you mean 'quick'"),
        ("--policy", "nowhere.toml", "nowhere.toml"),
        ("--positive-label", "positiv", "did you mean 'positive'"),
        ("--split", "tset", "did you mean 'test'"),
        ("--precision", "float8", "float8"),
        ("--label-map", "nonsense", "DATA=MODEL"),
    ],
)
def test_bad_options(
    workbench: Command, tiny_checkpoint: Path, rows: Path, option: str, value: str, expected: str
) -> None:
    refused(workbench("audit", tiny_checkpoint, "--data", rows, "--out", "out", option, value), expected)


def test_bad_recipe(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("lerning_rate = 1e-3\n", encoding="utf-8")
    refused(workbench("train", "--recipe", "recipe.toml", "--out", "out"), "lerning_rate", "learning_rate")


def test_bad_record(workbench: Command, tmp_path: Path) -> None:
    refused(workbench("report", "nowhere/audit.json"), "no audit record")
    (tmp_path / "audit.json").write_text('{"schema_version": 1, "mod', encoding="utf-8")
    refused(workbench("report", "audit.json"), "cut short")
    (tmp_path / "audit.json").write_text('{"schema_version": 99}', encoding="utf-8")
    refused(workbench("judge", "audit.json"), "schema version 99")


def test_a_record_nested_beyond_reason(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("[" * 100_000, encoding="utf-8")
    refused(workbench("judge", "audit.json"), "not an audit record")


@pytest.mark.parametrize("column", ["text", "label"])
def test_text_and_label_are_no_groups(workbench: Command, tiny_checkpoint: Path, rows: Path, column: str) -> None:
    done = workbench(
        "audit", tiny_checkpoint, "--data", rows, "--out", "out",
        "--text-column", "text", "--label-column", "label", "--group-column", column,
    )  # fmt: skip
    refused(done, repr(column), "--group-column")


def test_a_label_map_that_merges_by_accident(workbench: Command, tiny_checkpoint: Path, rows: Path) -> None:
    done = workbench("audit", tiny_checkpoint, "--data", rows, "--out", "out", "--label-map", "0=positive")
    refused(done, "positive", "label id", "--label-map 0=positive")


def test_nothing_is_written_for_bad_input(workbench: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    workbench("audit", tiny_checkpoint, "--data", "rowz.csv", "--out", "out")
    assert not (tmp_path / "out" / "index.html").exists()
    assert not (tmp_path / "out" / "audit.json").exists()
