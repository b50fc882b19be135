"""Accuracy, ranking and calibration at several epsilons, on the test split of the default corpus."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.audit.fairness.groups import Groups
from workbench.audit.performance.calibration import Calibration
from workbench.audit.performance.classification import Classification
from workbench.audit.probe import Setting
from workbench.bench.private_shop import shop_of
from workbench.data.labels import align
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.evidence.decision import Decision
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured
from workbench.models.engine import engine_for
from workbench.models.protocols import Classifier
from workbench.seeds import Streams
from workbench.train.events import TrainingEvent
from workbench.train.private.feed import features, head_of
from workbench.train.private.kept import kept
from workbench.train.recipe import Recipe
from workbench.verbs import train

Say = Callable[[str], None]
EPSILONS = (1.0, 3.0, 8.0)
DELTA = 1e-5
ATTRIBUTE = "age_band"
HEAD = {
    "data": "reviews",
    "pooling": "mean",
    "learning_rate": 3e-2,
    "adapter": {"kind": "last_layers", "layers": 0},
    "precision": "float32",
}
"""The head alone. Learning rate, batch and steps were chosen on the validation split, which costs privacy, too."""
HEAD_PRIVACY = {"delta": DELTA, "steps": 300, "batch": 3_400, "max_grad_norm": 3.0}
START = "head-1-0"
"""The private head that fine-tuning starts from. It costs little: epsilons add up about as their squares do."""
_TUNED = {"data": "reviews", "pooling": "mean", "max_length": 128}
TUNED: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("low-rank updates", {**_TUNED, "learning_rate": 2e-3, "adapter": {"kind": "lora", "rank": 8}}),
    "full": ("all parameters", {**_TUNED, "learning_rate": 1e-4}),
}
"""What is fine-tuned -> how it is called, and its recipe without privacy: one epoch, from the public backbone."""
TUNED_PRIVATELY = {"lora": 1e-2, "full": 1e-4}
"""What is fine-tuned -> learning rate of the few private steps."""
TUNED_NORM = 10.0
"""Bound of a review's gradient, at the 99th percentile. Those of reviews that the head has right are short (a quarter
below 0.06, with low-rank updates) and point the other way than the long ones: bounded at 1, their sum led nowhere."""
TUNED_EPSILONS = (3.0, 8.0, None)
TUNED_BATCH = 1_000


def measure_head(runs: Path, *, seeds: int, say: Say) -> list[dict[str, Any]]:
    """Return a row for each run of the head alone: at which epsilon, and the figures on the test split."""
    rows = []
    for epsilon in EPSILONS:
        for seed in range(seeds):
            table = {**HEAD, "seed": seed, "privacy": {"epsilon": epsilon, **HEAD_PRIVACY}}
            rows.append(_row(f"head-{epsilon:g}-{seed}", "the head alone", _recipe(table), runs, say))
    return [*rows, _without(say)]


def measure_tuned(runs: Path, *, steps: int, say: Say) -> list[dict[str, Any]]:
    """Return a row for each fine-tuning of `TUNED`, at each of `TUNED_EPSILONS`; None: without privacy.

    The private ones take `steps` steps of `TUNED_BATCH` from the private head `START`, which is trained if need be;
    their epsilon counts that head's.
    """
    start = _recipe({**HEAD, "privacy": {"epsilon": EPSILONS[0], **HEAD_PRIVACY}})
    train(start, out=runs / START, resume=True)
    rows = []
    for epsilon in TUNED_EPSILONS:
        for kind, (called, table) in TUNED.items():
            if epsilon is None:
                rows.append(_row(f"{kind}-without", called, _recipe(table), runs, say))
                continue
            privacy = {
                "epsilon": epsilon,
                "delta": DELTA,
                "steps": steps,
                "batch": TUNED_BATCH,
                "max_grad_norm": TUNED_NORM,
                "clipping": "bookkeeping",
            }
            own = {"checkpoint_every": 5, "precision": "float32", "learning_rate": TUNED_PRIVATELY[kind]}
            recipe = _recipe({**table, **own, "backbone": str(runs / START), "privacy": privacy})
            rows.append(_row(f"{kind}-{epsilon:g}", f"{called}, from the private head", recipe, runs, say))
    return rows


def _row(name: str, called: str, recipe: Recipe, runs: Path, say: Say) -> dict[str, Any]:
    """Train as `recipe` says, or go on with it, and return what came of it."""
    say(f"utility: {name}")
    since = time.monotonic()

    def told(event: TrainingEvent) -> None:
        if event.phase == "train" and event.step % 5 == 0 and event.total <= 100:
            say(f"utility: {name}: step {event.step} of {event.total}, {time.monotonic() - since:.0f} s")

    done = train(recipe, out=runs / name, resume=True, progress=told)
    card = done.card.privacy
    row = {
        "name": name,
        "trained": called,
        "epsilon": None if card is None else card.epsilon,
        "noise_multiplier": None if card is None else card.noise_multiplier,
        "steps": done.card.steps if card is None else card.steps,
        "batch": recipe.batch_size if card is None else card.batch,
        "seconds": done.card.seconds,
        **figures(done.classifier),
    }
    say(f"utility: {name}: ROC-AUC {row['roc_auc']['value']:.3f}")
    return row


def figures(model: Classifier) -> dict[str, Any]:
    """Return accuracy, ROC-AUC, calibration error and the worst group's ROC-AUC on the test split, with intervals."""
    corpus = align(split(load_corpus("reviews"), "test"), model.labels, {}).canonical()
    setting = Setting(Streams(0), Decision(), corpus.positive_label or model.labels[-1])
    held: list[Measurement] = []
    with engine_for(model) as engine:
        for probe in (Classification(), Calibration(), Groups()):
            found = probe.measure(engine, corpus, setting)
            assert isinstance(found, Measured)
            held += found.measurements
    groups = [one for one in held if one.name == "fairness.roc_auc" and one.where["attribute"] == ATTRIBUTE]
    worst = min(groups, key=lambda one: one.value)
    chosen = {
        "accuracy": _named(held, "performance.accuracy"),
        "roc_auc": _named(held, "performance.roc_auc"),
        "ece": _named(held, "calibration.ece"),
        "worst_group_roc_auc": worst,
    }
    return {**{name: stated(one) for name, one in chosen.items()}, "worst_group": worst.where["group"]}


def stated(one: Measurement) -> dict[str, Any]:
    """Return value, n and interval."""
    return {"value": one.value, "n": one.n, "interval": None if one.interval is None else one.interval.model_dump()}


def _named(held: Sequence[Measurement], name: str) -> Measurement:
    return next(one for one in held if one.name == name and "group" not in one.where and "label" not in one.where)


def _recipe(table: dict[str, Any]) -> Recipe:
    return Recipe.checked(table, where="the benchmark")


def _without(say: Say) -> dict[str, Any]:
    """Return the figures of the head without privacy: scikit-learn's logistic regression on the same features."""
    say("utility: the head without privacy")
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    whole = load_corpus("reviews")
    train_part, test = (split(whole, name).canonical() for name in ("train", "test"))
    x, held = (features_of(part.inputs) for part in (train_part, test))
    head = LogisticRegression(C=100.0, max_iter=2_000).fit(x, train_part.label_ids)
    scores = head.predict_proba(held)[:, 1]
    return {
        "name": "head-without",
        "trained": "the head alone, by scikit-learn's logistic regression",
        "epsilon": None,
        "roc_auc": {"value": float(roc_auc_score(test.label_ids, scores)), "n": len(test), "interval": None},
        "accuracy": {"value": float(np.mean((scores > 0.5) == test.label_ids)), "n": len(test), "interval": None},
    }


def features_of(texts: Sequence[str]) -> Any:
    """Return what enters the head for each of `texts`, (n, width), from where training keeps it."""
    shop = shop_of(_recipe(HEAD), ("a", "b"))
    head = head_of(shop.network)
    assert head is not None, "the recipe trains the head alone"
    ids = shop.encoder.ids(texts)
    return kept(shop.network, head, ids, shop.precision, lambda: features(shop, texts, head)).numpy()
