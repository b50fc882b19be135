"""What the figures of the sanity check say of a method: do its explanations depend on what the model learned?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from workbench.evidence.measurement import Measurement

ALIKE = 0.5
"""Rank correlation with a random network's explanations from which on a method hardly depends on the model."""
CORRELATION = "explanations.randomisation_correlation"
EXCESS = "explanations.randomisation_excess"
UNLEARNED = "explanations.label_randomisation_correlation"
_STAGE = re.compile(r"(?P<random>\d+) of (?P<parts>\d+) parts")

Outcome = Literal["passes", "fails", "open"]
"""`open`: too few texts were looked at to say."""


def outcomes(measurements: Iterable[Measurement]) -> dict[str, Outcome]:
    """Return what came of each method that was compared with networks all of whose parts are random.

    It passes where its correlation surely stays below `ALIKE` and below the 95th percentile of the correlations between
    two random networks; it fails where it surely exceeds one of them.
    """
    limits = {EXCESS: 0.0, CORRELATION: ALIKE}
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in measurements:
        if one.name in limits and set(one.where) == {"attributor"} and one.interval is not None:
            limit = limits[one.name]
            found[one.where["attributor"]].append((one.interval.low - limit, one.interval.high - limit))
    return {method: _outcome(ends) for method, ends in found.items() if len(ends) == len(limits)}


def passes(measurements: Iterable[Measurement]) -> dict[str, bool]:
    """Return, for each method that was compared, whether it surely stays below both limits."""
    return {method: outcome == "passes" for method, outcome in outcomes(measurements).items()}


def of_the_last_part(measurements: Iterable[Measurement]) -> dict[str, Measurement]:
    """Return, by method, the correlation with networks in which only the lowest part, the embeddings, was left."""
    return {
        one.where["attributor"]: one
        for one in measurements
        if one.name == CORRELATION
        and one.where.get("scores") == "signed"
        and (stage := _STAGE.fullmatch(one.where.get("randomised", "")))
        and int(stage["random"]) == int(stage["parts"]) - 1
    }


def mostly_embeddings(measurements: Iterable[Measurement]) -> list[str]:
    """Return the methods that surely stay alike (`ALIKE`) where every part but the lowest was drawn anew."""
    return _surely_alike(of_the_last_part(measurements).values())


def alike_without_labels(measurements: Iterable[Measurement]) -> list[str]:
    """Return the methods that are surely alike (`ALIKE`) on a model trained on labels dealt out at random."""
    return _surely_alike(one for one in measurements if one.name == UNLEARNED and set(one.where) == {"attributor"})


def _surely_alike(found: Iterable[Measurement]) -> list[str]:
    return [one.where["attributor"] for one in found if one.interval is not None and one.interval.low > ALIKE]


def _outcome(ends: list[tuple[float, float]]) -> Outcome:
    if all(high < 0 for _, high in ends):
        return "passes"
    return "fails" if any(low > 0 for low, _ in ends) else "open"
