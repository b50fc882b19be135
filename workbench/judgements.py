"""Let people judge rewrites: write them a file, and put what they say into the audit's record and report.

Needs no torch. Each function is one command.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.errors import Unwritable
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import AuditRecord, Measured, Verdict
from workbench.files import write_text
from workbench.results import (
    CARD,
    JUNIT,
    RECORD,
    REPORT,
    junit_beside,
    read_record,
    record_json,
    report_page,
    write_card,
)
from workbench.verdict.judge import judge, overall
from workbench.verdict.policy import Policy, own_policy


class Saved(NamedTuple):
    """A file for people to fill in."""

    file: Path
    rewrites: int
    recipes: int


class Applied(NamedTuple):
    """A record and a report that hold people's judgement."""

    record: AuditRecord
    verdict: Verdict
    file: Path
    """`audit.json`, and the report beside it."""
    report: Path
    measurements: tuple[Measurement, ...]
    """The valid success rates."""
    notes: tuple[str, ...]


def save(record: str | Path, out: str | Path, *, examples: int = 50, seed: int = 0) -> Saved:
    """Write a random sample of each attack's successful rewrites to the CSV file `out`.

    Args:
        record: an `audit.json`, or the folder that holds it.
        out: a file that does not exist: it may be full of answers.
        examples: rewrites of each recipe at most, drawn by hash of example id.
        seed: of the draw.

    Raises `Unwritable` where `out` exists, `EmptyData` where no attack succeeded, and whatever `read_record` does.
    """
    from workbench.audit.robustness.judgement_sheet import sheet
    from workbench.audit.robustness.judgements import draw

    drawn = draw(read_record(record), examples=examples, seed=seed)
    if Path(out).exists():
        raise Unwritable(f"{out} exists, and may hold judgements: write to another file, or remove it first")
    write_text(Path(out), sheet(drawn))
    return Saved(Path(out), len(drawn), len({one.recipe for one in drawn}))


def apply(record: str | Path, files: Sequence[str | Path], *, policy: str | Path | Policy | None = None) -> Applied:
    """Put the judgements in `files` into the record, judge it anew by its own policy, and write what tells of it.

    That is record, JUnit XML, report, and the model card where there is one; one that was worked on is put aside.

    What was applied before is replaced: give all files at once. Nothing is written unless everything could be read.

    Args:
        record: an `audit.json`, or the folder that holds it.
        files: CSV files that `save` wrote and people filled in.
        policy: where the audit's own is to be found, if it is none of the shipped ones. Another one is refused.

    Raises:
        BadInput: a file cannot be read or is not about this record; the message names the file and the row.
        Misconfigured: the audit's own policy is not at hand.
    """
    from workbench.audit.robustness.judgement_sheet import read_sheet
    from workbench.audit.robustness.judgements import NAME, with_judgements

    file = Path(record)
    file = file / RECORD if file.is_dir() else file
    held = read_record(file)
    own = own_policy(held.audit.policy, held.audit.policy_digest, policy)
    judged = with_judgements(held, [read_sheet(one) for one in files])
    judged = judged.model_copy(update={"findings": judge(judged, own)})
    page = report_page(judged, file.parent)
    report = file.parent / REPORT
    write_text(file, record_json(judged))
    write_text(file.parent / JUNIT, junit_beside(judged, file.parent))
    if (file.parent / CARD).exists():
        write_card(judged, file.parent)
    write_text(report, page)
    (found,) = (one.result for one in judged.evidence if one.probe == NAME)
    assert isinstance(found, Measured)  # people's answers are never left out
    return Applied(
        judged,
        overall(judged, judged.findings),
        file,
        report,
        found.measurements,
        tuple(one.text for one in found.exhibits if isinstance(one, Note)),
    )
