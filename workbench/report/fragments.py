"""Smaller pages: an explanation on its own, and what notebooks show. The same values, the same escaping."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evidence.exhibits import MethodQuality, TokenScores
from workbench.evidence.explained import numbered
from workbench.evidence.record import AuditRecord, Finding
from workbench.report.blocks import Block, Paragraph
from workbench.report.explanations import explained_text
from workbench.report.gates import gate_table
from workbench.report.legends import legend
from workbench.report.render import style, template
from workbench.report.summary import summary, summary_line
from workbench.report.text import plural, short
from workbench.report.trust import worth

__all__ = ["explanation_fragment", "record_fragment", "render_explanation", "summary_line"]

_WHOLE = "the explanation, saved as JSON, holds the whole text"


def render_explanation(scores: Sequence[TokenScores], quality: Sequence[Sequence[MethodQuality]] = ()) -> str:
    """Return a self-contained page that shows what moved each decision, word by word, and what that is worth."""
    targets = dict.fromkeys(one.target for one in scores)
    title = f"What moved the model: {short(', '.join(targets))}" if targets else "Nothing was explained"
    page = template("explanation.html.j2")
    blocks, css = _explained(scores, quality), style("report.css")
    return str(page.render(title=title, legend=legend(scores), blocks=blocks, css=css))


def explanation_fragment(scores: Sequence[TokenScores], quality: Sequence[Sequence[MethodQuality]] = ()) -> str:
    """Return the explained texts as a fragment with its own scoped style, for notebooks."""
    return _fragment(blocks=(*_explained(scores, quality), Paragraph(legend(scores), "quiet")), summary=None, title="")


def _explained(scores: Sequence[TokenScores], quality: Sequence[Sequence[MethodQuality]]) -> tuple[Block, ...]:
    """Return the texts in their order, each with its methods, and before them what these are worth on it."""
    blocks: list[Block] = []
    before = None
    for one, text in zip(scores, numbered(scores), strict=True):
        if quality and text != before and (held := quality[text]):
            blocks.append(worth(held))
        blocks.append(explained_text(one, _WHOLE))
        before = text
    return tuple(blocks)


def record_fragment(record: AuditRecord, findings: Sequence[Finding]) -> str:
    """Return verdict and requirements as a fragment with its own scoped style, for notebooks."""
    title = f"{short(record.model.name)} on {short(record.corpus.name)}, {plural(record.corpus.n, 'example')}"
    blocks = (gate_table("Requirements, worst first", findings),) if findings else ()
    return _fragment(blocks=blocks, summary=summary(record, findings), title=title)


def _fragment(**values: object) -> str:
    return str(template("fragment.html.j2").render(css=style("fragment.css"), **values))
