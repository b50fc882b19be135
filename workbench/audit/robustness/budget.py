"""What an attack costs: the queries spent on a text, and how many texts have fallen after how many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.audit.robustness.rates import TRIED, untold
from workbench.evidence.bootstrap import People, median_interval, proportion_interval
from workbench.evidence.exhibits import Curve, CurvePoint, Note, Rewrite
from workbench.evidence.measurement import Measurement
from workbench.seeds import Streams

CURVE = "attack_success_by_queries"
STEPS = 12
"""Points of a curve; fewer where the budget has too few whole numbers."""


def course(
    found: Sequence[Rewrite], people: People, *, recipe: str, budget: int, streams: Streams, only: str | None = None
) -> tuple[tuple[Measurement, ...], tuple[Curve | Note, ...]]:
    """Return the median of the queries spent on each attacked text, and the share fallen by a dozen numbers of them.

    A text that outlasts the budget counts in `queries_median` with what was spent on it. The curve is left out where
    the success rate, its last point, is: see `untold`, also for `only`. Nothing where no text was attacked. `people`
    says whose each of `found` is.
    """
    tried = [one for one in found if one.outcome in TRIED]
    if not tried:
        return (), ()
    who = people.among(np.array([one.outcome in TRIED for one in found], dtype=bool))
    queries = np.array([one.queries for one in tried], dtype=np.float64)
    measured: list[Measurement] = []
    shown: list[Curve | Note] = []
    interval = median_interval(queries, who, rng=streams.stream("interval", recipe, "queries_median"))
    if interval is None:
        shown.append(Note(text=f"queries_median is not given: the texts of {who.size} people are too few."))
    else:
        measured.append(
            Measurement(
                name="robustness.queries_median",
                value=float(np.median(queries)),
                unit="queries",
                better="higher",
                n=who.size,
                interval=interval,
                where={"recipe": recipe},
            )
        )
    if not untold(found, only):
        fell = np.array([one.outcome == "succeeded" for one in tried], dtype=bool)
        shown.append(_curve(np.where(fell, queries, np.inf), who, recipe, budget, streams))
    return tuple(measured), tuple(shown)


def _curve(fell_at: NDArray[np.float64], people: People, recipe: str, budget: int, streams: Streams) -> Curve:
    """Return the share of the texts that have fallen by each number of queries; `fell_at` (n,) is inf for the others.

    Nobody is censored on the way: a search that has ended without success does not fall later, and the last number is
    the budget. The points share the texts, so the band holds point by point. It is the course of searches that may
    spend `budget`: one that may spend less can begin otherwise.
    """
    points, method = [], ""
    for q in np.unique(np.geomspace(1, budget, STEPS).round()):
        held = proportion_interval(fell_at <= q, people, rng=streams.stream("interval", recipe, CURVE, f"{q:.0f}"))
        assert held is not None  # there are texts
        method = held.method if people.one_each else "bootstrap over people"
        share = float((fell_at <= q).mean())
        points.append(CurvePoint(x=float(q), y=share, low=held.low, high=held.high, n=people.size))
    return Curve(
        name=CURVE,
        x_label=f"queries, of {budget:,} at most",
        y_label="share of the attacked texts that have fallen",
        points=tuple(points),
        method=f"{method}, 95%, point by point",
        where={"recipe": recipe},
        x_scale="log",
    )
