"""TextAttack's DeepWordBug."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.adapters.textattack import search
from workbench.audit.probe import Setting
from workbench.audit.robustness.attack import AttackProbe
from workbench.bench.agreement import agreement, share
from workbench.bench.inputs import STREAMS, Case, Inputs
from workbench.bench.meter import Done, in_flight, metered
from workbench.bench.results import Agreement, Check
from workbench.bench.stock import Ended, Stock
from workbench.bench.targets import ATTACK, PRECISIONS
from workbench.bench.timing import timed
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Rewrite
from workbench.models.engine import Engine
from workbench.models.protocols import FloatArray

_TRIAL = 8
"""Texts in a trial of thread numbers."""

_ROUNDING = 1e-5
"""Largest difference of two probabilities that float32 and another padding make."""

_BERT, _FEW = 512, 4
"""The length that BERT's tokenizer states, and on how many texts stock is timed with it."""


@dataclass(frozen=True)
class Attack:
    """The attack probe, with its confirmation in float32 and its repeated searches."""

    library: Stock
    inputs: Inputs
    cases: Sequence[Case]

    name: ClassVar[str] = ATTACK
    second: ClassVar[str | None] = "stock, padded dynamically"
    precisions: ClassVar[tuple[str, ...]] = PRECISIONS

    @property
    def n(self) -> int:
        return len(self.cases)

    @property
    def setting(self) -> Setting:
        return Setting(STREAMS, Decision(), self.inputs.model.labels[-1])

    def trial(self) -> object:
        """Ask TextAttack's wrapper about one batch."""
        return self.library.wrapper()([self.cases[0].text] * _TRIAL)

    def stock(self) -> list[Ended]:
        return self.library.attack(self.cases)

    def stock_changed(self) -> list[Ended]:
        return self.library.attack(self.cases, dynamic=True)

    def ours(self, precision: str) -> Done:
        probe, setting = AttackProbe(examples=self.n), self.setting
        position = {case.example.id: i for i, case in enumerate(self.cases)}

        def work(engine: Engine) -> list[Rewrite]:
            items = in_flight(engine, self.cases, lambda view, case: probe.item(view, case.example, setting))
            chosen = probe.repeats(items, setting)
            again = in_flight(
                engine,
                [self.cases[i] for i in chosen],
                lambda view, case: probe.again(view, case.example, items[position[case.example.id]], setting),
            )
            for i, item in zip(chosen, again, strict=True):
                items[i] = item
            return [item for item in items if isinstance(item, Rewrite)]

        return metered(self.inputs.model, precision, work)

    def agreement(self, stock: Sequence[Ended], ours: Sequence[Rewrite], precision: str) -> Agreement:
        if crashed := [one.error for one in ours if one.outcome == "failed"]:
            raise RuntimeError(f"{len(crashed)} of {len(ours)} attacks crashed: {crashed[0]}")
        other_outcome = [i for i in range(self.n) if stock[i].outcome != _outcome(ours[i])]
        if precision != "float32":
            return agreement(
                [share("outcomes that differ from stock's", len(other_outcome), self.n, higher=False), *_missed(ours)],
                [_counted(ours), f"{sum(one.unconfirmed for one in ours)} successes in bfloat16 were not confirmed."],
            )
        differ = [i for i in range(self.n) if (stock[i].outcome, stock[i].rewritten) != _result(ours[i])]
        explained = sum(self._hangs_on_rounding(i, stock[i]) for i in differ)
        return agreement(
            [
                share("rewrites identical to stock's", self.n - len(differ), self.n, higher=True),
                share(
                    "differences that rounding does not explain", len(differ) - explained, self.n, bound=0, higher=False
                ),
            ],
            [
                _counted(ours),
                *self._other_length(),
                f"{len(differ)} of {self.n} rewrites differ, {len(other_outcome)} in outcome. On {explained} of these "
                "our search ends exactly as stock when it is given stock's own scores, which differ from ours by "
                f"{_ROUNDING:g} at most: near ties, which rounding decides.",
            ],
        )

    def _other_length(self) -> list[str]:
        """Say what stock costs on a checkpoint whose tokenizer states BERT's own length, as most do."""
        stated = self.library.stated_length
        if stated >= _BERT or self.library.positions < _BERT:
            return []
        few = self.cases[:_FEW]
        seconds = timed(lambda: self.library.attack(few, padded_to=_BERT)) / len(few)
        return [
            f"Stock pads every text to the {stated} tokens that this checkpoint's tokenizer states. On one that states "
            f"{_BERT}, as BERT's own does, stock takes {seconds:.3g} s an example ({len(few)} texts, once), and ours "
            "what it takes here."
        ]

    def _hangs_on_rounding(self, index: int, stock: Ended) -> bool:
        """Return whether our search, given stock's scores, ends as stock, and these are ours but for rounding."""
        case, budget = self.cases[index], AttackProbe().query_budget
        asked: dict[str, FloatArray] = {}

        def theirs(texts: Sequence[str]) -> FloatArray:
            found = self.library.scores(texts)
            asked.update(zip(texts, found, strict=True))
            return found

        seed = STREAMS.seed("attack", "deepwordbug@1", case.example.id)
        ended = search("DeepWordBugGao2018", theirs, case.text, case.target, budget=budget, seed=seed)
        if ended.rewritten != stock.rewritten:
            return False
        ours = self.inputs.model.predict_proba(list(asked))
        return float(np.abs(ours - np.array(list(asked.values()))).max()) <= _ROUNDING


def _outcome(rewrite: Rewrite) -> str:
    return "resisted" if rewrite.outcome == "exhausted" else rewrite.outcome


def _result(rewrite: Rewrite) -> tuple[str, str | None]:
    return _outcome(rewrite), rewrite.rewritten


def _counted(ours: Sequence[Rewrite]) -> str:
    kinds = {kind: sum(one.outcome == kind for one in ours) for kind in ("succeeded", "resisted", "exhausted")}
    return "Outcomes: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()) + "."


def _missed(ours: Sequence[Rewrite]) -> list[Check]:
    repeated = [one for one in ours if one.repeated is not None]
    if not repeated:
        return []
    missed = sum(one.repeated == "missed" for one in repeated)
    return [share("missed by bfloat16, of those searched again", missed, len(repeated), higher=False)]
