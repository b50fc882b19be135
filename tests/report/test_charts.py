from xml.etree import ElementTree

import pytest

from workbench.report.charts import Line, Point, Row, curve, whiskers

HOSTILE = '"><img src=x onerror=alert(1)></svg><script>alert(1)</script>'


def dot(name="a", value=0.5):
    return Row(name, value, value - 0.1, value + 0.1)


def test_charts_are_svg_with_a_name_and_without_size_or_links():
    drawn = whiskers([dot("a"), dot("b", 0.7)], x="rate", label="two rates")
    root = ElementTree.fromstring(drawn)
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "two rates"
    assert "width" not in root.attrib
    assert "href" not in drawn


def test_hostile_names_stay_names():
    drawn = whiskers([dot(HOSTILE), dot("b\x1b\u202e")], x=HOSTILE, label=HOSTILE)
    tags = {element.tag for element in ElementTree.fromstring(drawn).iter()}
    assert tags <= {"svg", "g", "path", "line", "text"}
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn


def test_equal_names_stay_apart():
    rows = [dot("the same long beginning, a"), dot("the same long beginning, b")]
    root = ElementTree.fromstring(whiskers(rows, x="rate", label="x"))
    names = [element.text for element in root.iter("text") if element.text and "same" in element.text]
    assert len(set(names)) == 2


def test_values_sit_where_the_scale_says():
    root = ElementTree.fromstring(whiskers([Row("a", 0.25, 0.0, 1.0)], x="rate", label="x"))
    (whisker,) = [e for e in root.iter("line") if e.attrib.get("stroke") == "#1d4e79"]
    (point,) = [e for e in root.iter("path") if e.attrib.get("fill") == "#1d4e79"]
    assert whisker.attrib["x2"].lstrip("-") == "210"
    assert point.attrib["transform"].startswith("translate(52.5,")


def test_four_lines_and_a_diagonal_are_told_apart_by_more_than_colour():
    lines = [Line(f"l{k}", tuple(Point(x / 10, x / 20 + k / 10, 0, 1) for x in range(11))) for k in range(4)]
    root = ElementTree.fromstring(curve(lines, x="x", y="y", diagonal=True, joined=True, label="lines"))
    dashes = {e.attrib.get("stroke-dasharray") for e in root.iter("path") if e.attrib.get("stroke")}
    assert len(dashes) == 5


def test_a_reliability_curve_fills_its_chart_on_equal_axes():
    points = tuple(Point(x, x - 0.02, x - 0.05, x) for x in (0.6, 0.8, 0.99))
    root = ElementTree.fromstring(curve([Line("r", points)], x="x", y="y", diagonal=True, joined=False, label="r"))
    labels = [element.text for element in root.iter("text")]
    assert labels.count("0.5") == 2
    assert "0.4" not in labels


def test_same_input_same_bytes():
    assert whiskers([dot()], x="rate", label="x") == whiskers([dot()], x="rate", label="x")


def test_a_logarithmic_axis_gives_equal_steps_to_equal_factors():
    line = Line("a", tuple(Point(float(x), y, y, y) for x, y in ((1, 0.0), (10, 0.5), (100, 1.0))))
    root = ElementTree.fromstring(
        curve([line], x="queries", y="share", diagonal=False, joined=False, log=True, label="x")
    )
    points = [e.attrib["transform"] for e in root.iter("path") if e.attrib.get("fill") == "#1d4e79"]
    xs, ys = zip(*(map(float, one.removeprefix("translate(").rstrip(")").split(",")) for one in points), strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1])
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2])
    assert (xs[0], ys[2]) == (0, 0), "the axes end at the first number and at one"
