"""Groups too small to be shown to strangers: which they are, and what is left of a record without them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.evidence.exhibits import Curve, Exhibit, GroupTable, Slices
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import WITHHELD, AuditRecord

SMALLEST = 10
"""Examples and people that a cell must have. Official statistics withhold cells below a threshold like this one."""


@dataclass(frozen=True)
class SmallGroups:
    """Attribute -> groups that are withheld."""

    held: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, record: AuditRecord) -> SmallGroups:
        """Return the groups of the audited data that are withheld."""
        sizes: dict[str, dict[str, int]] = {}
        for attribute, groups in record.corpus.groups.items():
            for group, n in groups.items():
                _smaller(sizes, attribute, group, n)
        for _, exhibit in record.exhibits("group_table"):
            if isinstance(exhibit, GroupTable):
                for one in exhibit.groups:
                    _smaller(sizes, exhibit.attribute, one.group, min(one.n, one.people))
        held = {attribute: withheld(groups) for attribute, groups in sizes.items()}
        for attribute, groups in sizes.items():
            if held[attribute] and _crossed(attribute, sizes):
                held[attribute] = frozenset(groups)  # its margins tell one cell by the others
        return cls(held)

    def __len__(self) -> int:
        return sum(len(groups) for groups in self.held.values())

    def named_in(self, text: str) -> bool:
        """Tell whether `text` names one of them beside its attribute."""
        return any(
            attribute in text and group and re.search(rf"(?<!\w){re.escape(group)}(?!\w)", text)
            for attribute, groups in self.held.items()
            for group in groups
        )

    def unnamed(self, text: str, attribute: str) -> str:
        """Return `text`, which is about groups of `attribute`, without the names of those withheld."""
        for group in sorted(self.held.get(attribute, ()), key=len, reverse=True):
            if group:
                text = re.sub(rf"(?<!\w){re.escape(group)}(?!\w)", WITHHELD, text)
        return text

    def about(self, where: Mapping[str, str]) -> bool:
        """Tell whether facets are about one of them."""
        return where.get("group", "") in self.held.get(where.get("attribute", ""), ()) or any(
            self.named_in(value) for value in where.values()
        )

    def hide(self, one: Measurement) -> bool:
        """Tell whether a measurement is about a group, or a slice, that is withheld or on which it has too few."""
        return self.about(one.where) or (one.n < SMALLEST and not one.where.keys().isdisjoint({"group", "slice"}))

    def without(self, exhibit: Exhibit) -> Exhibit | None:
        """Return `exhibit` without its small cells; None where nothing of it is left."""
        match exhibit:
            case GroupTable():
                return self._sizes(exhibit)
            case Curve() if "group" in exhibit.where:
                points = tuple(point for point in exhibit.points if point.n >= SMALLEST)
                hidden = not points or self.about(exhibit.where)
                return None if hidden else exhibit.model_copy(update={"points": points})
            case Slices():
                kept = tuple(
                    one
                    for one in exhibit.slices
                    if min(one.n, one.people, one.n_found, one.people_found) >= SMALLEST and not self.named_in(one.name)
                )
                return exhibit.model_copy(update={"slices": kept}) if kept or not exhibit.slices else None
            case _:
                return exhibit

    def _sizes(self, table: GroupTable) -> GroupTable | None:
        hidden = self.held.get(table.attribute, frozenset())
        shown = tuple(one for one in table.groups if one.group not in hidden)
        if hidden or any(n < SMALLEST for one in shown for n in one.by_label.values()):
            # All or none: what is left out of a row or column can be had from its total.
            shown = tuple(one.model_copy(update={"by_label": {}}) for one in shown)
        small = tuple(group for group in table.too_small if group not in hidden)
        return table.model_copy(update={"groups": shown, "too_small": small}) if shown else None


def withheld(sizes: Mapping[str, int]) -> frozenset[str]:
    """Return the groups to be withheld of one attribute: the small ones, and the next until no total tells their size.

    One withheld group alone could be had by subtraction, and so could several that are few together.
    """
    ranked = sorted(sizes, key=lambda group: (sizes[group], group))
    small = sum(sizes[group] < SMALLEST for group in ranked)
    if not small:
        return frozenset()
    while small < len(ranked) and (small < 2 or sum(sizes[group] for group in ranked[:small]) < SMALLEST):
        small += 1
    return frozenset(ranked[:small])


def large_enough(groups: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return a card's groups without those that are withheld; attributes of which none is left go too."""
    kept = {
        attribute: {group: n for group, n in sizes.items() if group not in withheld(sizes)}
        for attribute, sizes in groups.items()
    }
    return {attribute: sizes for attribute, sizes in kept.items() if sizes}


def _crossed(attribute: str, others: Iterable[str]) -> bool:
    """Tell whether `attribute` is made of two others, by its name."""
    return sum(other != attribute and other in attribute for other in others) >= 2


def _smaller(sizes: dict[str, dict[str, int]], attribute: str, group: str, n: int) -> None:
    held = sizes.setdefault(attribute, {})
    held[group] = min(n, held.get(group, n))
