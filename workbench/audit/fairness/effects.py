"""What swapping terms does to decisions and scores: rates and means over pairs of texts, intervals over people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.evidence.bootstrap import People, proportion_interval, rare_interval
from workbench.evidence.measurement import Better, Interval, Measurement

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """Pairs of texts, row by row, and what they come to."""

    differences: Floats
    """Score of the second text less that of the first, (n,), in [-1, 1]"""
    direction: NDArray[np.int64]
    """(n,); 1: the first text is of the first group; -1: of the second; 0: of both"""
    flips: NDArray[np.bool_]
    """(n,)"""
    people: People
    flip: Interval
    absolute: Interval
    change: Interval | None
    """Of the mean signed change; None where fewer than two people's texts have a direction."""

    @property
    def directed(self) -> NDArray[np.bool_]:
        """Pairs that have a direction, (n,)."""
        return np.asarray(self.direction != 0)

    @property
    def signed(self) -> Floats:
        """Score of the second group less that of the first, of the pairs with a direction."""
        return np.asarray((self.differences * self.direction)[self.directed], dtype=np.float64)

    def measurements(self, swap: str) -> Iterator[Measurement]:
        """Yield flip rate, mean size of the score change, and mean signed score change where it is known."""
        n = self.people.size
        yield _measured("flip_rate", float(self.flips.mean()), "lower", n, self.flip, swap)
        yield _measured("absolute_change", float(np.abs(self.differences).mean()), "lower", n, self.absolute, swap)
        if self.change is not None:
            n = self.people.among(self.directed).size
            yield _measured("score_change", float(self.signed.mean()), "neither", n, self.change, swap)


def effect(
    differences: Floats,
    direction: NDArray[np.int64],
    flips: NDArray[np.bool_],
    people: People,
    *,
    rng: np.random.Generator,
) -> Effect:
    """Return the effect of pairs, at least one, with 95% intervals by resampling people."""
    assert len(differences) == len(direction) == len(flips) == len(people.codes) > 0
    flip = proportion_interval(flips, people, rng=rng)
    absolute = rare_interval(np.abs(differences), people, top=1.0, rng=rng)
    assert flip is not None  # there are rows
    assert absolute is not None
    directed = np.asarray(direction != 0)
    signed = np.asarray((differences * direction)[directed], dtype=np.float64)
    change = change_interval(signed, people.among(directed), rng=rng)
    return Effect(differences, direction, flips, people, flip, absolute, change)


def change_interval(signed: Floats, people: People, *, rng: np.random.Generator) -> Interval | None:
    """Return the interval of the mean of `signed` changes, each in [-1, 1]; None for fewer than two people.

    As of the mean size, few texts may make up most of it: one person more counts at either end, at -1 and at 1.
    Simulated (300 audits each; 30 to 1,000 people, 0.5% to 6% of whose texts move by up to 1, or all a little): covers
    99.7 to 100%, the mean size 96.3 to 100%. A bootstrap without that person covered 55 to 91% where few texts move.
    """
    if people.size < 2:
        return None
    return rare_interval(signed, people, bottom=-1.0, top=1.0, rng=rng)


def _measured(metric: str, value: float, better: Better, n: int, interval: Interval, swap: str) -> Measurement:
    return Measurement(
        name=f"fairness.counterfactual_{metric}",
        value=value,
        unit="proportion" if metric == "flip_rate" else "score",
        better=better,
        n=n,
        interval=interval,
        where={"swap": swap},
    )
