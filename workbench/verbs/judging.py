"""What follows from a record without measuring again: verdict and report. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import Misconfigured
from workbench.evidence.record import AuditRecord, Finding
from workbench.results import read_record
from workbench.verdict.judge import judge as _judge
from workbench.verdict.policy import Policy, load_policy, own_policy

if TYPE_CHECKING:
    from workbench.comparing import Comparison


def judge(record: AuditRecord | str | Path, policy: str | Path | Policy | None = None) -> tuple[Finding, ...]:
    """Judge `record` (or the `audit.json` at that path) by `policy`. Pure: same input, same findings.

    By default by the audit's own policy; `Misconfigured` where that is none of the shipped ones.
    """
    held = record if isinstance(record, AuditRecord) else read_record(record)
    return _judge(held, policy_of(held, policy))


def policy_of(record: AuditRecord, policy: str | Path | Policy | None) -> Policy:
    """Return the policy to judge `record` by: that given, or its own."""
    if policy is None:
        return own_policy(record.audit.policy, record.audit.policy_digest)
    return policy if isinstance(policy, Policy) else load_policy(policy)


def render(
    record: AuditRecord | str | Path,
    findings: Sequence[Finding] | None = None,
    *,
    policy: str | Path | Policy | None = None,
) -> str:
    """Return the report of `record` as one self-contained HTML page.

    Args:
        record: a record, or the `audit.json` at that path.
        findings: what `judge` found; default: by `policy` if there is one, else the record's own.
        policy: what `findings` were judged by, where that is not the policy fixed before the audit; the report then
            names this one, and says that it is another.

    Raises `Misconfigured` for findings that neither are the record's own nor follow from `policy`.
    """
    from workbench.report.render import render as page

    held = record if isinstance(record, AuditRecord) else read_record(record)
    if policy is None:
        if findings is not None and tuple(findings) != held.findings:
            raise Misconfigured(
                "these findings are not the record's own: name the policy that they were judged by, with policy=…, "
                "else the report would put them under the policy that was fixed before the audit"
            )
        return page(held, held.findings)
    chosen = policy if isinstance(policy, Policy) else load_policy(policy)
    other = judged_by(held, chosen)
    if findings is not None and tuple(findings) != other.findings:
        raise Misconfigured(f"these findings are not what the policy {chosen.name!r} finds in this record")
    return page(other, other.findings, afterwards=chosen.digest != held.audit.policy_digest)


def judged_by(record: AuditRecord, policy: Policy) -> AuditRecord:
    """Return `record` with `policy`, and what it finds, in the place of its own: for what tells of these findings."""
    settings = record.audit.model_copy(update={"policy": policy.name, "policy_digest": policy.digest})
    return record.model_copy(update={"audit": settings, "findings": _judge(record, policy)})


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
