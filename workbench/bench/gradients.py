"""Captum's layer integrated gradients, fifty steps, one text at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from workbench.audit.explanations.attributor import Attribution
from workbench.audit.explanations.explain import GAP_BOUND
from workbench.audit.explanations.integrated_gradients import IntegratedGradients
from workbench.bench.agreement import agreement, correlations, share
from workbench.bench.inputs import Case, Inputs
from workbench.bench.meter import Done, in_flight, metered
from workbench.bench.results import Agreement, Check
from workbench.bench.stock import STEPS, Integrated, Stock
from workbench.bench.targets import EQUAL_STEPS, GRADIENTS
from workbench.models.engine import Engine

_ANY = 1e9
"""A gap bound that every sum meets: so many steps as are asked for, and no more."""
_NOISE = 1e-5
"""Gaps below this are float32's rounding of the sum, and no merit of the quadrature."""


@dataclass(frozen=True)
class Gradients:
    """Ours takes as many steps as stock's own completeness gap on the same text needs, so both are equally good."""

    library: Stock
    inputs: Inputs
    cases: Sequence[Case]
    gaps: dict[str, float] = field(default_factory=dict)
    """Id of the example -> stock's gap, known once stock has run."""

    name: ClassVar[str] = GRADIENTS
    second: ClassVar[str | None] = None
    precisions: ClassVar[tuple[str, ...]] = ("float32",)

    @property
    def n(self) -> int:
        return len(self.cases)

    def trial(self) -> object:
        return self.library.integrated_gradients(self.cases[:1])

    def stock(self) -> list[Integrated]:
        found = self.library.integrated_gradients(self.cases)
        self.gaps.update((case.example.id, one.gap) for case, one in zip(self.cases, found, strict=True))
        return found

    def stock_changed(self) -> None:
        return None

    def ours(self, precision: str) -> Done:
        def one(view: Engine, case: Case) -> Attribution:
            bound = max(self.gaps[case.example.id], _NOISE)
            return IntegratedGradients().attribute(view, case.text, case.target, gap_bound=bound, seed=0)

        return metered(self.inputs.model, precision, lambda engine: in_flight(engine, self.cases, one))

    def agreement(self, stock: Sequence[Integrated], ours: Sequence[Attribution], precision: str) -> Agreement:
        checks, notes = correlations([one.scores for one in stock], [one.scores for one in ours])
        gaps = [(a.gap, b.completeness_gap or 0.0) for a, b in zip(stock, ours, strict=True)]
        checks.append(
            share(
                f"completeness gaps larger than stock's (and than {_NOISE:g})",
                sum(mine > max(theirs, _NOISE) for theirs, mine in gaps),
                len(gaps),
                bound=0.0,
                higher=False,
            )
        )
        checks.append(self._equal_steps(stock))
        notes.append(self._looser())
        notes.append(
            "Completeness gaps, stock / ours (passes): "
            + "; ".join(f"{a:.2g} / {b:.2g} ({one.passes})" for (a, b), one in zip(gaps, ours, strict=True))
            + "."
        )
        return agreement(checks, notes)

    def _looser(self) -> str:
        """Say what the gap that an audit asks for costs."""

        def one(view: Engine, case: Case) -> Attribution:
            return IntegratedGradients().attribute(view, case.text, case.target, gap_bound=GAP_BOUND, seed=0)

        done = metered(self.inputs.model, "float32", lambda engine: in_flight(engine, self.cases, one))
        return (
            f"With the audit's own bound of {GAP_BOUND:g} on the gap ours takes {done.spent.seconds / self.n:.3g} s "
            f"an example (one repetition) and {np.mean([one.passes for one in done.answers]):.0f} passes on average."
        )

    def _equal_steps(self, stock: Sequence[Integrated]) -> Check:
        """Compare with our scores after exactly stock's number of steps."""
        method = IntegratedGradients(steps=STEPS, max_steps=STEPS)

        def one(view: Engine, case: Case) -> Attribution:
            return method.attribute(view, case.text, case.target, gap_bound=_ANY, seed=0)

        equal = metered(self.inputs.model, "float32", lambda engine: in_flight(engine, self.cases, one)).answers
        worst = max(
            float(np.abs(a.scores - b.scores).max() / max(np.abs(a.scores).max(), 1e-12))
            for a, b in zip(stock, equal, strict=True)
        )
        return Check(
            name=f"largest difference at {STEPS} steps, of the text's largest score",
            value=worst,
            n=len(stock),
            bound=EQUAL_STEPS,
            better="lower",
        )
