"""Smaller pages: an explanation on its own, and what notebooks show. The same values, the same escaping."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evidence.exhibits import TokenScores
from workbench.evidence.record import AuditRecord, Finding
from workbench.report.blocks import Paragraph
from workbench.report.explanations import LEGEND, explained_text
from workbench.report.gates import gate_table
from workbench.report.render import style, template
from workbench.report.summary import summary, summary_line
from workbench.report.text import plural, short

__all__ = ["explanation_fragment", "record_fragment", "render_explanation", "summary_line"]


def render_explanation(scores: Sequence[TokenScores]) -> str:
    """Return a self-contained page that shows what moved each decision, word by word."""
    targets = dict.fromkeys(one.target for one in scores)
    title = f"What moved the model: {short(', '.join(targets))}" if targets else "Nothing was explained"
    quotes = tuple(explained_text(one) for one in scores)
    return str(
        template("explanation.html.j2").render(title=title, legend=LEGEND, quotes=quotes, css=style("report.css"))
    )


def explanation_fragment(scores: Sequence[TokenScores]) -> str:
    """Return the explained texts as a fragment with its own scoped style, for notebooks."""
    blocks = (*(explained_text(one) for one in scores), Paragraph(LEGEND, "quiet"))
    return _fragment(blocks=blocks, summary=None, title="")


def record_fragment(record: AuditRecord, findings: Sequence[Finding]) -> str:
    """Return verdict and requirements as a fragment with its own scoped style, for notebooks."""
    title = f"{short(record.model.name)} on {short(record.corpus.name)}, {plural(record.corpus.n, 'example')}"
    blocks = (gate_table("Requirements, worst first", findings),) if findings else ()
    return _fragment(blocks=blocks, summary=summary(record, findings), title=title)


def _fragment(**values: object) -> str:
    return str(template("fragment.html.j2").render(css=style("fragment.css"), **values))
