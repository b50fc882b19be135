"""Measurements as tables: a plain list, or one facet down and one measurement across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.report.blocks import Block, Cell, Definitions, Fold, Table
from workbench.report.glossary import GLOSSARY
from workbench.report.text import short
from workbench.verdict import wording

_ROW_FACETS = (
    "group", "attribute", "recipe", "label", "attributor", "behaviour", "noise", "swap", "radius", "attack", "slice",
)  # fmt: skip
"""Facets that become rows, the first that is there."""
_FACET_TITLES = {
    "recipe": "Attack",
    "attributor": "Method",
    "group": "Group",
    "attribute": "Attribute",
    "label": "Label",
    "radius": "Words replaced, at most",
}


def listing(caption: str, measurements: Sequence[Measurement]) -> Table:
    """Return one row per measurement: value, interval, n and how the interval was computed."""
    levels = {wording.level(one.interval) for one in measurements if one.interval is not None}
    heading = f"{min(levels)} interval" if len(levels) == 1 else "Interval"
    return Table(
        caption,
        (
            Cell("Measurement"),
            Cell("Value", numeric=True),
            Cell(heading, numeric=True),
            Cell("n", numeric=True),
            Cell("Method"),
        ),
        tuple(
            (
                Cell(title(one.name), wording.about(one.where).strip()),
                Cell(wording.number(one.value, one.unit), numeric=True, strong=True),
                Cell(
                    wording.interval(one.interval, one.unit),
                    wording.level(one.interval) if one.interval is not None and len(levels) > 1 else "",
                    numeric=True,
                ),
                Cell(f"{one.n:,}", numeric=True),
                Cell("counted, not estimated" if one.interval is None else one.interval.method),
            )
            for one in measurements
        ),
    )


def tables(caption: str, measurements: Iterable[Measurement]) -> tuple[Table, ...]:
    """Return every one of `measurements` in as few tables as their facets allow."""
    plain: list[Measurement] = []
    shapes: dict[tuple[str, ...], list[Measurement]] = {}
    for one in measurements:
        row = next((facet for facet in _ROW_FACETS if facet in one.where), None)
        if row is None:
            plain.append(one)
        else:
            above = tuple(f"{facet}={value}" for facet, value in one.where.items() if facet != row)
            shapes.setdefault((row, *above), []).append(one)
    for (row, *_), held in shapes.items():
        alone = _alone(row, held)
        plain += [one for one in held if one.where[row] in alone]
        held[:] = [one for one in held if one.where[row] not in alone]
    made = [listing(f"{caption}, overall", plain)] if plain else []
    made += [_pivot(_caption(caption, row, outer), row, held) for (row, *outer), held in shapes.items() if held]
    return tuple(made)


def _alone(row: str, held: Sequence[Measurement]) -> set[str]:
    """Return the rows, but for the first, that share no measurement with another: a table of all is half empty."""
    names: dict[str, set[str]] = {}
    for one in held:
        names.setdefault(one.where[row], set()).add(one.name)
    return {
        key for key in list(names)[1:] if all(names[key].isdisjoint(of) for other, of in names.items() if other != key)
    }


def _caption(caption: str, row: str, above: Sequence[str]) -> str:
    words = {"group": "by group", "label": "by label", "attribute": "gaps between groups", "recipe": "by attack"}.get(
        row, f"by {row}"
    )
    of = ", ".join(
        part.partition("=")[2] if part.startswith("attribute=") else part.replace("=", ": ") for part in above
    )
    return f"{caption}, {words}{f' ({short(of)})' if of else ''}"


def _pivot(caption: str, row: str, held: Sequence[Measurement]) -> Table:
    names = list(dict.fromkeys(one.name for one in held))
    keys = list(dict.fromkeys(one.where[row] for one in held))
    by_key = {(one.where[row], one.name): one for one in held}
    return Table(
        caption,
        (
            Cell(_FACET_TITLES.get(row, row.replace("_", " ").capitalize())),
            *(Cell(title(name), numeric=True) for name in names),
        ),
        tuple((Cell(short(key)), *(estimate(by_key.get((key, name))) for name in names)) for key in keys),
    )


def estimate(one: Measurement | None) -> Cell:
    """Return value, interval and n in one cell."""
    if one is None:
        return Cell("not measured", numeric=True)
    small = f"n = {one.n:,}" if one.interval is None else f"{wording.interval(one.interval, one.unit)}; n = {one.n:,}"
    return Cell(wording.number(one.value, one.unit), small, numeric=True, strong=True)


def methods(measurements: Iterable[Measurement]) -> str:
    """Return the sentence that says how the intervals of pivoted tables were computed; gaps name theirs beside them."""
    by_method: dict[str, dict[str, None]] = {}
    for one in measurements:
        if one.interval is not None and one.where and set(one.where) != {"attribute"}:
            by_method.setdefault(f"{wording.level(one.interval)} {one.interval.method}", {})[title(one.name)] = None
    return "; ".join(f"{', '.join(names)}: {method}" for method, names in by_method.items())


def explained(measurements: Iterable[Measurement]) -> tuple[Block, ...]:
    """Return the fold that says what each of these numbers is and what would change it."""
    names = dict.fromkeys(one.name for one in measurements)
    pairs = tuple(
        (title(name), f"{GLOSSARY[name].what} What would change it: {GLOSSARY[name].changes}")
        for name in names
        if name in GLOSSARY
    )
    return (Fold("What these numbers mean, and what would change them", (Definitions(pairs),)),) if pairs else ()
