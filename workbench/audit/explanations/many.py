"""Explain several texts with several methods at once, and say what each explanation is worth on its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.audit.explanations.explain import explain, refusal
from workbench.audit.explanations.one_text import quality_of
from workbench.audit.explanations.refusals import Refused, require_explicable
from workbench.audit.explanations.view import view as seen_as
from workbench.errors import EmptyData, Misconfigured, Unsupported
from workbench.evidence.exhibits import MethodQuality, TokenScores
from workbench.models.engine import Engine
from workbench.models.engine.workers import Workers, in_order

ORDERS = 10
"""Random orders of a text's words that explanations are set against."""


def explain_many(
    engine: Engine,
    texts: Sequence[str],
    methods: Sequence[str],
    workers: Workers,
    *,
    target: str | None = None,
    versus: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[TokenScores]]:
    """Return each text's explanations, in the order of `methods`.

    Args:
        engine: over the model.
        texts: what to explain.
        methods: registered attributors.
        workers: where the work is done.
        target: the label to explain; default: the one decided.
        versus: explain why `target` rather than this label.
        seed: of methods that sample.
        progress: told (explanations done, explanations in all).

    Raises what the first explanation that cannot be given raises, naming text and method: before any work, where that
    can be known.
    """
    require_explicable(engine, texts, methods, target=target, versus=versus)
    wanted = [(text, method) for text in texts for method in methods]
    width = len(methods)

    def one(position: int) -> TokenScores:
        text, method = wanted[position]
        with engine.item(f"text {position}") as view:
            try:
                return explain(view, text, target=target, versus=versus, method=method, seed=seed)
            except (EmptyData, Misconfigured, Unsupported) as error:
                if isinstance(error, Unsupported) and (reason := refusal(engine, method)):
                    raise Unsupported(f"{method}: {reason}") from error  # whatever the text
                raise Refused(position // width, method, error).named(texts, methods) from error

    found = in_order(workers, one, range(len(wanted)), lambda i: engine.cancel(f"text {i}"), progress)
    return [[found[i * width + k] for k in range(width)] for i in range(len(texts))]


def worth_of(
    engine: Engine,
    explained: Sequence[Sequence[TokenScores]],
    workers: Workers,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[MethodQuality, ...]]:
    """Return what several methods' explanations of each text are worth, random words last; they explain one label.

    `progress` is told (texts done, texts in all).
    """

    def worth(i: int) -> tuple[MethodQuality, ...]:
        first = explained[i][0]
        column = engine.labels.index(first.target)
        with engine.item(f"quality {i}") as view:
            # What was explained is what is watched: the difference of two labels, where it was that.
            watched = view if first.versus is None else seen_as(view, column, engine.labels.index(first.versus))
            return quality_of(
                watched,
                first.text,
                column,
                {scores.method: scores for scores in explained[i]},
                orders=ORDERS,
                kinds=("deletion",),
                rng=np.random.default_rng(seed),
            )

    return in_order(workers, worth, range(len(explained)), lambda i: engine.cancel(f"quality {i}"), progress)
