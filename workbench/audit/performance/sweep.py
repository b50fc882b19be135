"""What the rates would be under other decision rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.audit.performance.predictions import Predictions
from workbench.evidence.bootstrap import replicate, share_interval
from workbench.evidence.exhibits import Curve, CurvePoint
from workbench.evidence.weighted import ratio

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def threshold_sweep(seen: Predictions, *, replicates: int, rng: np.random.Generator) -> tuple[Curve, ...]:
    """Return accuracy, true and false positive rate at each threshold on the positive label (two labels only).

    Bands hold point by point, not for the whole curve. A rate without a denominator (no positive, no negative) has no
    curve.
    """
    positive = seen.is_label(seen.positive)
    decided = seen.probabilities[:, [seen.positive]] >= np.array(THRESHOLDS)
    everyone = np.ones(len(positive), dtype=np.bool_)
    curves = (
        ("accuracy", decided == positive[:, None], everyone),
        ("true positive rate", decided, positive),
        ("false positive rate", decided, ~positive),
    )
    return tuple(_curve(seen, name, hits, among, replicates, rng) for name, hits, among in curves if among.any())


def _curve(
    seen: Predictions,
    name: str,
    hits: NDArray[np.bool_],
    among: NDArray[np.bool_],
    replicates: int,
    rng: np.random.Generator,
) -> Curve:
    people, hits = seen.people.among(among), hits[among]
    drawn = None
    if not people.one_each:
        sums = people.totals(np.column_stack([hits, np.ones(len(hits))]).astype(np.float64))
        totals = replicate(people, lambda counts: counts @ sums, replicates=replicates, rng=rng)
        drawn = ratio(totals[:, :-1], np.broadcast_to(totals[:, -1:], totals[:, :-1].shape))
    points, method = [], "Wilson"
    for column, threshold in enumerate(THRESHOLDS):
        share = float(hits[:, column].mean())
        replicated = None if drawn is None else drawn[:, column]
        interval = share_interval(hits[:, column], people, replicated)
        if interval is not None:
            points.append(CurvePoint(x=threshold, y=share, low=interval.low, high=interval.high, n=people.size))
            method = interval.method if drawn is None else f"bootstrap over people, {replicates} replicates"
    label = seen.names[seen.positive]
    return Curve(
        name="threshold_sweep",
        x_label=f"threshold on the probability of {label}",
        y_label=name,
        points=tuple(points),
        method=f"{method}, 95%, point by point",
        where={"metric": name.replace(" ", "_")},
    )
