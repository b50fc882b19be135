"""How far the groups of one attribute are apart: a row per criterion, a column per way to say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.evidence.measurement import Measurement
from workbench.report.blocks import Block, Cell, Definitions, Fold, Table
from workbench.report.tables import estimate, listing, tables
from workbench.verdict import wording

_COLUMNS = {
    "difference": "Difference between groups",
    "ratio": "Ratio between groups",
    "difference_to_overall": "Difference to all together",
    "ratio_to_overall": "Ratio to all together",
}
_CRITERIA = ("demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity", "accuracy")


def gap_tables(attribute: str, gaps: Sequence[Measurement]) -> Iterator[Block]:
    """Yield the tables of the gaps between the groups of `attribute`, and how their intervals were computed."""
    by_label = [one for one in gaps if "label" in one.where]
    plain = {one.name.removeprefix("fairness."): one for one in gaps if "label" not in one.where}
    names = {f"{criterion}_{form}": (criterion, form) for criterion in _CRITERIA for form in _COLUMNS}
    between = [plain[name] for name in names if name in plain]
    if between:
        yield _between(attribute, plain)
        yield Fold("How the intervals of these gaps were computed", (Definitions(_methods(between)),))
    if others := [one for name, one in plain.items() if name not in names]:
        yield listing(f"Groups of {attribute} together", others)
    yield from tables("Gaps of one label against the rest", by_label)


def _between(attribute: str, plain: dict[str, Measurement]) -> Table:
    rows = []
    for criterion in _CRITERIA:
        found = [plain.get(f"{criterion}_{form}") for form in _COLUMNS]
        if any(found):
            rows.append((Cell(criterion.replace("_", " ").capitalize()), *(estimate(one) for one in found)))
    columns = (Cell("Criterion"), *(Cell(title, numeric=True) for title in _COLUMNS.values()))
    return Table(
        f"Gaps between the groups of {attribute}: the largest difference, the smallest ratio", columns, tuple(rows)
    )


def _methods(gaps: Sequence[Measurement]) -> tuple[tuple[str, str], ...]:
    """Return gaps and how their intervals were computed; those of one method together."""
    by_method: dict[str, list[str]] = {}
    for one in gaps:
        if one.interval is not None:
            method = f"{wording.level(one.interval)} {one.interval.method}"
            by_method.setdefault(method, []).append(one.name.removeprefix("fairness.").replace("_", " "))
    return tuple((", ".join(names).capitalize(), method) for method, names in by_method.items())
