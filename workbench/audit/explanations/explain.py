"""Explain one text: which tokens moved the model's output for one label, and by how much."""

from __future__ import annotations

# Imported for what it registers: the built-in attributors.
import workbench.audit.explanations.integrated_gradients
import workbench.audit.explanations.lime
import workbench.audit.explanations.occlusion
import workbench.audit.explanations.shap_partition  # noqa: F401
from workbench.audit.explanations.attributor import attributors
from workbench.errors import NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import TokenScores
from workbench.models.protocols import Classifier

GAP_BOUND = 0.02
"""Scores may miss the difference that they share out by a fiftieth: invisible in a coloured text."""


def explain(
    model: Classifier,
    text: str,
    *,
    target: str | None = None,
    method: str = "integrated_gradients@1",
    gap_bound: float = GAP_BOUND,
    decision: Decision | None = None,
    positive: int = 1,
    seed: int = 0,
) -> TokenScores:
    """Return a score for every token of `text` that the model reads.

    Args:
        model: any classifier that the method can work with.
        text: what to explain.
        target: the label to explain; default: the one decided.
        method: registered attributor.
        gap_bound: relative completeness gap to reach, where the method has one.
        decision: how probabilities become a decision; default: the most probable label.
        positive: column of the positive label, which a threshold rule is about.
        seed: of a method that samples.

    Raises:
        NotFound: unknown `target` or `method`; the message lists what there is.
        Unsupported: the method needs more of the model than it offers.
        EmptyData: the text has no tokens.
    """
    if target is not None and target not in model.labels:
        raise NotFound.among("label", target, model.labels)
    attributor = attributors[method]()
    probabilities = model.predict_proba([text])
    decided = int((decision or Decision()).decide(probabilities, positive)[0])
    column = decided if target is None else model.labels.index(target)
    found = attributor.attribute(model, text, column, gap_bound=gap_bound, seed=seed)
    return TokenScores(
        example="",
        text=text,
        method=_full_name(method),
        target=model.labels[column],
        output=found.output,
        probability=float(probabilities[0, column]),
        predicted=model.labels[decided],
        tokens=found.tokens,
        spans=found.spans,
        scores=tuple(found.scores.tolist()),
        completeness_gap=found.completeness_gap,
        baseline=found.baseline,
        passes=found.passes,
        precision=found.precision,
    )


def _full_name(method: str) -> str:
    """Return `method` with its version, which may be left out when only one exists."""
    return next(name for name in attributors if method in (name, name.split("@")[0]))
