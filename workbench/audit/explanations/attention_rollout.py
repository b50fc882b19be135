"""Attention rollout: how much of each token reaches the place that the classifier reads, if attention were all.

Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", eq. 1. A familiar and weak reference: it knows of
no label, of no sign, and of nothing that is computed between two attentions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.gradients import readable
from workbench.errors import Unsupported
from workbench.models.protocols import Classifier


@attributors.register("attention_rollout@1")
@dataclass(frozen=True)
class AttentionRollout:
    """Multiplies the layers' attention weights, half of each replaced by the identity for the residual connection."""

    signed: ClassVar[bool] = False
    labelled: ClassVar[bool] = False

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Return a share per token, special ones included; the shares add up to 1. `target` makes no difference."""
        white, encoded = readable(model, text)
        attentions: Any = getattr(white, "attentions", None)
        if attentions is None:
            raise Unsupported("attention rollout needs the model's attention weights, which this model does not tell")
        layers = attentions(encoded)
        flow = np.eye(layers.shape[-1])
        for layer in layers:
            mixed = 0.5 * layer + 0.5 * np.eye(len(flow))
            flow = mixed / mixed.sum(axis=1, keepdims=True) @ flow
        return Attribution(
            tokens=encoded.tokens[0],
            spans=encoded.spans[0],
            scores=flow[0],
            output="share of attention that reaches the first token",
            completeness_gap=None,
            baseline=None,
            passes=1,
        )
