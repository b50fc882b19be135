"""`workbench judge`: the policy that it names is the one that it used, and a silence is explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import workbench as wb
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example
from workbench.models.linear import LinearTextClassifier
from workbench.results import read_record, record_json
from workbench.verdict.policy import load_policy

Command = Callable[..., object]
POLICY = """
name = "ours"
[[criteria]]
id = "gap"
measurement = "fairness.demographic_parity_difference"
where = { attribute = "sex" }
at_most = 0.1
severity = "fail"
why = "A gap would need an explanation."
"""


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished audit of forty people, two of them in the smaller group."""
    monkeypatch.setitem(PROFILES, "quick", (("fairness.groups@1", {"replicates": 100}),))
    groups = [{"sex": "f" if i > 1 else "m"} for i in range(40)]
    texts = [f"{'good' if i % 2 else 'bad'} {i}" for i in range(40)]
    examples = tuple(Example(f"e{i}", f"p{i}", texts[i], "yes" if i % 3 else "no", groups[i]) for i in range(40))
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=("no", "yes"))
    wb.audit(model, Corpus(examples, ("no", "yes"), "toy", "made in the test"), out=tmp_path / "out")
    (tmp_path / "ours.toml").write_text(POLICY, encoding="utf-8")
    return tmp_path / "out"


def test_names_the_policy_it_used(workbench: Command, audited: Path, tmp_path: Path) -> None:
    done = workbench("judge", audited, "--policy", tmp_path / "ours.toml")
    assert done.returncode == 3
    assert "policy ours" in done.stdout
    assert "policy default" not in done.stdout
    machine = json.loads(workbench("judge", audited, "--policy", tmp_path / "ours.toml", "--json").stdout)
    assert machine["policy"]["name"] == "ours"
    assert machine["policy"]["fixed_before_the_audit"] is False
    own = json.loads(workbench("judge", audited, "--json", "--junit", tmp_path / "own.xml").stdout)
    assert own["policy"]["fixed_before_the_audit"] is True
    assert "not the policy fixed" not in (tmp_path / "own.xml").read_text()
    assert machine["verdict"] == "not_established"
    assert machine["corpus"]["name"] == "toy"


def test_says_why_a_gap_was_not_measured(workbench: Command, audited: Path, tmp_path: Path) -> None:
    machine = json.loads(workbench("judge", audited, "--policy", tmp_path / "ours.toml", "--json").stdout)
    (finding,) = machine["findings"]
    assert finding["evidence"] is None
    assert "sex" in finding["because"]
    assert "two groups" in finding["because"], finding["because"]


def test_writes_junit_prints_one_line_and_fails_on_warnings_if_asked(
    workbench: Command, audited: Path, tmp_path: Path
) -> None:
    warning = POLICY.replace('"fail"', '"warn"').replace("fairness.demographic_parity_difference", "fairness.accuracy")
    warning = warning.replace('{ attribute = "sex" }', '{ attribute = "sex", group = "f" }')
    (tmp_path / "soft.toml").write_text(warning.replace("at_most = 0.1", "at_least = 0.99"), encoding="utf-8")
    done = workbench("judge", audited, "--policy", tmp_path / "soft.toml", "--summary", "--junit", tmp_path / "v.xml")
    assert done.returncode == 0
    assert done.stdout.startswith("workbench: warn: 1 warn (")
    assert done.stdout.count("\n") == 1
    written = (tmp_path / "v.xml").read_text()
    assert "<testcase" in written
    assert " (not the policy fixed before the audit ran): " in written
    strict = workbench("judge", audited, "--policy", tmp_path / "soft.toml", "--summary", "--fail-on", "warn")
    assert strict.returncode == 1
    assert (audited / "junit.xml").is_file(), "an audit writes one by itself"
    wrong = workbench("judge", audited, "--fail-on", "never")
    assert wrong.returncode == 2
    assert "available: fail, warn" in wrong.stderr


def test_the_audits_own_policy_judges_unless_another_is_named_which_is_said(
    workbench: Command, audited: Path, tmp_path: Path
) -> None:
    """What fails under its own policy does not exit with 0 because the flag was forgotten."""
    own = load_policy("high-risk")
    record = read_record(audited)
    settings = record.audit.model_copy(update={"policy": own.name, "policy_digest": own.digest})
    high = record.model_copy(update={"audit": settings})
    (tmp_path / "audit.json").write_text(record_json(high), encoding="utf-8")
    done = workbench("judge", tmp_path, "--json")
    assert json.loads(done.stdout)["policy"] == {
        "name": "high-risk",
        "digest": own.digest,
        "fixed_before_the_audit": True,
    }
    assert wb.judge(high) == wb.judge(high, "high-risk")
    assert "Not the policy" not in done.stderr
    other = workbench("judge", tmp_path, "--policy", "internal", "--summary")
    assert "policy internal" in other.stdout
    assert f"Not the policy that this audit was made under, high-risk (sha256 {own.digest[:12]}" in other.stderr
    lost = settings.model_copy(update={"policy": "ours", "policy_digest": "0" * 64})
    (tmp_path / "audit.json").write_text(record_json(record.model_copy(update={"audit": lost})), encoding="utf-8")
    refused = workbench("judge", tmp_path)
    assert refused.returncode == 2
    assert "name the file of this audit's own policy, 'ours', with --policy" in refused.stderr
