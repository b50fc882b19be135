"""Several finished audits at once: the index of a folder, and a baseline beside a new audit. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import Misconfigured, NotFound, WorkbenchError
from workbench.files import write_text
from workbench.results import (
    COMPARISON,
    COMPARISON_JSON,
    JUNIT,
    NOT_COMPARED,
    PREVIOUS,
    RECORD,
    REPORT,
    comparison_beside,
    junit_beside,
    read_record,
    report_page,
)

if TYPE_CHECKING:
    from workbench.comparing import Comparison
    from workbench.evidence.record import AuditRecord
    from workbench.report.index import Listed, Unreadable
    from workbench.verdict.policy import Policy


class Audits(NamedTuple):
    """What lies below a folder."""

    listed: tuple[Listed, ...]
    unreadable: tuple[Unreadable, ...]
    comparisons: tuple[str, ...]
    """Pages that compare several audits, beside none of them: paths below the folder."""


def audits_below(folder: str | Path) -> Audits:
    """Return every audit in `folder` and below it; links are not followed.

    A record that cannot be read, and an audit that has not come to its end, is returned as unreadable with the reason.
    Raises `NotFound` for a folder that does not exist.
    """
    from workbench.report.index import Listed, Unreadable

    root = Path(folder)
    if not root.is_dir():
        raise NotFound(f"no folder at {root}; name the folder that holds the audits, e.g. reports/")
    listed, unreadable, comparisons = [], [], []
    for place, files in _folders(root):
        relative = place.relative_to(root).as_posix()
        if RECORD not in files:
            if f"{PREVIOUS}{RECORD}" in files:
                reason = f"an audit has not come to its end here; {PREVIOUS}{RECORD} is the one before it"
                unreadable.append(Unreadable(relative, reason))
            elif COMPARISON in files:
                comparisons.append(f"{relative}/{COMPARISON}")
            continue
        try:
            record = read_record(place / RECORD)
        except WorkbenchError as error:
            unreadable.append(Unreadable(relative, str(error).replace(f"{place / RECORD}", RECORD)))
        else:
            compared = COMPARISON if comparison_beside(record, place) is not None else None
            listed.append(Listed(relative, record, REPORT if REPORT in files else None, compared))
    return Audits(tuple(listed), tuple(unreadable), tuple(comparisons))


def page_of(folder: str | Path) -> Path:
    """Return where the index of `folder` is written. Raises `Misconfigured` where an audit's own report would be."""
    root = Path(folder)
    if any((root / name).exists() for name in (RECORD, f"{PREVIOUS}{RECORD}")):
        raise Misconfigured(
            f"{root} is the folder of one audit, and the index would replace its report: name the folder above it"
        )
    return root / REPORT


def index(folder: str | Path) -> str:
    """Return the page that lists every audit below `folder`. Same files, same text. Raises `NotFound`."""
    from workbench.report.index import render_index

    found = audits_below(folder)
    return render_index(found.listed, found.unreadable, name=Path(folder).resolve().name, comparisons=found.comparisons)


def require_baseline(baseline: str | Path, out: str | Path) -> None:
    """Check before the long work what `write_comparison` needs after it.

    Raises `NotFound` or `BadInput` for a baseline that cannot be read, `Misconfigured` where the audit replaces it.
    """
    read_record(baseline)
    place = Path(baseline)
    if (place if place.is_dir() else place.parent).resolve() == Path(out).resolve():
        raise Misconfigured(f"--baseline {baseline} is where --out writes to: the audit would replace its own baseline")


def write_comparison(
    out: str | Path, baseline: str | Path | None, *, policy: str | Path | Policy = "default"
) -> Comparison | None:
    """Write `comparison.html` and `comparison.json` of the audit in `out` against `baseline`; the report tells of them.

    An earlier audit's are removed first, also where there is no baseline now, and then the answer is None. Where the
    two cannot be compared, `not_compared.json`, the report and the JUnit XML say why, and what `compare` raises is
    raised. Raises `Unwritable`, too.
    """
    from workbench.comparing import compare, incomparable
    from workbench.report.not_compared import not_compared_json

    place = Path(out)
    for name in (COMPARISON, COMPARISON_JSON, NOT_COMPARED):
        (place / name).unlink(missing_ok=True)
    if baseline is None:
        return None
    try:
        found = compare(baseline, place, policy=policy)
    except WorkbenchError as error:
        base, record = _readable(baseline), read_record(place)
        because = None if base is None else incomparable(base, record)
        write_text(place / NOT_COMPARED, not_compared_json(base, record, because or str(error)))
        write_text(place / JUNIT, junit_beside(record, place))
        write_text(place / REPORT, report_page(record, place))
        raise
    save_comparison(found, page=place / COMPARISON, told=place / COMPARISON_JSON)
    write_text(place / REPORT, report_page(found.sides[0].record, place))
    return found


def save_comparison(found: Comparison, *, page: Path, told: Path | None) -> None:
    """Write a comparison as the HTML file `page` and, where asked, as the JSON file `told`. Raises `Unwritable`."""
    from workbench.report.beside import digest_of
    from workbench.report.compare import comparison_json
    from workbench.report.comparison import render_comparison

    text = comparison_json(found, found.base_findings)
    rendered = render_comparison(found, digest=digest_of(text))
    if told is not None:
        write_text(told, text)
    write_text(page, rendered)


def _readable(place: str | Path) -> AuditRecord | None:
    try:
        return read_record(place)
    except WorkbenchError:
        return None


def _folders(root: Path) -> Iterator[tuple[Path, set[str]]]:
    """Yield each folder with the names of its files, by name. Raises `NotFound` for a locked one."""

    def locked(error: OSError) -> None:
        raise NotFound(f"cannot look into {error.filename}: {error.strerror}; audits in it would be missing") from error

    for place, inner, files in os.walk(root, onerror=locked):
        inner.sort()
        yield Path(place), set(files)
