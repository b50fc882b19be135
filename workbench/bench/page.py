"""The results as one small self-contained page: no script, no request, no trust in any text."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.bench import wording
from workbench.bench.chart import chart
from workbench.bench.results import Bench, Gemm, Near
from workbench.report.render import style
from workbench.report.text import visible


def render(bench: Bench) -> str:
    """Return the page. Pure: the same results, the same text."""
    judged = [one for one in bench.results if one.met is not None]
    return str(
        _environment()
        .get_template("benchmarks.html.j2")
        .render(
            bench=bench,
            css=style("report.css"),
            chart=chart(bench.results),
            met=sum(one.met is True for one in judged),
            judged=len(judged),
            gemms=[one for one in bench.roofline if isinstance(one, Gemm)],
            limits=wording.limits(bench),
            nears=[wording.near(one) for one in bench.roofline if isinstance(one, Near)],
            spendings=wording.spending(bench),
            demo=wording.demo(bench),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbench.bench", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spelled_out,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(say=wording)
    return environment


def _spelled_out(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
