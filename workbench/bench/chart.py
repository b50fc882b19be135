"""Ratios as bars with ranges and target marks: plain numbers for the template's SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.bench import wording
from workbench.bench.results import Result

WIDTH, _LEFT, _RIGHT = 360, 4, 46
"""User units; a phone shows one as about one pixel."""
_TITLE, _BAR, _GAP = 20, 17, 12
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Bar:
    """One precision of one work."""

    precision: str
    y: float
    width: float
    low: float
    high: float
    target: float | None
    aim: float | None
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """One work: its name above its bars."""

    name: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it, in user units."""

    width: int
    height: float
    left: int
    one: float
    """Where stock's own speed lies."""
    ticks: tuple[tuple[float, str], ...]
    bottom: float
    groups: tuple[Group, ...]


def chart(results: Sequence[Result]) -> Chart | None:
    """Lay out the chart; the axis is linear from 0, so that lengths are speeds. None without results."""
    if not results:
        return None
    most = max(max(one.ratios.high, one.target or 0, one.aim or 0, 1.0) for one in results)
    scale = (WIDTH - _LEFT - _RIGHT) / most

    def x(value: float) -> float:
        return round(_LEFT + value * scale, 2)

    groups: list[Group] = []
    y = 4.0
    for name in dict.fromkeys(one.name for one in results):
        mine = [one for one in results if one.name == name]
        bars = tuple(
            Bar(
                precision=one.precision,
                y=y + _TITLE + i * _BAR,
                width=round(x(one.ratio) - _LEFT, 2),
                low=x(one.ratios.low),
                high=x(one.ratios.high),
                target=None if one.target is None else x(one.target),
                aim=None if one.aim is None else x(one.aim),
                value=wording.times(one.ratio),
            )
            for i, one in enumerate(mine)
        )
        groups.append(Group(mine[0].title, y, bars))
        y += _TITLE + _BAR * len(mine) + _GAP
    step = next((tick for tick in _TICKS if most / tick <= 5), _TICKS[-1])
    ticks = tuple((x(value), f"{value}x") for value in range(0, int(most) + 1, step))
    return Chart(WIDTH, y + 22, _LEFT, x(1), ticks, y, tuple(groups))
