import pytest

from workbench.evidence.measurement import Interval, Measurement
from workbench.verdict import wording


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.9124, "proportion", "0.912"),
        (-0.0001, "score", "-1.0e-04"),
        (0.0, "score", "0.000"),
        (-0.25, "score", "-0.250"),
        (90864192, "bytes", "86.7 MiB"),
        (12, "bytes", "12 bytes"),
        (22713986, "count", "22,713,986"),
        (0.0184, "seconds", "18.4 ms"),
        (0.00002, "seconds", "20 µs"),
        (75.0, "seconds", "75.0 s"),
        (222.0, "seconds", "3.7 min"),
        (57.34, "examples/second", "57.3 examples/second"),
        (0.2214, "nats", "0.221 nats"),
    ],
)
def test_numbers_are_said_as_people_expect(value, unit, said):
    assert wording.number(value, unit) == said


def test_an_interval_names_its_unit_once():
    held = Interval(low=0.2031, high=0.2402, method="m")
    assert wording.interval(held, "nats") == "0.203 to 0.240 nats"
    assert wording.interval(Interval(low=0.0009, high=0.0012, method="m"), "seconds") == "900 µs to 1.2 ms"
    assert wording.interval(None, "bytes") == "exact"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.8, "proportion", "0.80"),
        (0.975, "score", "0.975"),
        (1, "proportion", "1.00"),
        (200, "queries", "200"),
        (1500.5, "", "1,500.50"),
        (1e-11, "", "1e-11"),
        (0.1, "seconds", "100.0 ms"),
        (0.10004, "seconds", "100.04 ms"),
        (4 * 2**20 + 2**14, "bytes", "4.015625 MiB"),
    ],
)
def test_bounds_are_said_as_written(value, unit, said):
    assert wording.bound(value, unit) == said


def test_facets_in_words():
    assert wording.about({}) == ""
    assert wording.about({"attribute": "age", "group": "60+"}) == " for age 60+"
    assert wording.about({"attribute": "age"}) == " between the groups of age"
    assert wording.about({"recipe": "x@1", "seen_in_training": "no"}) == " under x@1 (an attack not seen in training)"
    assert wording.about({"attack": "*"}) == " for every attack"
    assert wording.about({"fpr": "0.01"}) == " at fpr 0.01"


@pytest.mark.parametrize(("values", "digits"), [((0.9,), 3), ((0.7996,), 4), ((0.79996,), 5), ((0.8,), 3)])
def test_enough_digits_to_see_the_side(values, digits):
    assert wording.digits_apart(values, 0.8) == digits


@pytest.mark.parametrize(
    ("value", "limit", "unit", "said"),
    [
        (0.10004, 0.1, "seconds", "100.04 ms"),
        (0.000100004, 0.0001, "seconds", "100.004 µs"),
        (200.04, 200.0, "queries", "200.04 queries"),
        (1024.0 * 1024 + 60, 1024.0 * 1024, "bytes", "1.0001 MiB"),
        (0.12, 0.1, "seconds", "120.0 ms"),
        (0.7, 0.7, "seconds", "700.0 ms"),
        (119.97, 120.0, "seconds", "119.97 s"),
        (1024.0 * 1024 - 1, 1024.0 * 1024, "bytes", "1,023.999 KiB"),
    ],
)
def test_an_amount_that_misses_does_not_read_as_the_bound(value, limit, unit, said):
    digits = wording.digits_apart((value,), limit, unit)
    assert wording.number(value, unit, digits=digits) == said
    own = Interval(low=value, high=value, method="m")
    measured = Measurement(name="cost.latency_p50", value=value, unit=unit, better="lower", n=9, interval=own)
    assert wording.digits_for(measured, f"at most {wording.bound(limit, unit)}") == digits


def test_small_changes_keep_their_size_and_nothing_has_no_minus():
    assert wording.signed(-0.0) == wording.signed(0.0) == "+0.000"
    assert (wording.signed(-0.0002), wording.signed(0.0123)) == ("-2.0e-04", "+0.012")
    assert (wording.signed(-591_544, "bytes"), wording.signed(0.25, "seconds")) == ("-577.7 KiB", "+250.0 ms")
