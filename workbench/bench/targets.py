"""What is promised, in one place: how many times faster than stock, how near to the machine, how much in agreement."""

from __future__ import annotations

from dataclasses import dataclass

PRECISIONS = ("float32", "bfloat16")

ATTACK, SHAP, LIME = "textattack_deepwordbug", "shap_partition", "lime"
GRADIENTS, PREDICTIONS = "captum_integrated_gradients", "predict_proba"

TITLES = {
    ATTACK: "TextAttack, DeepWordBug",
    SHAP: "SHAP, partition explainer",
    LIME: "LIME, 1,000 samples",
    GRADIENTS: "Captum, layer integrated gradients",
    PREDICTIONS: "Predictions",
}
"""The works, in the order in which they are run and shown."""

BLACK_BOX = (ATTACK, SHAP, LIME)
"""Works that a share of the machine's peak is promised for."""


@dataclass(frozen=True)
class Target:
    """Stock seconds over ours."""

    least: float
    aim: float | None = None


TARGETS = {
    (ATTACK, "float32"): Target(5),
    (ATTACK, "bfloat16"): Target(12, 15),
    (SHAP, "float32"): Target(3),
    (SHAP, "bfloat16"): Target(6, 8),
    (LIME, "float32"): Target(3),
    (LIME, "bfloat16"): Target(6, 8),
    (GRADIENTS, "float32"): Target(2),
    (PREDICTIONS, "float32"): Target(1.5),
    (PREDICTIONS, "bfloat16"): Target(2.5),
}
"""(work, precision) -> target. Gradients are taken in float32 only."""

PEAK_SHARE = 0.55
"""Useful floating-point operations a second, of those of the fastest matrix product at the same precision, at least."""
INSIDE = 0.95
"""Share of a black-box work's wall-clock time in which the model computes, at least."""
MEMORY_GROWTH = 0.10
"""Growth of peak memory from 1,000 to 10,000 examples, at most."""

DEMO = {PREDICTIONS: 2_831, ATTACK: 30, GRADIENTS: 12}
"""Texts that the demo's audit gives to these works: the held-out reviews, and what the quick profile draws of them."""

PEARSON = 0.99
"""Correlation with stock's scores, of every example, at least."""
EQUAL_STEPS = 1e-4
"""Difference of integrated gradients at equal steps, of the text's largest score, at most."""
PROBABILITY = 1e-5
"""Difference of probabilities in float32, at most."""

EXAMPLES, PREDICTED = 20, 200
"""Examples that these promises are about, at least: explained or attacked, and predicted."""
