"""Whether two audits of the same data measured the same thing, and how the two models were made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from workbench.evidence.names import SEEN
from workbench.evidence.record import AuditRecord, Evidence

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A measurement's name and facets, without what its model's training has to do with it."""

_FREE = frozenset({"examples", "replicates", "calls", "draws", "label_randomised", "candidates", "twin"})
"""Parameters that may differ: how much was measured, which only moves intervals, and a model's own twin."""


def key_of(name: str, where: Mapping[str, str]) -> Key:
    """Return what a measurement of one audit has in common with the same one of another."""
    return name, tuple(sorted((facet, value) for facet, value in where.items() if facet != SEEN))


def way_of(evidence: Evidence) -> str:
    """Return which probe made this evidence and what it was asked for: equal where what was found may be compared."""
    asked = {name: value for name, value in evidence.params.items() if name not in _FREE}
    return json.dumps([evidence.probe, asked], sort_keys=True, default=str)


def measured_alike(base: AuditRecord, record: AuditRecord) -> dict[Key, bool]:
    """Return for each measurement that both hold whether the same probe made it, asked for the same."""
    ways = [{key_of(one.name, one.where): way_of(by) for by, one in side.measurements()} for side in (base, record)]
    return {key: way == ways[1][key] for key, way in ways[0].items() if key in ways[1]}


def differently_audited(base: AuditRecord, record: AuditRecord) -> Iterator[str]:
    """Yield a sentence for each setting that a change may come from, and not from the models."""
    audits = {
        "decision rule": [_rule(side) for side in (base, record)],
        "seed": [str(side.audit.seed) for side in (base, record)],
        "precision": [side.audit.precision for side in (base, record)],
        "precision of searches": [side.audit.search_precision for side in (base, record)],
        "device": [side.environment.device for side in (base, record)],
    }
    for what, (one, other) in audits.items():
        if one != other:
            yield f"The audits differ in {what}: {one} in the base's, {other} in this one; a change may come from that."


def differently_trained(base: AuditRecord, record: AuditRecord) -> Iterator[str]:
    """Yield a sentence for each difference in how the two models came about, and for what is not known of it."""
    if base.training is None or record.training is None:
        yield "Not both models have a training card, so whether they learned from the same data is not known."
        return
    if base.training.corpus.digest != record.training.corpus.digest:
        yield "The models learned from different data: what changed need not come from the way of training."
    seeds = [side.training.recipe.get("seed") for side in (base, record) if side.training is not None]
    if seeds[0] != seeds[1]:
        yield (
            f"The models were trained with different seeds ({seeds[0]} and {seeds[1]}): part of a change may be chance "
            "of training, which no interval here covers."
        )


def _rule(record: AuditRecord) -> str:
    threshold, by_group = record.audit.decision.threshold, record.audit.decision.by_group
    if by_group is not None:
        return f"thresholds by {by_group.attribute}"
    return record.audit.decision.rule if threshold is None else f"threshold {threshold:g}"
