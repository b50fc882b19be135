"""Permutation tests between groups: what each assumes, what it found, and what a p-value does not say."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import GroupTest, GroupTests
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Cell, Heading, Paragraph, Table
from workbench.report.text import plural, short
from workbench.verdict import wording

CANNOT_HOLD_TOGETHER = (
    "Not everything can be equal at once: where the share of positives differs between groups and the model errs at "
    "all, equal precision, equal false positive rates and equal false negative rates exclude each other (Chouldechova "
    "2017), and so do calibration within groups and equal scores within each label (Kleinberg, Mullainathan and "
    "Raghavan 2017). Somebody has to decide which of them matters for this use."
)


def group_tests(record: AuditRecord) -> Iterator[Block]:
    """Yield the table of tests, and how to read it."""
    for _, one in record.exhibits("group_tests"):
        if isinstance(one, GroupTests) and one.tests:
            yield Heading("Could the differences between groups be chance?")
            yield Paragraph(_how(one), "quiet")
            yield _table(one)


def _how(one: GroupTests) -> str:
    deals = f"{one.permutations:,} times"
    if one.further:
        deals += f" (where that left p below 0.05, {one.permutations + one.further:,} times)"
    return (
        f"Groups were dealt anew among people {deals}, within what the null hypothesis keeps; p is the share of deals "
        "with a gap at least as large as the real one, which counts among them, so it is never below "
        f"{wording.number(1 / (1 + one.permutations + one.further), '')}. Adjusted p-values hold for all "
        f"{plural(len(one.tests), 'test')} of the table together ({one.adjustment}). A small one says that chance "
        "alone is an unlikely reason; a large one does not say that groups are equal: for that see the gap's interval. "
        "Gaps in accuracy and calibration have no such test, only intervals."
    )


def _table(one: GroupTests) -> Table:
    return Table(
        "Permutation tests of the gaps between groups",
        (
            Cell("Between the groups of"),
            Cell("Criterion", "and null hypothesis"),
            Cell("Largest gap", numeric=True),
            Cell("People", numeric=True),
            Cell("p", numeric=True),
            Cell("p, adjusted", numeric=True),
        ),
        tuple(_row(test) for test in one.tests),
    )


def _row(test: GroupTest) -> tuple[Cell, ...]:
    return (
        Cell(short(test.attribute), plural(test.groups, "group")),
        Cell(test.criterion.replace("_", " ").capitalize().replace("auc", "AUC"), test.null),
        Cell(wording.number(test.gap, "proportion"), numeric=True),
        Cell(f"{test.n:,}", numeric=True),
        Cell(wording.number(test.p, ""), numeric=True),
        Cell(wording.number(test.adjusted, ""), numeric=True, strong=True),
    )
