"""Calibration error by equal-mass bins: raw, and with its own noise subtracted.

Over bins b with weight w_b, mean confidence c_b and accuracy a_b of the top label:

- raw, L1: sum of w_b |c_b - a_b|. Never 0 by chance: noise alone keeps it up (0.10 at n = 100 with 15 bins).
- L2 with noise subtracted: the sum of w_b [(c_b - a_b)^2 - V_b], its square root, 0 where the sum is negative. V_b is
  the estimated variance of a_b: a_b (1 - a_b) / (n_b - 1) where each person has one row (Kumar, Liang and Ma 2019,
  definition 4.1); in general that of G people, G / (G - 1) x the sum over people of (sum of their rows' deviations
  from a_b)^2 / n_b^2.

Bins are fixed by the confidences of the audited rows. Equal confidences share a bin, so the order of rows is of no
account; ties may leave fewer bins than asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.bootstrap import CELLS, People

Floats = NDArray[np.float64]

ROWS_PER_BIN = 2
"""At the least, where ties do not decide: with one row in a bin its noise cannot be estimated."""


class Errors(NamedTuple):
    """Calibration errors of one or many weightings, each (b,) but for the last."""

    raw: Floats
    squared: Floats
    """L2 squared with the noise subtracted: may be negative."""
    plug_in: Floats
    """L2 squared without subtraction: what `squared` estimates when the rows at hand are the whole population."""
    drift: Floats
    """Sum over bins of how far w_b (c_b - a_b) lies from that of the rows at hand: bounds |raw - raw at hand|."""
    parts: Floats
    """(b, bins): sqrt(w_b) (c_b - a_b), whose squares add up to `plug_in`."""

    @classmethod
    def joined(cls, parts: Sequence[Errors]) -> Errors:
        """Return the errors of several sets of weightings, one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Binned:
    """Rows in bins of equal mass by confidence."""

    confidence: Floats
    """Probability of the most probable label, (n,)"""
    right: NDArray[np.bool_]
    """Whether that label is true, (n,)"""
    people: People
    bins: int
    """Bins asked for."""

    @cached_property
    def bin(self) -> NDArray[np.int64]:
        """Each row's bin, (n,), 0 .. count - 1 in order of confidence."""
        return equal_mass(self.confidence, self.bins)

    @property
    def count(self) -> int:
        """How many bins there are."""
        return int(self.bin.max()) + 1

    @cached_property
    def _per_person(self) -> Floats:
        """Seven sums per person and bin, (people, 7 * count): all that any weighting of people needs."""
        inside = (self.bin[:, None] == np.arange(self.count)).astype(np.float64)
        columns = [inside, inside * self.confidence[:, None], inside * self.right[:, None].astype(np.float64)]
        rows, sure, right = np.split(self.people.totals(np.concatenate(columns, axis=1)), 3, axis=1)
        present = (rows > 0).astype(np.float64)
        return np.concatenate([rows, sure, right, rows**2, rows * right, right**2, present], axis=1)

    @cached_property
    def _sums(self) -> tuple[Floats, ...]:
        return tuple(np.split(self._per_person.sum(axis=0, keepdims=True), 7, axis=1))

    def errors(self, counts: Floats) -> Errors:
        """Return the errors when people are drawn `counts` (b, people) times."""
        return self._errors(*np.split(counts @ self._per_person, 7, axis=1))

    def observed(self) -> Errors:
        """Return the errors of the rows as they are, each (1,)."""
        return self._errors(*self._sums)

    def if_calibrated(self, *, replicates: int, rng: np.random.Generator) -> Errors:
        """Return the errors that a perfectly calibrated model with these confidences shows, (replicates,) each.

        Each row's top label is true with the probability claimed, independently of all other rows.
        """
        cell = self.bin * self.people.size + self.people.rows  # one person's rows within one bin
        order = np.argsort(cell, kind="stable")
        cells, starts, sizes = np.unique(cell[order], return_index=True, return_counts=True)
        bins = np.searchsorted(cells // self.people.size, np.arange(self.count))
        claimed, size = self.confidence[order], sizes.astype(np.float64)
        rows, sure, _, squares, _, _, people = self._sums
        found = []
        chunk = max(1, CELLS // len(cell))
        for start in range(0, replicates, chunk):
            right = rng.random((min(chunk, replicates - start), len(cell))) < claimed
            hits = np.add.reduceat(right.astype(np.float64), starts, axis=1)
            total, cross, square = (np.add.reduceat(x, bins, axis=1) for x in (hits, hits * size, hits**2))
            found.append(self._errors(rows, sure, total, squares, cross, square, people))
        return Errors.joined(found)

    def _errors(
        self, rows: Floats, sure: Floats, right: Floats, rr: Floats, rt: Floats, tt: Floats, people: Floats
    ) -> Errors:
        accuracy, size = np.divide(right, rows, out=np.zeros_like(right), where=rows > 0), np.where(rows > 0, rows, 1)
        gap = (sure - right) / size  # an empty bin has neither confidence nor hits: 0
        weight = rows / rows.sum(axis=1, keepdims=True)
        scatter = tt - 2 * accuracy * rt + np.square(accuracy) * rr  # people's squared deviations from a_b, summed
        factor = people / np.where(people > 1, people - 1, 1)
        noise = np.where(people > 1, factor * scatter / np.square(size), np.square(gap))  # one person tells nothing
        plug_in = (weight * np.square(gap)).sum(axis=1)
        mine = (self._sums[1] - self._sums[2]) / len(self.confidence)
        return Errors(
            raw=(weight * np.abs(gap)).sum(axis=1),
            squared=plug_in - (weight * noise).sum(axis=1),
            plug_in=plug_in,
            drift=np.abs(weight * gap - mine).sum(axis=1),
            parts=np.sqrt(weight) * gap,
        )


def equal_mass(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Return each row's bin: cuts at every (n / bins)-th sorted value; tied values lie in the first bin they reach."""
    n = len(confidence)
    wanted = max(1, min(bins, n // ROWS_PER_BIN))
    ordered = np.sort(confidence)
    last = np.array([part[-1] for part in np.array_split(ordered, wanted)])
    cuts = np.unique(last[:-1][last[:-1] < last[-1]])  # the largest value always stays in the last bin
    return np.searchsorted(cuts, confidence, side="left").astype(np.int64)
