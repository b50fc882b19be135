"""An overfitted model and its private twin: how well each tells who was learned from.

A thousand reviews; independent coins decide, for each model anew, who of them it learns from. Both see their five
hundred twenty times, in the same network. The attack is the plainest there is, the loss of the true label (Yeom et al.
2018), and knows everything but the coins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.attacks import loss_threshold
from workbench.audit.privacy.membership import Scored, auc, tpr_at
from workbench.bench.private_shop import shop_of
from workbench.data.corpus import Corpus
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.evidence.bootstrap import REPLICATES, People, describe, percentile, replicate
from workbench.evidence.weighted import roc_auc
from workbench.seeds import Streams
from workbench.train.batches import epoch_batches
from workbench.train.events import TrainingEvent
from workbench.train.optimiser import make_optimiser, rate_at, set_rate
from workbench.train.private.loop import fit_private, plan_of
from workbench.train.recipe import Recipe
from workbench.train.rows import Rows
from workbench.train.state import clear_state, run_digest
from workbench.train.step import Workshop, optimise, predict
from workbench.train.variants import Nothing, Variants

Say = Callable[[str], None]
Bools = NDArray[np.bool_]
PEOPLE, EPOCHS, EPSILON, DELTA = 1_000, 20, 3.0, 1e-4
FPR = 0.05
_SHARED = {"data": "reviews", "max_length": 64, "precision": "float32"}
PLAIN = {**_SHARED, "epochs": EPOCHS, "batch_size": 25}
PRIVATE = {
    **_SHARED,
    "learning_rate": 5e-4,
    "privacy": {"epsilon": EPSILON, "delta": DELTA, "steps": EPOCHS * 5, "batch": 100, "clipping": "bookkeeping"},
}
_STREAMS = Streams(0)


def measure_members(runs: Path, *, say: Say) -> dict[str, Any]:
    """Return the figures of both models and of their difference, over the same people."""
    pool = split(load_corpus("reviews"), "train").sample(PEOPLE).canonical()
    scored: dict[str, Scored] = {}
    rows = []
    for name, fit in (("as it is", _overfitted), ("private", lambda *given: _private(runs, *given))):
        coins = _STREAMS.stream("members", name).random(len(pool)) < 0.5
        scores = fit(pool, coins, say)
        scored[name] = Scored(scores, coins, People(pool.people))
        rows.append({"model": name, "members": int(coins.sum()), **_figures(scored[name])})
        say(f"members: {name}: AUC {rows[-1]['auc']['value']:.3f}")
    return {
        "people": PEOPLE,
        "epochs": EPOCHS,
        "epsilon": EPSILON,
        "delta": DELTA,
        "fpr": FPR,
        "models": rows,
        "change": change(scored["as it is"], scored["private"]),
    }


def change(before: Scored, after: Scored) -> dict[str, Any]:
    """Return how much larger the second AUC is, with an interval over the people that both score."""
    first, second = (roc_auc(one.scores, one.member) for one in (before, after))
    people = before.people
    drawn = replicate(
        people,
        lambda counts: second(counts[:, people.rows]) - first(counts[:, people.rows]),
        replicates=REPLICATES,
        rng=_STREAMS.stream("members", "change"),
    )
    once = np.ones((1, len(before.scores)))
    interval = percentile(drawn, people.size)
    return {
        "value": float(second(once)[0] - first(once)[0]),
        "n": people.size,
        "interval": None if interval is None else interval.model_dump(),
        "method": describe(drawn),
    }


def _figures(seen: Scored) -> dict[str, Any]:
    found = {
        "auc": auc(seen, rng=_STREAMS.stream("members", "auc")),
        "tpr": tpr_at(seen, FPR),
    }
    return {name: _stated(one) for name, one in found.items()}


def _stated(one: Any) -> dict[str, Any]:
    assert not isinstance(one, Unknown), one
    return {"value": one.value, "n": one.n, "interval": one.interval.model_dump()}


def _overfitted(pool: Corpus, coins: Bools, say: Say) -> NDArray[np.float64]:
    recipe = Recipe.checked(PLAIN, where="the benchmark")
    shop = shop_of(recipe, pool.labels)
    ids = shop.encoder.ids(pool.inputs)
    every = Rows(shop.encoder, pool, ids, Variants({}))
    mine = np.flatnonzero(coins).tolist()
    optimiser = make_optimiser(shop.network, recipe)
    shop.network.train()
    lengths = [len(ids[i]) for i in mine]
    steps = [batch for epoch in range(EPOCHS) for batch in epoch_batches(lengths, 25, shop.streams, epoch=epoch)]
    for step, batch in enumerate(steps):
        rows = [mine[i] for i in batch]
        set_rate(optimiser, rate_at(step, len(steps), recipe))
        loss = optimise(shop, optimiser, [every.batch(rows)], step=step)
        if step % 20 == 0:
            say(f"members: as it is: step {step} of {len(steps)}, loss {loss:.3f}")
    return _scores(shop, pool)


def _private(runs: Path, pool: Corpus, coins: Bools, say: Say) -> NDArray[np.float64]:
    recipe = Recipe.checked(PRIVATE, where="the benchmark")
    shop = shop_of(recipe, pool.labels)
    mine = replace(pool, examples=tuple(one for one, coin in zip(pool, coins, strict=True) if coin))
    assert recipe.privacy is not None
    out = runs / "members-private"
    clear_state(out)

    def tell(event: TrainingEvent) -> None:
        if event.phase == "train" and event.step % 10 == 0:
            say(f"members: private: step {event.step} of {event.total}")

    run = run_digest(recipe.model_dump_json(), mine.digest)
    done = fit_private(
        shop, plan_of(recipe.privacy, mine), mine, Nothing(), out, corpus=mine.digest, run=run, tell=tell
    )
    shop.network.load_state_dict(done.weights)
    clear_state(out)
    return _scores(shop, pool)


def _scores(shop: Workshop, pool: Corpus) -> NDArray[np.float64]:
    """Return minus each review's loss."""
    found = predict(shop, shop.encoder.ids(pool.inputs), precision="float32", tell=lambda _: None)
    logs = np.log(np.maximum(found, np.finfo(np.float64).tiny))
    return loss_threshold(logs, pool.label_ids).scores
