"""How often each set of examples has been audited here.

A test set that is looked at again and again stops being a test: whoever picks the best of many audits reports the luck
as well. The count goes into the record.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.files import add_line


def count_audit(ledger: Path, *, corpus: str, model: str, date: str) -> int:
    """Append one audit of corpus digest `corpus` to `ledger` and return how many it now holds for that corpus.

    Raises `Unwritable`.
    """
    lines = add_line(ledger, {"corpus": corpus, "model": model, "date": date}, what="the audit ledger")
    return sum(1 for written in lines if _corpus(written) == corpus)


def _corpus(line: str) -> str | None:
    try:
        return str(json.loads(line)["corpus"])
    except (ValueError, KeyError, TypeError):
        return None  # a line cut short by a crash counts for nobody
