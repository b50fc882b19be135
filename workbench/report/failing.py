"""From a requirement to the cases behind it: where on the page they are, and to what the list is narrowed."""

from __future__ import annotations

from workbench.evidence.record import AuditRecord, Finding
from workbench.report.blocks import Link
from workbench.report.tagged import TRUE, tagged

BEHAVIOURS = "behaviours"
"""Id of the part with behaviours that failed."""


def attack_id(record: AuditRecord, recipe: str) -> str:
    """Return the id of the part on one attack; names are somebody's text, places are not."""
    recipes = list(dict.fromkeys(one.recipe for _, one in record.exhibits("rewrite") if one.kind == "rewrite"))
    return f"attack-{recipes.index(recipe) + 1}"


def cases_of(record: AuditRecord, finding: Finding) -> Link | None:
    """Return the way to the cases behind a requirement that is not met; None where the record holds none."""
    if finding.verdict == "pass" or finding.evidence is None:
        return None
    pillar, _, metric = finding.measurement.partition(".")
    recipe = finding.where.get("recipe")
    if recipe is not None and any(one.kind == "rewrite" and one.recipe == recipe for _, one in record.exhibits()):
        return Link(attack_id(record, recipe), "Its rewritten texts")
    behaviours = {one.behaviour for _, one in record.exhibits("failing_cases") if one.kind == "failing_cases"}
    if metric == "failure_rate" and finding.where.get("behaviour") in behaviours:
        return Link(BEHAVIOURS, "The failing cases")
    if metric.startswith("counterfactual_") and any(True for _ in record.exhibits("token_swaps")):
        return Link("fairness", "The flipped texts")
    if pillar in {"performance", "calibration", "fairness"} and any(True for _ in record.exhibits("cases")):
        return Link("cases", "Wrongly decided texts", _choice(finding))
    return None


def _choice(finding: Finding) -> str:
    where = finding.where
    pairs = [(where["attribute"], where["group"])] if "attribute" in where and "group" in where else []
    pairs += [(TRUE, where["label"])] if "label" in where else []
    return tagged(pairs) if pairs else ""
