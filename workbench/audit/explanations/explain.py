"""Explain one text: which tokens moved the model's output for one label, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

# Imported for what it registers: the built-in attributors.
import workbench.audit.explanations.attention_rollout
import workbench.audit.explanations.chance
import workbench.audit.explanations.gradients
import workbench.audit.explanations.integrated_gradients
import workbench.audit.explanations.lime
import workbench.audit.explanations.occlusion
import workbench.audit.explanations.shap_kernel
import workbench.audit.explanations.shap_partition  # noqa: F401
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.by_word import Part, by_word, read_part, unread
from workbench.audit.explanations.view import BatchedView, Scale, view
from workbench.errors import EmptyData, Misconfigured, NotFound, Unsupported
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import TokenScores
from workbench.models.protocols import Classifier

GAP_BOUND = 0.02
"""Scores may miss the difference that they share out by a fiftieth: invisible in a coloured text."""

_SCALES: dict[Scale, str] = {"probability": "probability", "log_odds": "log-odds"}


def explain(
    model: Classifier,
    text: str,
    *,
    target: str | None = None,
    versus: str | None = None,
    method: str = "integrated_gradients@1",
    scale: Scale = "probability",
    gap_bound: float = GAP_BOUND,
    decision: Decision | None = None,
    positive: int = 1,
    seed: int = 0,
) -> TokenScores:
    """Return a score for every token of `text` that the model reads; a method is shown that part alone.

    Args:
        model: any classifier that the method can work with.
        text: what to explain.
        target: the label to explain; default: the one decided.
        versus: explain why `target` rather than this label: the difference of the two outputs.
        method: registered attributor.
        scale: what a method that sees only answers explains; gradient methods explain the logit in any case.
        gap_bound: relative completeness gap to reach, where the method has one.
        decision: how probabilities become a decision; default: the most probable label.
        positive: column of the positive label, which a threshold rule is about.
        seed: of a method that samples.

    Raises:
        NotFound: unknown `target`, `versus` or `method`; the message lists what there is.
        Misconfigured: `versus` is the label explained.
        Unsupported: the method needs more of the model than it offers, or knows no labels to set against each other.
        EmptyData: the text has no tokens.
    """
    for label in (target, versus):
        if label is not None and label not in model.labels:
            raise NotFound.among("label", label, model.labels)
    attributor = attributors[method]()
    probabilities = model.predict_proba([text])
    decided = int((decision or Decision()).decide(probabilities, positive)[0])
    column = decided if target is None else model.labels.index(target)
    require_other(model.labels, column, versus, decided=target is None)
    against = None if versus is None else model.labels.index(versus)
    require_labelled(method, versus)
    seen = model if against is None and scale == "probability" else view(model, column, against, scale)
    part = readable_part(model, text)
    found = attributor.attribute(seen, part.text, column, gap_bound=gap_bound, seed=seed)
    spans = tuple((a + part.start, b + part.start) if a < b else (a, b) for a, b in found.spans)
    # A view asks a model that batches gradients for those of either logit; any other takes the difference's own.
    twice = against is not None and isinstance(seen, BatchedView) and getattr(attributor, "embedded", False)
    output = found.output.replace("probability", _SCALES[scale]) + (", difference of two labels" if versus else "")
    return TokenScores(
        example="",
        text=text,
        method=full_name(method),
        target=model.labels[column],
        versus=versus,
        output=output,
        probability=float(probabilities[0, column]),
        predicted=model.labels[decided],
        tokens=found.tokens,
        spans=spans,
        scores=tuple(found.scores.tolist()),
        signed=getattr(attributor, "signed", True),
        read=unread(text, part),
        words=by_word(text, spans, found.scores.tolist(), part.start, part.stop),
        completeness_gap=found.completeness_gap,
        baseline=found.baseline,
        passes=found.passes * (2 if twice else 1),
        seed_agreement=found.seed_agreement,
        precision=found.precision,
    )


def readable_part(model: Classifier, text: str) -> Part:
    """Return the part of `text` that is read. Raises `EmptyData` where that is nothing."""
    part = read_part(model, text)
    if not part.text:
        raise EmptyData(f"nothing to explain: the model reads nothing in {text[:40]!r}")
    return part


def require_other(labels: Sequence[str], column: int, versus: str | None, *, decided: bool) -> None:
    """Raise `Misconfigured` where `versus` is the label explained: the one asked for, or `decided` for want of that."""
    if labels[column] != versus:
        return
    others = ", ".join(repr(label) for label in labels if label != versus)
    why = (
        f"The model decides {versus!r} here, and without a target the label decided is explained: give target=..., "
        f"another label ({others})"
        if decided
        else "Choose two labels: target and versus"
    )
    raise Misconfigured(f"why {versus!r} rather than {versus!r}? {why}")


def require_labelled(method: str, versus: str | None) -> None:
    """Raise `Unsupported` where `method` knows no labels and is to set one against `versus`."""
    if versus is not None and not getattr(attributors[method], "labelled", True):
        raise Unsupported(f"{method} gives the same scores for every label, so it cannot set one against another")


def refusal(model: Classifier, method: str) -> str | None:
    """Return why `method` cannot explain `model`, whatever the text; None where it can."""
    try:
        explain(model, "one", method=method)
    except Unsupported as error:
        return str(error)
    except EmptyData:
        pass  # the model does not read "one"
    return None


def full_name(method: str) -> str:
    """Return `method` with its version, which may be left out when only one exists. Raises `NotFound`."""
    attributors[method]  # raises, naming what there is
    return next(name for name in attributors if method in (name, name.split("@")[0]))


def full_names(methods: Sequence[str]) -> tuple[str, ...]:
    """Return `methods` with their versions. Raises `NotFound`; `Misconfigured` for none, or for one named twice."""
    names = tuple(full_name(method) for method in methods)
    if not names or len(set(names)) < len(names):
        raise Misconfigured(f"name each method once, and at least one; got {', '.join(methods) or 'none'}")
    return names
