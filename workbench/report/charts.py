"""Charts: Altair specifications to inline SVG through vl-convert. No script, no network, equal input gives equal bytes.

Nothing is laid out by the width of a text (axes have a fixed extent), so the fonts of a machine change no byte. Colours
are the light palette; the page's style sheet maps each of them to the reader's own scheme.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from workbench.report.text import short, visible

SERIES = ("#1d4e79", "#a04000", "#3d6b35", "#6b3d78")
"""Ink of the first to fourth line; the style sheet knows them by these values."""
_DASHES = ([1, 0], [7, 4], [2, 3], [8, 3, 2, 3])
_MUTED, _FAINT, _TEXT = "#59636e", "#d5dae0", "#24292f"
_NAMES = 124
"""Pixels for the names of rows: 18 characters of 12 pixels' height."""
_TAGS = frozenset({"svg", "g", "path", "rect", "line", "text", "tspan", "circle", "title", "desc"})
_NAMESPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True, slots=True)
class Point:
    """One point with its interval."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """A named series of points."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One named value with its interval."""

    name: str
    value: float
    low: float
    high: float


def curve(
    lines: Sequence[Line], *, x: str, y: str, diagonal: bool, joined: bool, label: str, log: bool = False
) -> Markup:
    """Return lines over a shared axis: intervals as whiskers, or as bands where the points are `joined` densely.

    With `log`, the axis of x is logarithmic, and that of y still ends at 1 where no value lies above.
    """
    import altair as alt

    xs = [point.x for line in lines for point in line.points]
    ys = [bound for line in lines for point in line.points for bound in (point.low, point.high, point.y)]
    unit = min([*xs, *ys]) >= 0 and max([*xs, *ys]) <= 1
    start = int(min([*xs, *ys]) * 10) / 10 if unit and diagonal else 0  # top-label probabilities begin at 1 / labels
    x_scale = y_scale = alt.Scale(domain=[start, 1]) if unit else alt.Scale(zero=False, nice=True)
    if log:
        x_scale = alt.Scale(type="log", nice=False)
        y_scale = alt.Scale(domain=[0, 1]) if min(ys) >= 0 and max(ys) <= 1 else y_scale
    x_axis = alt.X("x:Q", title=_clean(x), scale=x_scale)
    layers = []
    if diagonal:
        ends = alt.Data(values=[{"x": start, "y": start}, {"x": 1, "y": 1}])
        layers.append(
            alt.Chart(ends)
            .mark_line(color=_MUTED, strokeDash=[4, 4], strokeWidth=1)
            .encode(x=x_axis, y=alt.Y("y:Q", title=_clean(y), scale=y_scale))
        )
    for index, line in enumerate(lines):
        ink, dash = SERIES[index % len(SERIES)], _DASHES[index % len(_DASHES)]
        data = [{"x": p.x, "y": p.y, "low": p.low, "high": p.high} for p in sorted(line.points, key=lambda p: p.x)]
        base = alt.Chart(alt.Data(values=data)).encode(x=x_axis)
        low = alt.Y("low:Q", title=_clean(y), scale=y_scale)
        value = alt.Y("y:Q", title=_clean(y), scale=y_scale)
        if joined:
            layers.append(base.mark_area(color=ink, opacity=0.14).encode(y=low, y2="high:Q"))
            layers.append(base.mark_line(color=ink, strokeWidth=2, strokeDash=dash).encode(y=value))
        else:
            layers.append(base.mark_rule(color=ink, strokeWidth=1.5).encode(y=low, y2="high:Q"))
            layers.append(base.mark_line(color=ink, strokeWidth=1, opacity=0.5).encode(y=value))
            layers.append(base.mark_point(color=ink, filled=True, size=42, opacity=1).encode(y=value))
    return _svg(alt.layer(*layers).properties(width=400, height=270), label, left=64)


def whiskers(rows: Sequence[Row], *, x: str, label: str, unit: bool = True) -> Markup:
    """Return one dot with its interval per row, in the order given."""
    import altair as alt

    names = _distinct([row.name for row in rows])
    data = [
        {"name": name, "value": row.value, "low": row.low, "high": row.high}
        for name, row in zip(names, rows, strict=True)
    ]
    scale = alt.Scale(domain=[0, 1]) if unit else alt.Scale(zero=True, nice=True)
    base = alt.Chart(alt.Data(values=data)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(minExtent=_NAMES, maxExtent=_NAMES, labelLimit=0))
    )
    bar = base.mark_rule(color=SERIES[0], strokeWidth=2).encode(
        x=alt.X("low:Q", title=_clean(x), scale=scale), x2="high:Q"
    )
    dot = base.mark_point(color=SERIES[0], filled=True, size=52, opacity=1).encode(
        x=alt.X("value:Q", title=_clean(x), scale=scale)
    )
    return _svg(alt.layer(bar, dot).properties(width=210, height=26 * len(rows)), label, left=_NAMES + 8)


def legend(lines: Sequence[Line]) -> str:
    """Return the lines' names with how each is drawn."""
    drawn = ("solid", "dashed", "dotted", "dash-dotted")
    if len(lines) < 2:
        return ""
    return "; ".join(f"{short(line.name, 60)} ({drawn[index % len(drawn)]})" for index, line in enumerate(lines))


def _clean(text: str) -> str:
    return visible(short(text, 60))


def _distinct(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    shown = []
    for name in (visible(short(name, 18)) for name in names):
        seen[name] = seen.get(name, 0) + 1
        shown.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return shown


def _svg(chart: Any, label: str, *, left: int) -> Markup:
    margins = {"left": left, "right": 16, "top": 10, "bottom": 50}
    themed = (
        chart.properties(autosize={"type": "none"}, padding=margins)
        .configure(font="sans-serif", background="transparent", aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            grid=True, gridColor=_FAINT, domainColor=_MUTED, tickColor=_MUTED, labelColor=_TEXT, titleColor=_TEXT,
            labelFontSize=13, titleFontSize=13, titleFontWeight="normal", titlePadding=8,
            labelOverlap=False,
        )
        .configure_axisX(minExtent=26, maxExtent=26, tickCount=5)
        .configure_axisQuantitative(format="~g")
        .configure_axisY(minExtent=34, maxExtent=34)
    )  # fmt: skip
    return Markup(_drawn(json.dumps(themed.to_dict(), sort_keys=True), label))


@lru_cache(maxsize=256)
def _drawn(spec: str, label: str) -> str:
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(json.loads(spec))
    root = ElementTree.fromstring(drawn)
    for element in root.iter():
        if element.tag.removeprefix(_NAMESPACE) not in _TAGS or any(_active(name) for name in element.attrib):
            raise AssertionError(f"a chart may not hold {element.tag!r} {sorted(element.attrib)}")
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib.clear()
    root.attrib.update(
        {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": visible(label), "class": "chart"}
    )
    for element in root.iter():
        element.tag = element.tag.removeprefix(_NAMESPACE)
        for name in [name for name in element.attrib if name.startswith(("aria-", "pointer-")) and element is not root]:
            del element.attrib[name]
        if element is not root:
            element.attrib.pop("role", None)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r'<path class="(background|foreground)" d="(M0,0h0v0h0Z)?"[^>]*/>', "", text)


def _active(name: str) -> bool:
    return name.lower().startswith("on") or "href" in name.lower()
