"""Which probes an audit runs, and how much each may cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.audit.probe import TWIN_FROM, ItemProbe, RepeatingProbe, WholeProbe, probes
from workbench.errors import NotFound

PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    # Probe -> parameters that differ from its defaults. Sizes were chosen on two cores with a 22.7M-parameter model:
    # quick: two to four minutes on 2,800 reviews; standard: five to fifteen; full: as much as the statistics can use.
    "quick": {
        "performance.classification@1": {},
        "performance.calibration@1": {},
        "fairness.groups@1": {},
        "robustness.attack@1": {"examples": 40},
        "robustness.invariance@1": {"examples": 100},
        "explanations.attribution@1": {"examples": 12},
        "performance.cost@1": {},
    },
    "standard": {
        "performance.classification@1": {},
        "performance.calibration@1": {},
        "fairness.groups@1": {},
        "robustness.attack@1": {"examples": 200},
        "robustness.invariance@1": {"examples": 400},
        "explanations.attribution@1": {"examples": 50},
        "performance.cost@1": {"calls": 400},
    },
    "full": {
        "performance.classification@1": {"replicates": 10_000},
        "performance.calibration@1": {"replicates": 10_000},
        "fairness.groups@1": {"replicates": 10_000},
        "robustness.attack@1": {"examples": 1000},
        "robustness.invariance@1": {"examples": 1000},
        "explanations.attribution@1": {"examples": 100},
        "performance.cost@1": {"calls": 1000},
    },
}


SEARCH = "performance.search_precision@1"
"""Runs in every profile where searches run on a twin; elsewhere it would have nothing to say."""


def profile(name: str) -> tuple[WholeProbe | ItemProbe, ...]:
    """Return the probes of the profile `name`, in the order they run. Raises `NotFound`."""
    if name not in PROFILES:
        raise NotFound.among("profile", name, PROFILES)
    _register_all()
    return tuple(probes[probe](**params) for probe, params in PROFILES[name].items())


def gains_from_twin(probes: Sequence[WholeProbe | ItemProbe]) -> bool:
    """Return whether any of `probes` searches so much that a faster twin saves time."""
    return any(getattr(probe, "examples", 0) >= TWIN_FROM for probe in probes if isinstance(probe, RepeatingProbe))


def search_probe() -> WholeProbe:
    """Return the probe that compares the twin that searches run on with the model."""
    _register_all()
    made: WholeProbe = probes[SEARCH]()
    return made


def _register_all() -> None:
    """Import the modules that register the built-in probes."""
    import workbench.audit.explanations.attribution
    import workbench.audit.fairness.groups
    import workbench.audit.performance.calibration
    import workbench.audit.performance.classification
    import workbench.audit.performance.cost
    import workbench.audit.performance.search_precision
    import workbench.audit.robustness.attack
    import workbench.audit.robustness.invariance  # noqa: F401 - imported for what they register
