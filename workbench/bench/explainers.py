"""SHAP's partition explainer and LIME."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from workbench.audit.explanations.explain import explain
from workbench.audit.explanations.shap_partition import IN_FLOAT32
from workbench.bench.agreement import agreement, correlations
from workbench.bench.inputs import Case, Inputs
from workbench.bench.meter import Done, in_flight, metered
from workbench.bench.results import Agreement
from workbench.bench.stock import BATCH, Stock
from workbench.bench.targets import LIME, PRECISIONS, SHAP
from workbench.evidence.exhibits import TokenScores
from workbench.models.engine import Engine
from workbench.models.protocols import FloatArray

_TRIAL = 20
"""Texts in a trial of thread numbers."""


@dataclass(frozen=True)
class _Explainer:
    library: Stock
    inputs: Inputs
    cases: Sequence[Case]

    method: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]] = PRECISIONS

    @property
    def n(self) -> int:
        return len(self.cases)

    def trial(self) -> object:
        """Ask the pipeline about single texts, which is what stock spends its time on."""
        return self.library.probabilities([self.cases[0].text] * _TRIAL)

    def ours(self, precision: str) -> Done:
        def one(view: Engine, case: Case) -> TokenScores:
            target = view.labels[case.target]
            return explain(view, case.text, target=target, method=self.method, seed=case.seed(self.method))

        return metered(self.inputs.model, precision, lambda engine: in_flight(engine, self.cases, one))


@dataclass(frozen=True)
class Shap(_Explainer):
    """`shap.Explainer(pipeline)`."""

    name: ClassVar[str] = SHAP
    method: ClassVar[str] = "shap_partition@1"
    second: ClassVar[str | None] = None
    precisions: ClassVar[tuple[str, ...]] = ("float32",)
    refused: ClassVar[Mapping[str, str]] = {"bfloat16": IN_FLOAT32}

    def trial(self) -> object:
        """As for every explainer; and let SHAP compile what it compiles once, before anything is timed."""
        case = self.cases[0]
        self.library.shap([replace(case, example=replace(case.example, input="two words"))])
        return super().trial()

    def stock(self) -> list[FloatArray]:
        return self.library.shap(self.cases)

    def stock_changed(self) -> None:
        return None

    def agreement(self, stock: Sequence[FloatArray], ours: Sequence[TokenScores], precision: str) -> Agreement:
        checks, notes = correlations(stock, [np.array(one.scores) for one in ours])
        return agreement(checks, [*notes, *_fallen_back(ours, precision)])


@dataclass(frozen=True)
class Lime(_Explainer):
    """`LimeTextExplainer.explain_instance` with a pipeline that is given the list of samples."""

    name: ClassVar[str] = LIME
    method: ClassVar[str] = "lime@1"
    second: ClassVar[str | None] = f"stock, batch size {BATCH}"

    def stock(self) -> list[dict[str, float]]:
        return self.library.lime(self.cases)

    def stock_changed(self) -> list[dict[str, float]]:
        return self.library.lime(self.cases, batch_size=BATCH)

    def agreement(self, stock: Sequence[dict[str, float]], ours: Sequence[TokenScores], precision: str) -> Agreement:
        pairs = [_by_word(weights, scores) for weights, scores in zip(stock, ours, strict=True)]
        checks, notes = correlations([a for a, _ in pairs], [b for _, b in pairs])
        return agreement(checks, [*notes, *_fallen_back(ours, precision)])


def _by_word(weights: dict[str, float], scores: TokenScores) -> tuple[FloatArray, FloatArray]:
    """Return both sides' weights of the distinct words, in one order."""
    ours: dict[str, float] = defaultdict(float)
    for token, score in zip(scores.tokens, scores.scores, strict=True):
        ours[token] += score  # the occurrences of a word share its weight
    if weights.keys() != ours.keys():
        odd = sorted(weights.keys() ^ ours.keys())
        raise ValueError(f"stock and workbench weigh different words: only one of them knows {odd[:5]}")
    words = sorted(weights)
    return np.array([weights[word] for word in words]), np.array([ours[word] for word in words])


def _fallen_back(ours: Sequence[TokenScores], precision: str) -> list[str]:
    if precision == "float32":
        return []
    exact = sum(one.precision == "float32" for one in ours)
    return [
        f"{exact} of {len(ours)} texts were explained in float32, because bfloat16 might have changed what is shown; "
        "the checks are in the time."
    ]
