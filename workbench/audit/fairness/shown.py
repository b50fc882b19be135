"""Which groups of an attribute are handled at all: a column of ids or free text names as many groups as people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from workbench.audit.performance.predictions import Predictions
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Note


class Shown(NamedTuple):
    """The rows of an attribute's largest groups."""

    seen: Predictions
    membership: tuple[str, ...]
    """The group of each row."""
    others: int
    """Groups that are not among them."""
    note: Note | None
    """Says so where there are any."""


def without(shown: Iterable[str], compared: Iterable[str], *, others: int) -> tuple[str, ...]:
    """Return whom a number that compares `compared` leaves out: other groups that are shown, and `others` that are not.

    Those that are not even shown may be as many as people, and have no name here.
    """
    held = set(compared)
    return (*(group for group in shown if group not in held), *((f"{others:,} smaller groups",) if others else ()))


def largest(seen: Predictions, attribute: str, membership: Sequence[str], *, at_most: int) -> Shown:
    """Return the rows of the `at_most` groups with most people (equals by name).

    Nothing is merged: rows of other groups are left out of everything that is said about `attribute`.
    """
    names = sorted(set(membership))  # not through numpy, whose arrays of text are as wide as the longest
    place = {name: g for g, name in enumerate(names)}
    group = np.array([place[name] for name in membership], dtype=np.int64)
    if len(names) <= at_most:
        return Shown(seen, tuple(membership), 0, None)
    people = seen.people
    memberships = np.unique(group * people.size + people.rows)  # each person once per group
    sizes = np.bincount(memberships // people.size, minlength=len(names))
    kept = np.zeros(len(names), dtype=np.bool_)
    kept[np.argsort(-sizes, kind="stable")[:at_most]] = True
    keep = kept[group]
    others = len(names) - at_most
    note = Note(
        text=f"{attribute}: {others} smaller groups, {people.among(~keep).size} people in all, are not "
        f"shown: of {len(names)} groups only the {at_most} with most people are. A column of ids or free text is no "
        f"group column; for fewer groups, join values in the data."
    )
    rows = replace(
        seen,
        probabilities=seen.probabilities[keep],
        labels=seen.labels[keep],
        decisions=seen.decisions[keep],
        people=People(people.codes[keep]),
    )
    return Shown(rows, tuple(name for name, shown in zip(membership, keep, strict=True) if shown), others, note)
