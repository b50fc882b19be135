"""How the verdict and the report say numbers: one place, so that a sentence and a table never disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isclose

from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.names import title

SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "not_established": "?"}
"""A verdict's sign: colour is never the only one."""

_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")
_SCALES = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0} | {unit: 1024.0**i for i, unit in enumerate(_BINARY)}
_MOST_DIGITS = 8
_PLAIN = frozenset({"proportion", "score", "ratio", "difference", ""})
_CONVERTED = frozenset({"bytes", "seconds"})
"""Said in the unit that fits: KiB, ms."""


def number(value: float, unit: str, *, digits: int = 3) -> str:
    """Return `value` as a reader expects it: plain numbers with `digits` decimals, amounts with their unit.

    Amounts have one decimal, and one more for each that `digits` exceeds three.
    """
    if unit in _PLAIN:
        return _plain(value, digits)
    more = max(0, digits - 3)
    match unit:
        case "bytes":
            return _bytes(value, more)
        case "seconds":
            return _seconds(value, more)
        case "count":
            return f"{value:,.0f}" if value == int(value) else f"{value:,.{1 + more}f}"
        case "queries" | "examples/second" | "words":
            return f"{value:,.{1 + more}f} {unit}"
        case _:
            return f"{_plain(value, digits)} {unit}"


def _plain(value: float, digits: int) -> str:
    if value != 0 and abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}"
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text  # no minus zero


def _bytes(value: float, more: int) -> str:
    step = 0
    while abs(value) >= 1024 and step < len(_BINARY) - 1:
        value, step = value / 1024, step + 1
    return f"{value:,.{more}f} {_BINARY[step]}" if step == 0 else f"{value:,.{1 + more}f} {_BINARY[step]}"


def _seconds(value: float, more: int) -> str:
    if abs(value) < 1e-3:
        return f"{value * 1e6:,.{more}f} µs"
    if abs(value) < 1:
        return f"{value * 1e3:,.{1 + more}f} ms"
    if abs(value) < 120:
        return f"{value:,.{1 + more}f} s"
    return f"{value / 60:,.{1 + more}f} min"


def interval(held: Interval | None, unit: str, *, digits: int = 3) -> str:
    """Return '0.901 to 0.922', or 'exact' for a quantity that is counted."""
    if held is None:
        return "exact"
    low, high = number(held.low, unit, digits=digits), number(held.high, unit, digits=digits)
    (bare, _, low_unit), (_, _, high_unit) = low.partition(" "), high.partition(" ")
    return f"{bare if low_unit == high_unit else low} to {high}"


def signed(value: float, unit: str = "") -> str:
    """Return a change with its sign: '+0.012', '-577.7 KiB'; one that is small and not nothing as '-2.0e-04'."""
    if unit in _CONVERTED:
        return f"{'-' if value < 0 else '+'}{number(abs(value), unit)}"
    if value != 0 and abs(value) < 0.0005:
        return f"{value:+.1e}"
    return f"{value + 0.0:+.3f}" if abs(value) < 100 else f"{value:+,.0f}"


def signed_interval(held: Interval) -> str:
    """Return the interval of a change: '-0.031 to +0.002'."""
    return f"{signed(held.low)} to {signed(held.high)}"


def level(held: Interval) -> str:
    """Return '95%'."""
    return f"{held.level * 100:.3g}%"


def bound(value: float, unit: str) -> str:
    """Return a requirement's number as written in the policy, with at least two decimals for plain numbers."""
    if unit in _CONVERTED:
        exact = _shown(number(value, unit, digits=_MOST_DIGITS))
        texts = (number(value, unit, digits=digits) for digits in range(3, _MOST_DIGITS + 1))
        return next(text for text in texts if _shown(text) == exact)
    if 0 < abs(value) < 1e-9:
        return f"{value:g}"
    text = f"{value:.10f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    plain = f"{int(whole):,}" if abs(value) >= 1000 else whole
    if unit in _PLAIN:
        return f"{plain}.{decimals:0<2}"
    return f"{plain}.{decimals}" if decimals else plain


def digits_apart(values: tuple[float, ...], limit: float, unit: str = "") -> int:
    """Return how many digits for `number` (3 to 8) show every one of `values` on its true side of `limit`."""
    for digits in range(3, _MOST_DIGITS):
        if unit in _PLAIN:
            apart = all(_side(round(value, digits), limit) == _side(value, limit) for value in values)
        else:  # rounding keeps the order: what reads otherwise lies on its side
            held = _amount(number(limit, unit, digits=digits))
            apart = all(
                isclose(value, limit) or not isclose(_amount(number(value, unit, digits=digits)), held)
                for value in values
            )
        if apart:
            return digits
    return _MOST_DIGITS


def _amount(text: str) -> float:
    """Return what a reader takes '1,024.0 KiB' for."""
    return float(_shown(text)) * _SCALES.get(text.partition(" ")[2], 1.0)


def _shown(text: str) -> Decimal:
    """Return the number that '1,024.0 KiB' begins with."""
    return Decimal(text.partition(" ")[0].replace(",", ""))


def limit_of(bound: str) -> float | None:
    """Return the number of 'at least 0.80'; None for bounds with a unit, and where none is set."""
    words, _, number = bound.rpartition(" ")
    if words not in {"at least", "at most"}:
        return None
    try:
        return float(number.replace(",", ""))
    except ValueError:
        return None


def digits_for(measurement: Measurement, bound: str) -> int:
    """Return how many decimals show a measurement and its interval on their true sides of a bound in words."""
    limit, held, unit = limit_of(bound), measurement.interval, measurement.unit
    if limit is None:  # 'at most 100.0 ms'
        words, _, scale = bound.rpartition(" ")
        limit = limit_of(words)
        if limit is None or scale not in _SCALES:
            return 3
        limit *= _SCALES[scale]
    return digits_apart((measurement.value, *((held.low, held.high) if held else ())), limit, unit)


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Return 'a, b and c'; at most `limit` names."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def about(where: Mapping[str, str]) -> str:
    """Return facets in words, beginning with a space (' for age_band 60+'); '' for none."""
    left = dict(where)
    parts = []
    if "attribute" in left and "group" in left:
        attribute, group = left.pop("attribute"), left.pop("group")
        parts.append("for every group" if group == "*" else f"for {attribute} {group}")
    elif "attribute" in left:
        attribute = left.pop("attribute")
        parts.append("between groups" if attribute == "*" else f"between the groups of {attribute}")
    for facet, word in (
        ("recipe", "under"),
        ("attributor", "of"),
        ("label", "for the label"),
        ("swap", "for the swap"),
        ("slice", "for the slice"),
    ):
        if facet in left:
            value = left.pop(facet)
            parts.append(f"{word} every {facet}" if value == "*" else f"{word} {value}")
    seen = left.pop("seen_in_training", None)
    for facet, value in left.items():
        name = facet.replace("_", " ")
        parts.append(f"for every {name}" if value == "*" else f"at {name} {value}")
    if seen is not None and seen != "*":
        parts.append(
            "(an attack seen in training)" if seen in {"yes", "true", "True"} else "(an attack not seen in training)"
        )
    return "".join(f" {part}" for part in parts)


def subject(name: str, where: Mapping[str, str]) -> str:
    """Return what a measurement is about as the beginning of a sentence: 'Selection rate for age_band 60+'."""
    return title(name) + about(where)


def statement(measurement: Measurement, *, digits: int = 3) -> str:
    """Return 'Accuracy is 0.912 (95% interval 0.901 to 0.922, n = 2,831)'."""
    unit, held = measurement.unit, measurement.interval
    sure = (
        "exact"
        if held is None
        else f"{level(held)} interval {interval(held, unit, digits=digits)}, n = {measurement.n:,}"
    )
    return (
        f"{subject(measurement.name, measurement.where)} is {number(measurement.value, unit, digits=digits)} ({sure})"
    )
