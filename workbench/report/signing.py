"""What a person signs: which report it is about, and room for names, decisions and dates."""

from __future__ import annotations

from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Cell, Definitions, Section, Table
from workbench.report.identity import AFTERWARDS
from workbench.report.text import short

_ROLES = ("Owner of the model", "Risk or quality", "Data protection", "Approver")


def signing(record: AuditRecord, verdict: str, *, afterwards: bool = False) -> Section:
    """Return the section to be signed, on paper or in a copy; `verdict` in words, `afterwards` as in `render`."""
    settings = record.audit
    policy = f"{short(settings.policy)}, sha256 {settings.policy_digest}{f', {AFTERWARDS}' if afterwards else ''}"
    about = (
        ("Verdict of the policy", f"{verdict} ({policy})"),
        ("Model", f"{short(record.model.name)}, sha256 {record.model.digest}"),
        ("Data", f"{short(record.corpus.name)}, sha256 {record.corpus.digest}"),
        ("Audited", settings.date),
    )
    columns = tuple(
        Cell(name) for name in ("Role", "Name", "Decision: release, release with conditions, or not", "Conditions and "
        "reasons", "Date and signature")
    )  # fmt: skip
    rows = tuple((Cell(role), *(Cell("") for _ in columns[1:])) for role in _ROLES)
    return Section(
        "sign-off",
        "Sign-off",
        (Definitions(about), Table("To be filled in by hand", columns, rows, wide=True, form=True)),
        "The verdict says what was measured against a policy. Whether the model is used, for what and under which "
        "conditions is decided by people, who sign here with their reasons.",
    )
