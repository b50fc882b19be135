"""A comparison of audits as JSON: everything that its page tells, in full."""

from __future__ import annotations

import json
from typing import Any

from workbench.evidence.record import AuditRecord, Finding, Verdict
from workbench.report.comparison import Compared

FORMAT_VERSION = 1
MULTIPLICITY = (
    "paired intervals hold together over all models at 95% (Bonferroni); other figures each at their own level"
)


def comparison_json(found: Compared, base_findings: tuple[Finding, ...] = ()) -> str:
    """Return the JSON text, ending in a line feed. Pure: the same comparison, the same text.

    Every change has `paired`, and `interval` is that of the change where it is true and null where it is not. All
    examples that fail anew are listed, not only those that the page shows. `lacking` names the figures of the base that
    could not be compared, and `unasked` counts those that this audit was not asked for in the same way.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "policy": found.policy,
        "paired_intervals": found.pairs,
        "multiplicity": MULTIPLICITY,
        "base": _model(found.base, found.base_verdict, base_findings),
        "models": [_side(side) for side in found.sides],
    }
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _model(record: AuditRecord, verdict: Verdict, findings: tuple[Finding, ...]) -> dict[str, Any]:
    return {
        "name": record.model.name,
        "digest": record.model.digest,
        "date": record.audit.date,
        "seed": record.audit.seed,
        "corpus": {"name": record.corpus.name, "digest": record.corpus.digest},
        "verdict": verdict,
        "findings": [
            {key: value for key, value in one.model_dump(mode="json").items() if key != "evidence"} for one in findings
        ],
    }


def _side(side: Any) -> dict[str, Any]:
    return {
        **_model(side.record, side.verdict, side.findings),
        "changes": [_change(one) for one in side.changes],
        "newly_failing": [one._asdict() for one in side.failing],
        "mended": side.mended,
        "notes": list(side.notes),
        "settings": list(side.settings),
        "lacking": list(side.lacking),
        "unasked": side.unasked,
    }


def _change(one: Any) -> dict[str, Any]:
    intervals = ("before_interval", "after_interval", "interval")
    plain = {key: value for key, value in one._asdict().items() if key not in intervals}
    held = {key: None if (span := getattr(one, key)) is None else span.model_dump(mode="json") for key in intervals}
    return {**plain, "where": dict(one.where), **held, "paired": one.paired}
