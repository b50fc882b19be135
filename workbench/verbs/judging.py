"""What follows from a record without measuring again: verdict and report. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.evidence.record import AuditRecord, Finding
from workbench.results import read_record
from workbench.verdict.judge import judge as _judge
from workbench.verdict.policy import Policy, load_policy

if TYPE_CHECKING:
    from workbench.comparing import Comparison


def judge(record: AuditRecord | str | Path, policy: str | Path | Policy = "default") -> tuple[Finding, ...]:
    """Judge `record` (or the `audit.json` at that path) by `policy`. Pure: same input, same findings."""
    held = record if isinstance(record, AuditRecord) else read_record(record)
    return _judge(held, policy if isinstance(policy, Policy) else load_policy(policy))


def render(record: AuditRecord | str | Path, findings: Sequence[Finding] | None = None) -> str:
    """Return the report of `record` as one self-contained HTML page; `findings` default to the record's own."""
    from workbench.report.render import render as page

    held = record if isinstance(record, AuditRecord) else read_record(record)
    return page(held, held.findings if findings is None else tuple(findings))


def compare(base: str | Path, *others: str | Path, policy: str | Path | Policy = "default") -> Comparison:
    """Compare finished audits of the same data; the first is what the others are held against. Needs no torch.

    Args:
        base: folder with `audit.json` and `predictions.parquet`.
        others: the same of other models.
        policy: that all are judged by.

    Raises `NotFound` or `BadInput` for a record that cannot be read, `Misconfigured` for audits of different data.
    """
    from workbench.comparing import compare as compared

    return compared(base, *others, policy=policy)
