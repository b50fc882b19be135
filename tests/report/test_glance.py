"""The bars of the first screen: where value, interval and gate are drawn."""

import re

import pytest

from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Evidence, Failed, Finding
from workbench.report.glance import WIDTH, bar, glance
from workbench.report.summary import PILLARS, summary


def finding(value, low, high, bound, *, verdict="fail", unit="proportion", name="performance.accuracy"):
    interval = None if low is None else Interval(low=low, high=high, method="Wilson")
    name = name if interval is not None else "privacy.epsilon"
    one = Measurement(name=name, value=value, unit=unit, better="higher", n=50, interval=interval)
    return Finding(criterion="c", severity="fail", verdict=verdict, because="b", why="w", measurement=name, where={},
                   bound=bound, evidence=one, probe="p@1")  # fmt: skip


def drawn(svg):
    """Return (axis start, axis end, allowed left and right, gate, low, high, value) in the axis's units."""
    numbers = {key: float(value) for key, value in re.findall(r'(x1|x2|cx)="([\d.]+)"', re.sub(r'class="gate" x1="[\d.]+" x2="[\d.]+"', "", svg))}  # fmt: skip  # noqa: E501
    gate = float(re.search(r'class="gate" x1="([\d.]+)"', svg)[1])
    left, wide = map(float, re.search(r'class="allowed" x="([\d.]+)" y="9" width="([\d.]+)"', svg).groups())
    first, last = map(float, re.findall(r">([\d.e+-]+)</text>", svg))

    def value(x):
        return first + (x - 6) / (WIDTH - 12) * (last - first)

    return first, last, value(left), value(left + wide), value(gate), value(numbers["x1"]), value(numbers["x2"]), value(numbers["cx"])  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("numbers", "bound", "axis", "allowed"),
    [
        ((0.95, 0.94, 0.96), "at least 0.97", (0.9, 1), (0.97, 1)),
        ((0.5, 0.4, 0.6), "at least 0.80", (0, 1), (0.8, 1)),
        ((0.03, 0.02, 0.05), "at most 0.05", (0, 0.1), (0, 0.05)),
        ((0.067, 0.01, 0.131), "at most 0.10", (0, 0.2), (0, 0.1)),
        ((0.0, 0.0, 0.01), "at most 0.05", (0, 0.1), (0, 0.05)),
    ],
)
def test_everything_is_drawn_where_it_is(numbers, bound, axis, allowed):
    first, last, left, right, gate, low, high, value = drawn(bar(finding(*numbers, bound)))
    assert (first, last) == axis
    tolerance = (last - first) / 200
    assert (left, right) == pytest.approx(allowed, abs=tolerance)
    assert gate == pytest.approx(float(bound.split()[-1]), abs=tolerance)
    assert (value, low, high) == pytest.approx(numbers, abs=tolerance)


def test_exact_and_large_numbers_are_drawn_too():
    first, last, *_, value = drawn(bar(finding(8.0, None, None, "at most 3.00", unit="")))
    assert first == 0
    assert last == pytest.approx(9.25, abs=0.06)
    assert value == pytest.approx(8.0, abs=0.1)


def test_a_bar_has_its_numbers_in_words():
    label = re.search(r'aria-label="([^"]*)"', bar(finding(0.95, 0.94, 0.96, "at least 0.97")))[1]
    assert label == "Accuracy: 0.950 (0.940 to 0.960), n = 50; at least 0.97 is required"


def test_no_bar_without_a_number_or_a_plain_bound():
    assert bar(finding(0.95, 0.94, 0.96, "at most 190.7 MiB")) == ""
    assert bar(finding(0.95, 0.94, 0.96, "reported, no bound")) == ""
    assert bar(finding(0.95, 0.94, 0.96, "at least 0.97").model_copy(update={"evidence": None})) == ""


def test_the_worst_requirement_of_each_pillar_is_shown(rich):
    rows = {row.section: row for row in summary(rich, rich.findings).glance}
    assert list(rows) == list(PILLARS)
    assert rows["performance"].verdict == "fail"
    assert rows["performance"].text.startswith("ROC-AUC: 0.951")
    assert rows["performance"].small == "1 of 3 requirements met"
    assert rows["privacy"].verdict == "not_established"
    assert rows["explanations"].verdict == ""
    assert rows["explanations"].text == "Measured; the policy sets no bound."


def test_a_crashed_probe_leaves_no_pillar_met(rich):
    ok = finding(0.9, 0.89, 0.91, "at least 0.80", verdict="pass")
    crash = Evidence(probe="performance.x@1", params={}, seed=0, seconds=0, result=Failed(error="ValueError: x"))
    held = rich.model_copy(update={"evidence": (crash,)})
    (row,) = glance(held, (ok,), {"performance": "Performance"})
    assert row.verdict == "not_established"
    (row,) = glance(held.model_copy(update={"evidence": ()}), (ok,), {"performance": "Performance"})
    assert row.verdict == "pass"
    (row,) = glance(held, (), {"performance": "Performance"})
    assert (row.verdict, row.text) == ("not_established", "A probe crashed.")


def test_what_must_only_be_reported_is_no_gate_that_was_met(rich):
    only = finding(0.9, 0.89, 0.91, "reported, no bound", verdict="pass")
    (row,) = glance(rich, (only,), {"performance": "Performance"})
    assert row.verdict == ""


def test_what_was_not_tested_is_said(rich):
    (row,) = glance(rich.model_copy(update={"evidence": ()}), (), {"fairness": "Fairness"})
    assert (row.verdict, row.text) == ("", "Not tested in this audit.")
