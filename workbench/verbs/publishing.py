"""What lies beside a record, or leaves the house in its stead: model card, redacted report, PDF. Needs no torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.errors import BadInput, MissingResource
from workbench.evidence.record import AuditRecord
from workbench.files import write_text, writing
from workbench.results import (
    COMPARISON,
    COMPARISON_JSON,
    JUNIT,
    OF_ONE_AUDIT,
    PREDICTIONS,
    PREVIOUS,
    RECORD,
    REPORT,
    record_json,
    write_card,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
"""Names of browsers that print, in the order in which they are looked for."""
_PATIENCE = 180
"""Seconds that a browser may take."""


def redacted(record: AuditRecord) -> AuditRecord:
    """Return `record` without texts, words, ids and small groups. Raises `Unsupported` for what no rule knows."""
    from workbench.report.redact import redact

    return redact(record)


def save_redacted(record: AuditRecord, folder: Path) -> Path:
    """Write record, JUnit XML, model card and report of `record`, redacted, to `folder`; return the report's path.

    Predictions are about single examples and are not written. What an earlier audit left there goes.
    Raises `Unsupported` for a record that cannot be redacted: nothing is written then.
    """
    from workbench.report.junit import junit
    from workbench.report.render import render

    bare = redacted(record)
    page = render(bare, bare.findings)
    write_text(folder / RECORD, record_json(bare))
    write_text(folder / JUNIT, junit(bare, bare.findings))
    write_card(bare, folder)
    write_text(folder / REPORT, page)
    for name in OF_ONE_AUDIT:
        (folder / f"{PREVIOUS}{name}").unlink(missing_ok=True)
    return folder / REPORT


def require_elsewhere(source: Path, folder: Path) -> None:
    """Refuse to write a redacted record over the whole one at `source`. Raises `BadInput`."""
    held = source if source.is_dir() else source.parent
    if folder.resolve() == held.resolve():
        raise BadInput(
            f"{folder} holds the whole record: what is redacted goes to a folder of its own; name one with --out"
        )
    require_nothing_whole(folder)


def require_nothing_whole(folder: Path) -> None:
    """Refuse a folder with files on single examples, which would leave the house with the rest. Raises `BadInput`."""
    found = [name for name in (PREDICTIONS, COMPARISON, COMPARISON_JSON) if (folder / name).exists()]
    if found:
        raise BadInput(
            f"{folder} holds {', '.join(found)}, about single examples: what is redacted goes to a folder of its own; "
            "name one with --out"
        )


def browser() -> str:
    """Return the path of a browser that prints. Raises `MissingResource`."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise MissingResource(
        f"a PDF needs a browser that prints, and none of {', '.join(BROWSERS)} is on the PATH; install one (Debian: "
        "apt-get install chromium), or print the page from any browser"
    )


def write_pdf(page: Path, pdf: Path) -> None:
    """Print the report at `page` to `pdf` through a headless browser, all or nothing.

    Raises:
        MissingResource: there is no browser, or it does not print.
        Unwritable: `pdf` cannot be written.
    """
    program = browser()
    with writing(pdf) as temporary, tempfile.TemporaryDirectory(prefix="workbench-print-") as profile:
        command = [
            program, "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
            "--no-first-run", "--no-pdf-header-footer", f"--user-data-dir={profile}", f"--print-to-pdf={temporary}",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # it refuses to start as root with one; the page itself runs only our script
        try:
            done = subprocess.run(
                [*command, page.resolve().as_uri()], capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingResource(f"{program} did not print: {error}; print {page} from any browser") from error
        if done.returncode != 0 or temporary.read_bytes()[:5] != b"%PDF-":
            last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise MissingResource(f"{program} did not print: {last:.300}; print {page} from any browser")
