"""The comparison that was asked for and could not be made: its report says so, and why, rather than nothing.

`not_compared.json` names the audit that it is about, so that what an earlier audit left behind is never taken for this
one's.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.evidence.record import AuditRecord
from workbench.report.beside import SECTION
from workbench.report.blocks import Item, Paragraph, Section
from workbench.report.text import short

FILE = "not_compared.json"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Audit(_Told):
    name: str
    digest: str
    date: str
    seed: int
    corpus: str
    """Digest of the examples."""


class NotCompared(_Told):
    """What `not_compared.json` says."""

    format_version: Literal[1]
    because: str
    base: _Audit | None
    """None where the baseline can no longer be read."""
    audit: _Audit
    """The one that was to be held against the base."""


def not_compared_json(base: AuditRecord | None, record: AuditRecord, because: str) -> str:
    """Return the text of `not_compared.json`, ending in a line feed. Pure: same input, same text."""
    content = {
        "format_version": 1,
        "because": because,
        "base": None if base is None else _audit(base),
        "audit": _audit(record),
    }
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


def not_compared(record: AuditRecord, text: str) -> NotCompared | None:
    """Return what `text` says if it is about this record's audit, else None; None for a redacted record, too."""
    try:
        held = NotCompared.model_validate_json(text)
    except ValidationError:
        return None
    return held if not record.redacted and held.audit.model_dump() == _audit(record) else None


def exception(held: NotCompared) -> Item:
    """Return the first screen's line: what was asked for is not there."""
    return Item(
        f"{held.because.rstrip('.')}.", "not_established", f"Not compared with {_base(held)}: ", SECTION, "Comparison"
    )


def section(held: NotCompared) -> Section:
    """Return the section that stands where the comparison would."""
    told = (
        f"This audit was to be held against {_base(held)}, and cannot be: {held.because.rstrip('.')}. "
        "So nothing here says whether the model became better or worse."
    )
    return Section(SECTION, "Comparison with an earlier audit", (Paragraph(told, "bad"),))


def _base(held: NotCompared) -> str:
    if held.base is None:
        return "the baseline"
    return f"the baseline, the audit of “{short(held.base.name)}” of {held.base.date[:10]}"


def _audit(record: AuditRecord) -> dict[str, Any]:
    return {
        "name": record.model.name,
        "digest": record.model.digest,
        "date": record.audit.date,
        "seed": record.audit.seed,
        "corpus": record.corpus.digest,
    }
