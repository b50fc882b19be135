"""Predictions for many texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.bench.agreement import agreement, label_disagreement
from workbench.bench.inputs import Inputs
from workbench.bench.meter import Done, metered
from workbench.bench.results import Agreement, Check
from workbench.bench.stock import BATCH, Stock
from workbench.bench.targets import PRECISIONS, PREDICTIONS, PROBABILITY
from workbench.models.protocols import FloatArray


@dataclass(frozen=True)
class Predictions:
    """`transformers.pipeline` with batches of 32, against the engine."""

    library: Stock
    inputs: Inputs
    texts: Sequence[str]

    name: ClassVar[str] = PREDICTIONS
    second: ClassVar[str | None] = None
    precisions: ClassVar[tuple[str, ...]] = PRECISIONS

    @property
    def n(self) -> int:
        return len(self.texts)

    def trial(self) -> object:
        return self.library.probabilities(self.texts[: 2 * BATCH], batch_size=BATCH)

    def stock(self) -> FloatArray:
        return self.library.probabilities(self.texts, batch_size=BATCH)

    def stock_changed(self) -> None:
        return None

    def ours(self, precision: str) -> Done:
        return metered(self.inputs.model, precision, lambda engine: engine.search.predict_proba(self.texts))

    def agreement(self, stock: FloatArray, ours: FloatArray, precision: str) -> Agreement:
        bound = PROBABILITY if precision == "float32" else None
        largest = Check(
            name="largest difference of a probability",
            value=float(np.abs(stock - ours).max()),
            n=len(stock),
            bound=bound,
            better="lower",
        )
        return agreement([largest, label_disagreement(stock, ours)])
