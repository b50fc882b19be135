"""Whether a slice is worse than the rest: chosen on one half of the people, tested on the other.

Whoever looks at many slices finds a bad one by chance, and the error of the worst is too high on the data it was chosen
on. On people who had no part in the choice neither holds, so the error there is what the slice's is, and a test there
needs to be adjusted for the slices tested only, not for all that were looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.audit.fairness.candidates import Rule
from workbench.audit.fairness.traits import Bools, Traits
from workbench.data.corpus import hashed
from workbench.evidence.bootstrap import People

FIRST_LOOK = 0.1
"""A slice is tested when, on the half where it was found, chance alone would make it that bad less often than this."""
ALIKE = 0.8
"""Of two slices that share so large a part of the rows that either has (Jaccard), the less clear one is left out."""

EXACT = "Fisher's exact test, one-sided"
CLUSTERED = "score test over people, one-sided"


class Half(NamedTuple):
    """The rows of half of the people."""

    traits: Traits
    wrong: Bools
    people: People

    def among(self, rows: Bools) -> Half:
        """Return the marked rows."""
        return Half(self.traits.among(rows), self.wrong[rows], self.people.among(rows))


class Suspect(NamedTuple):
    """A slice that looked worse than the rest on the first half."""

    rule: Rule
    rows: Bools
    """Of the first half."""
    p: float


def halves(people: Sequence[str]) -> Bools:
    """Return the rows on which slices are looked for, by a hash of each row's person; the others are held out."""
    side = {person: hashed(f"half for slices\0{person}") % 2 == 0 for person in set(people)}
    return np.array([side[person] for person in people], dtype=np.bool_)


def suspects(found: Half, rules: Sequence[Rule], *, minimum: int, most: int) -> tuple[Suspect, ...]:
    """Return the slices that look worst on `found`, the clearest first, `most` at most.

    Each has `minimum` people or more, and so has the rest.
    """
    seen: list[Suspect] = []
    for rule in rules:
        rows = rule.holds(found.traits)
        if large_enough(found, rows, minimum):
            p = worse(found.wrong, rows, found.people)
            if p <= FIRST_LOOK:
                seen.append(Suspect(rule, rows, p))
    chosen: list[Suspect] = []
    for one in sorted(seen, key=lambda one: (one.p, len(one.rule.conditions), str(one.rule))):
        if len(chosen) < most and not any(_alike(one.rows, other.rows) for other in chosen):
            chosen.append(one)
    return tuple(chosen)


def large_enough(half: Half, rows: Bools, minimum: int) -> bool:
    """Return whether the slice and the rest have at least `minimum` people each."""
    return all(half.people.among(side).size >= minimum for side in (rows, ~rows))


def worse(wrong: Bools, rows: Bools, people: People) -> float:
    """Return the one-sided p-value of the marked rows being wrong no more often than the rest.

    Fisher's exact test where nobody has more than one row. Else the score test: the difference of the two shares over
    its standard error if there were none, with the people's sums as units, against Student's t.
    """
    inside, errors = int(rows.sum()), int(wrong.sum())
    if not 0 < inside < len(rows):
        return 1.0
    if people.one_each:
        return float(stats.hypergeom.sf(int((wrong & rows).sum()) - 1, len(rows), errors, inside))
    weights = np.where(rows, 1 / inside, -1 / (len(rows) - inside))
    sums = people.totals(((wrong - wrong.mean()) * weights)[:, None])[:, 0]
    error = float(np.sqrt(people.size / max(1, people.size - 1) * np.square(sums).sum()))
    if error == 0:  # all rows right, or all wrong
        return 1.0
    least = min(people.among(rows).size, people.among(~rows).size)
    return float(stats.t.sf(sums.sum() / error, max(1, least - 1)))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p-values adjusted for all of `p`, whatever hangs together (Holm 1979); the chance that any is at or below
    a level without being worse is that level at most.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _alike(one: Bools, other: Bools) -> bool:
    return bool((one & other).sum() >= ALIKE * (one | other).sum())
