"""Parts of the data that could be worse than the rest: one group, one range of a number, one node of a shallow tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from workbench.audit.fairness.traits import CONFIDENCE, Bools, Traits

DIGITS = 3
"""Thresholds are rounded to so many digits before they are used, so that a slice is what its name says."""


class Condition(NamedTuple):
    """One trait, compared with one value."""

    trait: str
    how: Literal["is", "<=", ">"]
    value: str | float

    def holds(self, traits: Traits) -> Bools:
        """Return the rows for which it holds, (n,)."""
        if self.how == "is":
            return np.asarray(traits.groups[self.trait] == self.value, dtype=np.bool_)
        numbers, cut = traits.numbers[self.trait], float(self.value)
        return np.asarray(numbers <= cut if self.how == "<=" else numbers > cut, dtype=np.bool_)

    def __str__(self) -> str:
        shown = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.trait} {self.how} {shown}"


class Rule(NamedTuple):
    """Conditions that hold together."""

    conditions: tuple[Condition, ...]

    def holds(self, traits: Traits) -> Bools:
        """Return the rows for which all hold, (n,)."""
        return np.asarray(np.all([one.holds(traits) for one in self.conditions], axis=0), dtype=np.bool_)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


def rules(traits: Traits, wrong: Bools, *, minimum: int, depth: int, most_groups: int) -> tuple[Rule, ...]:
    """Return the candidates that `traits` and `wrong` (n,) of one half suggest, without repeats.

    Args:
        traits: of that half.
        wrong: whether each row was decided wrongly.
        minimum: fewest rows of a node of the tree.
        depth: of the tree, over the traits of texts.
        most_groups: so many groups of one attribute, the largest.
    """
    found = (*_groups(traits, most_groups), *_ranges(traits), *_nodes(traits, wrong, minimum=minimum, depth=depth))
    return tuple({str(rule): rule for rule in found}.values())


def _groups(traits: Traits, most: int) -> Iterator[Rule]:
    for attribute, membership in traits.groups.items():
        sizes = sorted(Counter(membership.tolist()).items(), key=lambda item: (-item[1], item[0]))
        if len(sizes) > 1:
            yield from (Rule((Condition(attribute, "is", group),)) for group, _ in sizes[:most])


def _ranges(traits: Traits) -> Iterator[Rule]:
    """Yield each quarter of each number, and its lower and upper half."""
    for name, values in traits.numbers.items():
        if not len(values):
            continue
        cuts = [_rounded(float(cut)) for cut in np.quantile(values, [0.25, 0.5, 0.75])]
        low, middle, high = cuts
        spans: list[tuple[Condition, ...]] = [
            (Condition(name, "<=", low),),
            (Condition(name, ">", low), Condition(name, "<=", middle)),
            (Condition(name, ">", middle), Condition(name, "<=", high)),
            (Condition(name, ">", high),),
            (Condition(name, "<=", middle),),
            (Condition(name, ">", middle),),
        ]
        yield from map(Rule, spans)


def _nodes(traits: Traits, wrong: Bools, *, minimum: int, depth: int) -> Iterator[Rule]:
    """Yield every node below the root of scikit-learn's tree for wrong decisions over the traits of texts."""
    from sklearn.tree import DecisionTreeClassifier

    names = [name for name in traits.numbers if name != CONFIDENCE]
    if not names or not wrong.any() or wrong.all():
        return
    columns = np.stack([traits.numbers[name] for name in names], axis=1)
    # Deterministic: all traits are looked at in every split; the seed only orders equals.
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=minimum, random_state=0).fit(columns, wrong).tree_
    waiting: list[tuple[int, tuple[Condition, ...]]] = [(0, ())]
    while waiting:
        node, path = waiting.pop(0)
        if path:
            yield Rule(_narrowest(path))
        if tree.children_left[node] != tree.children_right[node]:
            name, cut = names[tree.feature[node]], _rounded(float(tree.threshold[node]))
            waiting.append((int(tree.children_left[node]), (*path, Condition(name, "<=", cut))))
            waiting.append((int(tree.children_right[node]), (*path, Condition(name, ">", cut))))


def _narrowest(path: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the path without what a later condition on the same trait and side makes needless, in order of name."""
    last = {(one.trait, one.how): one for one in path}
    return tuple(sorted(last.values(), key=lambda one: (one.trait, one.how != ">")))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
