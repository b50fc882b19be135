"""What private training costs and protects, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from workbench.bench.private_steps import FEW, MEMORY_TARGET, TARGETS, TOKENS
from workbench.bench.private_utility import EPSILONS, SWEEP_EPSILON

HEAD_EPSILON = EPSILONS[0]
"""Of the head that fine-tuning starts from."""
FLOORS = {1.0: 0.90, 3.0: 0.93, 8.0: 0.94}
"""Epsilon -> ROC-AUC on the test split that was hoped for."""

_HIDDEN = 0.9
"""No private step needs less memory than this share of a plain one with as many tokens at once; where one seems to,
loading was measured."""


def page(found: Mapping[str, Any]) -> str:
    """Return the page as Markdown; a part that was not measured is left out and said to be."""
    lines = [
        "# What does privacy cost, and does it protect?",
        "",
        "Measured on the default corpus (`reviews`: one review is treated as one person) and backbone by "
        "`python -m workbench.bench.private`. Intervals are 95%, over people.",
        "",
    ]
    rows = [*found.get("head", []), *found.get("tuned", [])]
    lines += _utility(rows) if rows else []
    lines += [line for part in ("head", "tuned") if part not in found for line in _missing(part)]
    lines += _sweep(found["sweep"]) if "sweep" in found else _missing("sweep")
    for part, make in (("steps", _steps), ("noise", _noise), ("members", _members)):
        lines += make(found[part]) if part in found else _missing(part)
    return "\n".join(lines).rstrip() + "\n"


def _missing(part: str) -> list[str]:
    return [f"The part `{part}` was not measured.", ""]


def _utility(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## Utility",
        "",
        "On the test split. Learning rate, bound of gradients, batch and steps of the head were chosen on the "
        "validation split, the bound of fine-tuning by how long the gradients of 400 training reviews are: that looked "
        "at these examples, and no epsilon here counts it. Fine-tuning starts from the private head at epsilon "
        f"{HEAD_EPSILON:g}, which is in its epsilon; its steps took some 40 minutes on two cores. "
        "Without privacy it is one epoch from the public backbone. Seconds are those of a machine with other work.",
        "",
        "| what is trained | epsilon | noise | bound | steps x batch | ROC-AUC | accuracy | worst age group's ROC-AUC "
        "| calibration error | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        keys = ("epsilon", "noise_multiplier", "max_grad_norm")
        spent = ["none" if row.get("epsilon") is None else f"{row[key]:.3g}" for key in keys]
        steps = f"{row['steps']:,} x {row['batch']:,}" if "steps" in row else ""
        group = f"{_shown(row['worst_group_roc_auc'])} ({row['worst_group']})" if "worst_group" in row else ""
        error = _shown(row["ece"]) if "ece" in row else ""
        seconds = f"{row['seconds']:.0f}" if "seconds" in row else ""
        trained = f"{row['trained']}, without dropout" if row.get("dropout") == 0 else row["trained"]
        cells = (trained, *spent, steps, _shown(row["roc_auc"]), _shown(row["accuracy"]), group, error, seconds)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_lengths(rows)]
    for epsilon, hoped in FLOORS.items():
        at = [row for row in rows if row.get("epsilon") is not None and abs(row["epsilon"] - epsilon) < 0.05 * epsilon]
        if at:
            best = max(row["roc_auc"]["value"] for row in at)
            lines.append(
                f"- Epsilon {epsilon:g}: the best run reaches a ROC-AUC of {best:.3f}; {hoped:.2f} was hoped for: "
                f"{'reached' if best >= hoped else 'not reached'}."
            )
    return [*lines, ""]


def _lengths(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how long the noise of a step is, beside the gradients that it hides: what a choice is limited by."""
    found = {}
    for row in rows:
        if row.get("trainable") is not None:
            found[row["trained"], f"{row['epsilon']:.2g}", row["steps"]] = (
                row["noise_multiplier"] * sqrt(row["trainable"]) / row["batch"]
            )
    if not found:
        return []
    told = "; ".join(
        f"{what}, epsilon {epsilon}, {steps:,} steps: {length:.2g}" for (what, epsilon, steps), length in found.items()
    )
    return [
        "- Length of a step's noise, where the mean of the shortened gradients is at most 1 long (and far shorter, as "
        f"they point in many ways): {told}. Larger batches shorten it, more steps average it, fewer parameters have "
        "less of it."
    ]


def _sweep(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    best = max(rows, key=lambda row: float(row["roc_auc"]["value"]))
    lines = [
        f"## What was tried with the head alone, at epsilon {SWEEP_EPSILON:g}",
        "",
        "On the validation split.",
        "",
        "| learning rate | bound | steps x batch | ROC-AUC | log loss |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['learning_rate']:g} | {row['max_grad_norm']:g} | {row['steps']:,} x {row['batch']:,} | "
        f"{_shown(row['roc_auc'])} | {_shown(row['log_loss'])} |"
        for row in rows
    ]
    chosen = f"learning rate {best['learning_rate']:g}, bound {best['max_grad_norm']:g}, {best['steps']:,} steps of "
    return [*lines, "", f"The highest ROC-AUC: {chosen}{best['batch']:,}.", ""]


def _steps(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    first = rows[0]
    lines = [
        "## A step",
        "",
        f"{first['batch']:,} reviews ({first['tokens']:,} tokens) a step, in turns on this machine, in float32; noise, "
        "its drawing and the optimiser are in the time. Ranges are from the least to the largest of as many runs as n. "
        f"Stock hooks keep a gradient for each text and take {TOKENS['hooks']:,} tokens at once, the others "
        f"{TOKENS['bookkeeping']:,}. Memory is the peak of a process that takes one step of {FEW} reviews and does "
        "nothing else; what loading left behind in it hides whatever a step needs below that.",
        "",
        "| what is trained | how clipped sums are computed | seconds | times the plain step | peak memory, times the "
        "plain step's |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['kind']} | {'no privacy' if row['way'] == 'plain' else row['way']} | {row['seconds']:.1f} | "
        f"{row['ratio']['value']:.2f} ({row['ratio']['low']:.2f} to {row['ratio']['high']:.2f}), "
        f"n = {row['ratio']['repeats']} | "
        f"{row['memory_ratio']:.2f} |"
        for row in rows
    ]
    lines.append("")
    for kind, most in TARGETS.items():
        private = [row for row in rows if row["kind"] == kind and row["way"] != "plain"]
        best = min(private, key=lambda row: row["ratio"]["value"])
        time = "met" if best["ratio"]["value"] <= most else "not met"
        if (best["ratio"]["high"] <= most) != (best["ratio"]["value"] <= most):
            time += " at the median, and not told apart by the range"
        memory = "met" if best["memory_ratio"] <= MEMORY_TARGET else "not met"
        # ways that take fewer tokens at once may well need less
        alike = [row["memory_ratio"] for row in private if TOKENS[row["way"]] == TOKENS["bookkeeping"]]
        if min(alike) < _HIDDEN:
            memory = "not established, as one way needed much less than the plain step, which must be what loading left"
        lines.append(
            f"- {kind.capitalize()}: the fastest way ({best['way']}) takes {best['ratio']['value']:.2f} times the "
            f"plain step; at most {most:g}: {time}. Memory {best['memory_ratio']:.2f}; at most {MEMORY_TARGET:g}: "
            f"{memory}."
        )
    return [*lines, ""]


def _noise(found: Mapping[str, Any]) -> list[str]:
    return [
        "## Noise",
        "",
        f"The noise of a full step ({found['numbers']:,} normal numbers) takes {found['seconds']:.2f} s, "
        f"{found['ratio']:.1f} times torch.randn ({found['torch_seconds']:.2f} s), whose numbers a seed repeats. Ours: "
        f"{found['source']}.",
        "",
    ]


def _members(found: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Who was a member?",
        "",
        f"{found['people']:,} reviews; coins decide who is learned from, {found['epochs']} times each. The attack "
        "ranks reviews by the loss of their true label. The private twin has the same reviews, coins of its own, and "
        f"epsilon {found['epsilon']:g} at delta {found['delta']:g}.",
        "",
        f"| model | members | AUC of the attack | true positive rate at {found['fpr']:.0%} false positives |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['model']} | {row['members']} | {_shown(row['auc'])} | {_shown(row['tpr'])} |"
        for row in found["models"]
    ]
    moved = found["change"]
    fell = moved["interval"] is not None and moved["interval"]["high"] < 0
    lines += [
        "",
        f"The private model's AUC differs by {_shown(moved)}, paired over people: "
        f"{'it gives less away' if fell else 'not shown to give less away'}.",
    ]
    return [*lines, ""]


def _shown(one: Mapping[str, Any]) -> str:
    held = one["interval"]
    span = "" if held is None else f" ({held['low']:.3f} to {held['high']:.3f})"
    return f"{one['value']:.3f}{span}, n = {one['n']:,}"
