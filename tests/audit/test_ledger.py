from __future__ import annotations

from pathlib import Path

import pytest

from workbench.audit.ledger import count_audit
from workbench.errors import Unwritable


def test_counts_audits_of_the_same_examples_only(tmp_path: Path) -> None:
    ledger = tmp_path / "deep" / "ledger.jsonl"
    assert count_audit(ledger, corpus="a", model="m", date="d") == 1
    assert count_audit(ledger, corpus="b", model="m", date="d") == 1
    assert count_audit(ledger, corpus="a", model="other", date="d") == 2


def test_a_line_cut_short_counts_for_nobody(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"corpus": "a", "mod\n[]\n', encoding="utf-8")
    assert count_audit(ledger, corpus="a", model="m", date="d") == 1


def test_an_unwritable_ledger_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Unwritable, match="WORKBENCH_HOME"):
        count_audit(tmp_path / "file" / "ledger.jsonl", corpus="a", model="m", date="d")
