"""The tests' own walls: no network, no writing to the user's ledger, no silent skips where nothing may be missing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from workbench import home

OUTSIDE = "192.0.2.1"
"""An address reserved for documentation (RFC 5737): nobody answers there."""


def test_the_network_is_refused_and_the_attempt_remembered_even_if_caught(network_guard):
    with pytest.raises(OSError, match="tests run offline"):
        socket.create_connection((OUTSIDE, 80), timeout=1)
    with socket.socket() as plain, pytest.raises(OSError, match="tests run offline"):
        plain.connect_ex((OUTSIDE, 80))
    with pytest.raises(OSError, match="tests run offline"):
        urllib.request.urlopen("http://example.org", timeout=1)
    assert network_guard.attempts
    network_guard.attempts.clear()  # or this test would fail for it


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_has_an_empty_ledger_of_its_own(turn):
    assert home.ledger() != home.home() / "ledger.jsonl"
    assert not home.ledger().exists()
    home.ledger().write_text(turn)


def test_the_ledger_is_in_the_home_unless_said_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_LEDGER")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert home.ledger() == tmp_path / "ledger.jsonl"
    assert home.nltk_root() == tmp_path / "nltk_data"
    assert home.carriers() == tmp_path / "carriers"


def test_the_home_is_the_nearest_one_above_else_that_of_the_checkout(monkeypatch, tmp_path, checkout):
    monkeypatch.delenv("WORKBENCH_HOME")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert home.home() == checkout / ".workbench"
    (tmp_path / "a" / ".workbench").mkdir()
    assert home.home() == tmp_path / "a" / ".workbench"


@pytest.mark.slow
@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("0", "1 skipped"), ("1", "1 error")])
def test_a_missing_resource_skips_and_fails_where_nothing_may_be_missing(required, outcome, tmp_path, checkout: Path):
    planted = tmp_path / "test_planted.py"
    planted.write_text("import pytest\n@pytest.mark.wordnet\ndef test_needs_wordnet():\n    assert True\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(checkout / "pyproject.toml"),
         f"--confcutdir={checkout}", "-p", "tests.conftest", str(planted)],
        cwd=checkout, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path / "empty"), "WORKBENCH_REQUIRE_ALL": required},
    )  # fmt: skip
    assert outcome in done.stdout, done.stdout + done.stderr
    assert "needs WordNet (make wordnet" in done.stdout
    assert done.returncode == (1 if required == "1" else 0)
