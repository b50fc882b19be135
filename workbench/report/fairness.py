"""Fairness: group sizes first, then rates with their intervals, then the gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.evidence.exhibits import GroupTable
from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.evidence.record import AuditRecord
from workbench.report import charts
from workbench.report.blocks import Block, Cell, Figure, Figures, Heading, Paragraph, Table
from workbench.report.counterfactual import counterfactual
from workbench.report.gaps import gap_tables
from workbench.report.group_tests import CANNOT_HOLD_TOGETHER, group_tests
from workbench.report.mitigation import mitigation
from workbench.report.tables import tables
from workbench.report.text import listed, short

_CHARTED = (
    "fairness.selection_rate",
    "fairness.accuracy",
    "fairness.true_positive_rate",
    "fairness.false_positive_rate",
)
"""Rates drawn as charts, in this order; every rate stands in the table."""

_CALIBRATION = ("fairness.ece", "fairness.ece_if_calibrated", "fairness.overconfidence", "fairness.brier")
"""Figures of the probabilities rather than of decisions and ranking: a table of their own."""

_MOST = 20
"""Groups of one attribute beyond which a chart says less than its table."""


def fairness(record: AuditRecord) -> tuple[Block, ...]:
    """Return everything on groups, attribute by attribute."""
    held = [one for _, one in record.measurements() if one.name.startswith("fairness.")]
    sizes = {
        exhibit.attribute: exhibit for _, exhibit in record.exhibits("group_table") if isinstance(exhibit, GroupTable)
    }
    attributes = dict.fromkeys([*sizes, *(one.where["attribute"] for one in held if "attribute" in one.where)])
    blocks: list[Block] = [Paragraph(f"Rates are about the decision “{short(record.audit.positive_label)}”.")]
    blocks += mitigation(record)
    for attribute in attributes:
        of = [one for one in held if one.where.get("attribute") == attribute]
        blocks += _attribute(attribute, sizes.get(attribute), of)
    if attributes:
        blocks.append(Paragraph(CANNOT_HOLD_TOGETHER))
    blocks += group_tests(record)
    blocks += tables("Fairness", [one for one in held if "attribute" not in one.where])
    blocks += counterfactual(record)
    return tuple(blocks)


def _attribute(attribute: str, sizes: GroupTable | None, held: Sequence[Measurement]) -> Iterator[Block]:
    name = short(attribute)
    yield Heading(name)
    if sizes is not None:
        yield _sizes(sizes)
        if sizes.too_small:
            yield Paragraph(
                f"Too small to compare, shown but in no gap: {listed([short(g) for g in sizes.too_small])}.", "note"
            )
    drawn = _charts(name, held)
    if drawn:
        yield Figures(drawn)
    rates = [one for one in held if "group" in one.where]
    gaps = [one for one in held if "group" not in one.where]
    yield from tables("Rates", [one for one in rates if one.name not in _CALIBRATION])
    yield from tables("Calibration", [one for one in rates if one.name in _CALIBRATION])
    yield from gap_tables(name, gaps)


def _sizes(sizes: GroupTable) -> Table:
    labels = list(dict.fromkeys(label for group in sizes.groups for label in group.by_label))
    return Table(
        f"Sizes of the groups of {short(sizes.attribute)}",
        (
            Cell("Group"),
            Cell("Examples", numeric=True),
            Cell("People", numeric=True),
            *(Cell(f"with label {short(label)}", numeric=True) for label in labels),
        ),
        tuple(
            (
                Cell(short(group.group)),
                Cell(f"{group.n:,}", numeric=True),
                Cell(f"{group.people:,}", numeric=True),
                *(Cell(f"{group.by_label.get(label, 0):,}", numeric=True) for label in labels),
            )
            for group in sizes.groups
        ),
    )


def _charts(name: str, held: Sequence[Measurement]) -> tuple[Figure, ...]:
    made = []
    for rate in _CHARTED:
        rows = [
            charts.Row(one.where["group"], one.value, one.interval.low, one.interval.high)
            for one in held
            if one.name == rate and "group" in one.where and one.interval is not None
        ]
        if 1 < len(rows) <= _MOST:
            label = f"{title(rate)} by group of {name}, with intervals. The numbers stand in the table below."
            made.append(Figure(charts.whiskers(rows, x=title(rate), label=label), f"{title(rate)} by {name}"))
    return tuple(made)
