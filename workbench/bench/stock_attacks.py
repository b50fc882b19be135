"""Do our searches end as stock TextAttack's do? Recipe by recipe, on the same texts of the same model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.adapters.families import ATTACKS
from workbench.adapters.textattack import search
from workbench.bench.inputs import STREAMS, Case
from workbench.bench.stock import BAD_CHARACTERS, Stock
from workbench.models.probabilities import normalised
from workbench.models.protocols import Classifier

STOCK = ("deepwordbug", "pruthi", "pwws", "leap", *BAD_CHARACTERS)
"""Recipes that stock TextAttack can run offline, once it is kept from trying downloads. Beside them there is only input
reduction, where ours differs by design: stock deletes other words than those that it ranked."""
_ANY_NUMBER = 100_000
"""Questions, more than a search for bad characters asks. Stock's fails at the end of a budget, so it gets none."""


class Compared(NamedTuple):
    """How two sides ended on the same texts."""

    recipe: str
    n: int
    identical: int
    """Texts on which both found the same rewriting, or both none."""
    same_outcome: int
    explained: int
    """Of those with another outcome, the ones on which our search ends as stock's when it is given stock's scores."""


def compared(stock: Stock, model: Classifier, cases: Sequence[Case], recipe: str, *, budget: int) -> Compared:
    """Attack `cases`, all decided rightly, with stock's recipe and with ours, seeded alike.

    Raises `MissingResource`.
    """
    for require in ATTACKS[recipe].needs:
        require()
    identical = same = explained = 0
    allowed = None if recipe in BAD_CHARACTERS else budget
    for case, theirs in zip(cases, stock.attack(cases, recipe=recipe, budget=allowed, dynamic=True), strict=True):

        def ended(ask: Callable[[Sequence[str]], Any], case: Case = case) -> str | None:
            seed = STREAMS.seed("attack", f"{recipe}@1", case.example.id)
            made, text, target = ATTACKS[recipe].made, case.text, case.target
            most = allowed or _ANY_NUMBER
            return search(made, lambda texts: normalised(ask(texts)), text, target, budget=most, seed=seed).rewritten

        ours = ended(model.predict_proba)
        identical += ours == theirs.rewritten
        if (ours is None) == (theirs.rewritten is None):
            same += 1
        elif (ended(stock.scores) is None) == (theirs.rewritten is None):
            explained += 1
    return Compared(recipe, len(cases), identical, same, explained)
