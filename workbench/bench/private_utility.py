"""Accuracy, ranking and calibration at several epsilons, on the test split of the default corpus."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from workbench.audit.fairness.groups import Groups
from workbench.audit.performance.calibration import Calibration
from workbench.audit.performance.classification import Classification
from workbench.audit.probe import Setting
from workbench.bench.private_shop import shop_of
from workbench.data.corpus import Corpus
from workbench.data.labels import align
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.evidence.decision import Decision
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured
from workbench.models.engine import engine_for
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.protocols import Classifier, FloatArray
from workbench.seeds import Streams
from workbench.train.events import TrainingEvent
from workbench.train.parts import private_part
from workbench.train.private.feed import features, head_of
from workbench.train.private.kept import kept
from workbench.train.recipe import Recipe
from workbench.verbs import load, train

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
SWEEP_EPSILON = 8.0
SWEEP = (
    (3e-2, 1.0, 3_400, 300),
    (3e-2, 3.0, 3_400, 300),
    (3e-2, 6.0, 3_400, 300),
    (1e-2, 3.0, 3_400, 300),
    (6e-2, 3.0, 3_400, 300),
    (3e-2, 3.0, 1_000, 300),
    (3e-2, 3.0, 3_400, 100),
)
"""Learning rate, bound of a gradient, batch and steps of the head alone: what was tried."""
START = "head-1-0"
"""The private head that fine-tuning starts from. It costs little: epsilons add up about as their squares do."""
_TUNED = {"data": "reviews", "pooling": "mean", "max_length": 128}
TUNED: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("low-rank updates", {**_TUNED, "learning_rate": 2e-3, "adapter": {"kind": "lora", "rank": 8}}),
    "full": ("all parameters", {**_TUNED, "learning_rate": 1e-4}),
}
"""What is fine-tuned -> how it is called, and its recipe without privacy: one epoch, from the public backbone."""
TUNED_PRIVATELY = {"lora": (1e-2, 1.0), "full": (1e-4, 2 / 3)}
"""What is fine-tuned -> learning rate of the few private steps, and which share of them it takes."""
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
    stand_in = load(runs / START, device="cpu")
    assert isinstance(stand_in, HuggingFaceTextClassifier)
    return [*rows, _without(stand_in, say)]


def measure_tuned(runs: Path, *, steps: int, say: Say) -> list[dict[str, Any]]:
    """Return a row for each fine-tuning of `TUNED`, at each of `TUNED_EPSILONS`; None: without privacy.

    The private ones take up to `steps` steps of `TUNED_BATCH` from the private head `START`, which is trained if need
    be; their epsilon counts that head's.
    """
    start = _recipe({**HEAD, "privacy": {"epsilon": EPSILONS[0], **HEAD_PRIVACY}})
    train(start, out=runs / START, resume=True)
    rows = []
    for epsilon in TUNED_EPSILONS:
        for kind, (called, table) in TUNED.items():
            if epsilon is None:
                rows.append(_row(f"{kind}-without", called, _recipe(table), runs, say))
                continue
            rate, share = TUNED_PRIVATELY[kind]
            privacy = {
                "epsilon": epsilon,
                "delta": DELTA,
                "steps": max(1, round(share * steps)),
                "batch": TUNED_BATCH,
                "max_grad_norm": TUNED_NORM,
                "clipping": "bookkeeping",
            }
            # Noise does what dropout is for, and drawing it takes a fifth of a step.
            own = {"checkpoint_every": 5, "precision": "float32", "learning_rate": rate, "dropout": 0.0}
            recipe = _recipe({**table, **own, "backbone": str(runs / START), "privacy": privacy})
            rows.append(_row(f"{kind}-{epsilon:g}", f"{called}, from the private head", recipe, runs, say))
    return rows


def measure_sweep(runs: Path, *, say: Say) -> list[dict[str, Any]]:
    """Return a row for each of `SWEEP`: the head alone at `SWEEP_EPSILON`, judged on the validation split."""
    part = split(load_corpus("reviews"), "validation").canonical()
    rows: list[dict[str, Any]] = []
    for rate, bound, batch, steps in SWEEP:
        privacy = {"epsilon": SWEEP_EPSILON, "delta": DELTA, "steps": steps, "batch": batch, "max_grad_norm": bound}
        recipe = _recipe({**HEAD, "learning_rate": rate, "privacy": privacy})
        name = f"sweep-{rate:g}-{bound:g}-{batch}-{steps}"
        done = train(recipe, out=runs / name, resume=True)
        found = _measured(done.classifier, part, known=_by_features(done.classifier, part))
        rows.append(
            {
                "learning_rate": rate,
                "max_grad_norm": bound,
                "batch": batch,
                "steps": steps,
                "roc_auc": stated(_named(found, "performance.roc_auc")),
                "log_loss": stated(_named(found, "performance.log_loss")),
            }
        )
        say(f"sweep: {name}: ROC-AUC {rows[-1]['roc_auc']['value']:.4f}")
    return rows


@cache
def _test() -> Corpus:
    """Return the test split in canonical order."""
    return split(load_corpus("reviews"), "test").canonical()


def _by_features(model: HuggingFaceTextClassifier, part: Corpus) -> FloatArray:
    """Return a head's probabilities, (n, n_labels), from the kept features: the body is everybody's."""
    head = model.network.classifier
    logits = features_of(part.inputs) @ head.weight.numpy().T + head.bias.numpy()
    found: FloatArray = softmax(logits.astype(np.float64), axis=1)
    apart = np.abs(found[:8] - model.predict_proba(part.inputs[:8])).max()
    assert apart < 1e-4, f"the kept features are not this model's: {apart}"
    return found


def _row(name: str, called: str, recipe: Recipe, runs: Path, say: Say) -> dict[str, Any]:
    """Train as `recipe` says, or go on with it, and return what came of it."""
    say(f"utility: {name}")
    since = time.monotonic()

    def told(event: TrainingEvent) -> None:
        if event.phase == "train" and event.step % 5 == 0 and event.total <= 100:
            say(f"utility: {name}: step {event.step} of {event.total}, {time.monotonic() - since:.0f} s")

    done = train(recipe, out=runs / name, resume=True, progress=told)
    card = done.card.privacy
    only_head = recipe.adapter is not None and recipe.adapter.kind == "last_layers"
    row = {
        "name": name,
        "trained": called,
        "epsilon": None if card is None else card.epsilon,
        "noise_multiplier": None if card is None else card.noise_multiplier,
        "steps": done.card.steps if card is None else card.steps,
        "batch": recipe.batch_size if card is None else card.batch,
        "max_grad_norm": None if card is None else card.max_grad_norm,
        "trainable": None if card is None else card.trainable,
        "dropout": recipe.dropout,
        "seconds": done.card.seconds,
        **figures(done.classifier, known=_by_features(done.classifier, _test()) if only_head else None),
    }
    say(f"utility: {name}: ROC-AUC {row['roc_auc']['value']:.3f}")
    return row


def figures(model: HuggingFaceTextClassifier, *, known: FloatArray | None = None) -> dict[str, Any]:
    """Return accuracy, ROC-AUC, calibration error and the worst group's ROC-AUC on the test split, with intervals.

    `known`: the probabilities for the test split in canonical order, (n, n_labels), where they are known already.
    """
    held = _measured(model, _test(), known=known)
    groups = [one for one in held if one.name == "fairness.roc_auc" and one.where["attribute"] == ATTRIBUTE]
    worst = min(groups, key=lambda one: one.value)
    chosen = {
        "accuracy": _named(held, "performance.accuracy"),
        "roc_auc": _named(held, "performance.roc_auc"),
        "ece": _named(held, "calibration.ece"),
        "worst_group_roc_auc": worst,
    }
    return {**{name: stated(one) for name, one in chosen.items()}, "worst_group": worst.where["group"]}


def _measured(model: Classifier, part: Corpus, *, known: FloatArray | None = None) -> list[Measurement]:
    """Return what the audit's own probes measure on `part`; `known`: its probabilities, (n, n_labels), in its order."""
    corpus = align(part, model.labels, {}).canonical()
    setting = Setting(Streams(0), Decision(), corpus.positive_label or model.labels[-1])
    held: list[Measurement] = []
    with engine_for(model) as engine:
        if known is not None:
            engine.remember(part.inputs, known)
        for probe in (Classification(), Calibration(), Groups()):
            found = probe.measure(engine, corpus, setting)
            assert isinstance(found, Measured)
            held += found.measurements
    return held


def stated(one: Measurement) -> dict[str, Any]:
    """Return value, n and interval."""
    return {"value": one.value, "n": one.n, "interval": None if one.interval is None else one.interval.model_dump()}


def _named(held: Sequence[Measurement], name: str) -> Measurement:
    return next(one for one in held if one.name == name and "group" not in one.where and "label" not in one.where)


def _recipe(table: dict[str, Any]) -> Recipe:
    return Recipe.checked(table, where="the benchmark")


def _without(stand_in: HuggingFaceTextClassifier, say: Say) -> dict[str, Any]:
    """Return the figures of the head without privacy: scikit-learn's logistic regression on the same features.

    It learns from the examples that the private runs learn from. `stand_in`: a model of these labels, whose place its
    probabilities take.
    """
    say("utility: the head without privacy")
    from sklearn.linear_model import LogisticRegression

    learned = private_part(load_corpus("reviews")).canonical()
    head = LogisticRegression(C=100.0, max_iter=2_000).fit(features_of(learned.inputs), learned.label_ids)
    found = figures(stand_in, known=head.predict_proba(features_of(_test().inputs)))
    return {"name": "head-without", "trained": "the head alone, by scikit-learn's logistic regression", **found}


def features_of(texts: Sequence[str]) -> Any:
    """Return what enters the head for each of `texts`, (n, width), from where training keeps it."""
    shop = shop_of(_recipe(HEAD), ("a", "b"))
    head = head_of(shop.network)
    assert head is not None, "the recipe trains the head alone"
    ids = shop.encoder.ids(texts)
    return kept(shop.network, head, ids, shop.precision, lambda: features(shop, texts, head)).numpy()
