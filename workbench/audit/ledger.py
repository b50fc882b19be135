"""How often each set of examples has been audited here.

A test set that is looked at again and again stops being a test: whoever picks the best of many audits reports the luck
as well. The count goes into the record.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.errors import Unwritable


def count_audit(ledger: Path, *, corpus: str, model: str, date: str) -> int:
    """Append one audit of corpus digest `corpus` to `ledger` and return how many it now holds for that corpus."""
    line = json.dumps({"corpus": corpus, "model": model, "date": date}, sort_keys=True)
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        with ledger.open("a+", encoding="utf-8") as file:  # append mode: one short write is atomic on local disks
            file.write(line + "\n")
            file.flush()
            file.seek(0)
            return sum(1 for written in file if _corpus(written) == corpus)
    except OSError as error:
        raise Unwritable(
            f"cannot write the audit ledger {ledger}: {error}; set WORKBENCH_HOME to your own folder"
        ) from error


def _corpus(line: str) -> str | None:
    try:
        return str(json.loads(line)["corpus"])
    except (ValueError, KeyError, TypeError):
        return None  # a line cut short by a crash counts for nobody
