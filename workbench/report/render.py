"""From plain values to one self-contained HTML file: no request, no trust in any text, one script that may be missing.

The script narrows lists of cases down; the page's own policy lets no other run, and nothing depends on it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.evidence.record import AuditRecord, Finding
from workbench.report.beside import Beside
from workbench.report.not_compared import NotCompared
from workbench.report.page import page
from workbench.report.summary import JUDGED
from workbench.report.text import visible
from workbench.verdict.wording import SIGNS

TEMPLATES = "workbench.report"


def render(
    record: AuditRecord,
    findings: Sequence[Finding],
    *,
    compared: Beside | NotCompared | None = None,
    afterwards: bool = False,
) -> str:
    """Return the report. Pure: same record, findings and comparison, same text.

    `afterwards`: the policy in `record` is not the one that was fixed before the audit; the page then says so.
    """
    script = style("cases.js")
    return str(
        template("page.html.j2").render(
            page=page(record, findings, compared=compared, afterwards=afterwards),
            css=style("report.css"),
            script=script,
            script_hash=sha256_of(script),
        )
    )


def sha256_of(script: str) -> str:
    """Return what a content security policy knows a script by."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def template(name: str) -> Any:
    """Return a template of this folder: autoescape on, undefined names raise, control characters spelled out."""
    return _environment().get_template(name)


@cache
def style(name: str) -> Markup:
    """Return a style sheet or script of ours, which may be inlined as it is."""
    return Markup((resources.files(TEMPLATES) / "templates" / name).read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(TEMPLATES, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spelled_out,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(signs=SIGNS, judged=JUDGED)
    return environment


def _spelled_out(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
