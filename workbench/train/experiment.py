"""Who takes part in an experiment: of the training split, each unit by a fair coin of its own.

What the coins left out is as much like what was learned from as chance allows, so that whoever tells the two apart has
learned it from the model. Coins follow from the recipe's seed and the unit's name alone: no other unit, no order of
rows and no interruption changes one. They are no part of a private run's mechanism, whose randomness has no seed.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.data.corpus import Corpus
from workbench.evidence.cards import MembershipList
from workbench.seeds import Streams
from workbench.train.private.units import units_of
from workbench.train.recipe import Recipe


def half(pool: Corpus, recipe: Recipe, *, corpus: str) -> tuple[Corpus, MembershipList]:
    """Return the examples of `pool` that the run may learn from, and the list of all coins.

    Units are people; in a private run, what its recipe says. Records of a person beyond the recipe's `records` are on
    no side of the list: nobody learns from them.

    Args:
        pool: the training split.
        recipe: of the run.
        corpus: digest of the whole corpus.
    """
    private = recipe.privacy
    units = units_of(
        pool, "person" if private is None else private.unit, most=len(pool) if private is None else private.records
    )
    streams = Streams(recipe.seed)
    listed: dict[str, bool] = {}
    out: set[str] = set()
    for rows in units.members:
        first = pool.examples[rows[0]]
        name = first.person if units.kind == "person" else first.id
        coin = bool(streams.stream("experiment", name).random() < 0.5)
        listed |= {pool.examples[i].id: coin for i in rows}
        if not coin:
            out.add(name)
    kept = tuple(one for one in pool if (one.person if units.kind == "person" else one.id) not in out)
    ids = tuple(sorted(listed))
    found = MembershipList(
        drawn=True, corpus=corpus, unit=units.kind, ids=ids, member=tuple(listed[each] for each in ids)
    )
    return replace(pool, examples=kept), found
