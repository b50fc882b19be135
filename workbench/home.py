"""Where prepared resources live: data carriers, the NLTK root, the ledger, tuned settings."""

from __future__ import annotations

import os
from pathlib import Path

MASKED_LM = "WORKBENCH_MASKED_LM"

_CHECKOUT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return the workbench's own folder; it may not exist yet.

    `$WORKBENCH_HOME` if set; else the nearest `.workbench` in the working folder or above it; else the one beside a
    source checkout; else `~/.workbench`.
    """
    if named := os.environ.get("WORKBENCH_HOME"):
        return Path(named).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".workbench").is_dir():
            return folder / ".workbench"
    if (_CHECKOUT / "pyproject.toml").is_file():
        return _CHECKOUT / ".workbench"
    return Path.home() / ".workbench"


def masked_lm() -> Path | None:
    """Return the folder of the user's masked language model, for attacks that ask one; None where none is named."""
    named = os.environ.get(MASKED_LM, "").strip()
    return Path(named).expanduser().resolve() if named else None


def carriers() -> Path:
    """Return the folder that holds the packages used as data carriers (opened by path, never imported)."""
    return home() / "carriers"


def nltk_root() -> Path:
    """Return the prepared NLTK data folder."""
    return home() / "nltk_data"


def ledger() -> Path:
    """Return the file that counts audits per set of examples; `$WORKBENCH_LEDGER` if set."""
    if named := os.environ.get("WORKBENCH_LEDGER"):
        return Path(named).expanduser().resolve()
    return home() / "ledger.jsonl"


def private_ledger() -> Path:
    """Return the file that counts private training runs per set of examples; `$WORKBENCH_PRIVATE_LEDGER` if set."""
    if named := os.environ.get("WORKBENCH_PRIVATE_LEDGER"):
        return Path(named).expanduser().resolve()
    return home() / "private-runs.jsonl"
