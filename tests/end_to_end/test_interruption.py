"""An audit killed without warning continues and ends in the same record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.evidence.record import AuditRecord, stable
from workbench.results import read_record

pytestmark = pytest.mark.slow


def start(model: Path, data: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workbench.cli", "audit", str(model), "--data", str(data), "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], out: Path) -> AuditRecord:
    _, errors = process.communicate(timeout=300)
    assert process.returncode in {0, 1, 3}, errors
    return read_record(out)


def test_kill_minus_nine_in_the_middle_of_an_attack(tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    words = [
        "a",
        "good",
        "dress",
        "with",
        "a",
        "bad",
        "zip",
        "that",
        "runs",
        "small",
        "and",
        "feels",
        "lovely",
        "all",
        "the",
        "same",
        "every",
        "single",
        "day",
    ]
    rows = [f'"{" ".join(words[i % 7 :])} {i}",{i % 2}' for i in range(60)]
    data.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")

    killed = start(tiny_checkpoint, data, tmp_path / "killed")
    assert killed.stderr is not None
    for line in killed.stderr:
        if line.startswith("robustness.attack@1"):
            break
    time.sleep(1.5)  # some attacks are done, some are not (and if all are, the next probe is under way)
    assert killed.poll() is None, "the audit ended before it could be killed"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(timeout=30)
    killed.stderr.close()
    assert not (tmp_path / "killed" / "audit.json").exists(), "an unfinished audit leaves no record"
    assert (tmp_path / "killed" / "audit.sqlite").stat().st_size > 0

    continued = finish(start(tiny_checkpoint, data, tmp_path / "killed"), tmp_path / "killed")
    whole = finish(start(tiny_checkpoint, data, tmp_path / "whole"), tmp_path / "whole")
    assert stable(continued) == stable(whole)
    assert not list((tmp_path / "killed").glob("audit.sqlite*"))
