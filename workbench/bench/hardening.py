"""Does hardening harden? `python -m workbench.bench.hardening`

Trains the default backbone on `rotten-tomatoes` as it is and in three hardened ways, attacks each afresh by the attack
that the recipes named before training, on the same examples, and compares them pair by pair: what was gained under
attack, what it cost in clean accuracy and time, and whether the gain survives temperature scaling. Attacks the plain
model by three recipes, too, beside figures published for BERT.

Everything that is finished is kept in the runs folder, so an interrupted run continues.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from workbench.attacking import attack, paired
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.robustness.rates import TRIED
from workbench.bench.hardening_page import page
from workbench.bench.inputs import Inputs
from workbench.bench.stock import Stock
from workbench.bench.stock_attacks import STOCK, compared
from workbench.data.corpus import Corpus
from workbench.data.labels import align
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.measurement import Interval
from workbench.files import write_json, write_text
from workbench.models.engine import engine_for
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.protocols import Classifier
from workbench.models.tempered import TemperedClassifier, fitted_temperature
from workbench.seeds import Streams
from workbench.train.events import TrainingEvent
from workbench.train.recipe import Recipe
from workbench.verbs import train

DATA = "rotten-tomatoes"
PRIMARY = "deepwordbug@1"
PLAIN = "plain"
MODELS: Mapping[str, str] = {
    PLAIN: "as it is",
    "hardened_by_edits": "(a) random edits",
    "hardened_by_attacks": "(b) attacks in training",
    "hardened_by_embeddings": "(c) perturbed embeddings",
}
"""Shipped recipe (or none) -> how the page calls it."""

PUBLISHED: Mapping[str, str] = {
    "textfooler_glove@1": "BERT, MR, TextFooler: 86.0% before, 11.5% under attack (Jin et al. 2020, table 2; 1,000 "
    "texts, counter-fitted vectors and the Universal Sentence Encoder where this has GloVe and MiniLM)",
    PRIMARY: "LSTM, Rotten Tomatoes, DeepWordBug: 78.5% before, 14.5% under attack (TextAttack 0.3, its example of a "
    "training run; 200 texts); none was found for BERT",
    "pwws@1": "none was found for BERT on this corpus",
}
_STREAMS = Streams(0)


@dataclass(frozen=True)
class Under:
    """One model under one attack."""

    right: dict[str, bool]
    """Example id -> decided rightly before the attack."""
    stands: dict[str, bool]
    """Example id -> decided rightly and not brought to fall; crashed searches are left out."""
    queries: float
    """Mean over the attacked."""
    seconds: float


def attacked(model: Classifier, corpus: Corpus, recipe: str, *, examples: int, budget: int, keep: Path) -> Under:
    """Return what became of a sample of `corpus`, from `keep` where it is known."""
    probe = AttackProbe(recipe=recipe, examples=examples, query_budget=budget)
    key = hashlib.sha256(f"{model.card.digest} {corpus.digest} {probe}".encode()).hexdigest()[:24]
    place = keep / f"attack-{key}.json"
    if place.is_file():
        return Under(**json.loads(place.read_text("utf-8")))
    start = time.monotonic()
    found = attack(model, corpus, recipe=recipe, examples=examples, query_budget=budget, seed=_STREAMS.root)
    queries = [one.queries for one in found.rewrites if one.outcome in TRIED]
    under = Under(
        right=found.right,
        stands=found.stands,
        queries=float(np.mean(queries)) if queries else 0.0,
        seconds=time.monotonic() - start,
    )
    write_json(place, under.__dict__)
    return under


def share(values: Mapping[str, bool], corpus: Corpus) -> tuple[float, Interval | None, int]:
    """Return the share of `values` that hold, its interval over people, and n."""
    kept = np.array(list(values.values()))
    return (
        float(kept.mean()),
        proportion_interval(kept, _people(values, corpus), rng=_STREAMS.stream("hardening", "share")),
        len(values),
    )


def change(before: Mapping[str, bool], after: Mapping[str, bool], corpus: Corpus) -> tuple[float, Interval | None, int]:
    """Return the paired change of a share, over the examples that both have, its interval over people, and n."""
    found = paired("change", before, after, corpus.owners)
    return found.change, found.interval, found.n


def _people(ids: Mapping[str, bool], corpus: Corpus) -> People:
    return People(np.array([corpus.owners[one] for one in ids], dtype=np.int64))


def recipe_of(name: str) -> Recipe:
    """Return the recipe of one of `MODELS`: all differ in their augmentation alone."""
    hardened = Recipe.read(name if name != PLAIN else "hardened_by_edits").but(data=DATA)
    return hardened if name != PLAIN else hardened.model_copy(update={"augmentation": None})


def stock_agreement(
    model: HuggingFaceTextClassifier, corpus: Corpus, *, texts: int, keep: Path
) -> list[dict[str, Any]]:
    """Return how our searches end beside stock TextAttack's, on `texts` texts that the model decides rightly."""
    inputs = Inputs(model, corpus, ())
    cases = inputs.cases(texts)
    found = []
    for recipe in STOCK:
        key = hashlib.sha256(f"{model.digest} {corpus.digest} {recipe} {texts} sorted".encode()).hexdigest()[:24]
        place = keep / f"stock-{key}.json"
        if not place.is_file():
            one = compared(Stock(model.folder, model.device), model, cases, recipe, budget=2_000)
            write_json(place, one._asdict())
        found.append(json.loads(place.read_text("utf-8")))
    return found


def beside_stock(runs: Path, texts: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Train the plain model, or take the one that is there, and compare our searches on it with stock's."""
    say(f"{MODELS[PLAIN]}: training")
    model = train(recipe_of(PLAIN), out=runs / PLAIN, resume=True, progress=_told(say)).classifier
    test = align(split(load_corpus(DATA), "test"), model.labels, {}).canonical()
    say(f"{MODELS[PLAIN]}: beside stock TextAttack")
    return {"stock": stock_agreement(model, test, texts=texts, keep=runs), "stock_model": model.digest}


def measure(
    runs: Path, *, examples: int, budget: int, published_on: int, stock: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Train, attack and compare; return everything that the page shows."""
    whole = load_corpus(DATA)
    rows: list[dict[str, Any]] = []
    plain: dict[str, Any] = {}
    published: list[dict[str, Any]] = []
    for name, called in MODELS.items():
        recipe = recipe_of(name)
        say(f"{called}: training")
        trained = train(recipe, out=runs / name, resume=True, progress=_told(say))
        model = trained.classifier
        test = align(split(whole, "test"), model.labels, {}).canonical()
        validation = align(split(whole, "validation"), model.labels, {}).canonical()
        clean = _right(model, test)
        temperature = fitted_temperature(_probabilities(model, validation), validation.label_ids)
        say(f"{called}: attacks by {PRIMARY}")
        held = attacked(model, test, PRIMARY, examples=examples, budget=budget, keep=runs)
        say(f"{called}: the same at temperature {temperature:.2f}")
        cooled = attacked(
            TemperedClassifier(model, temperature), test, PRIMARY, examples=examples, budget=budget, keep=runs
        )
        how = recipe.augmentation
        row = {
            "model": called,
            "recipe": None if name == PLAIN else name,
            "seen": [] if how is None else list(how.families),
            "cost": None if how is None else how.cost(trained.card.corpus.n, recipe.epochs),
            "temperature": temperature,
            "clean": _stated(share(clean, test)),
            "under": _stated(share(held.stands, test)),
            "under_tempered": _stated(share(cooled.stands, test)),
            "queries": held.queries,
        }
        if name == PLAIN:
            plain = {"clean": clean, "under": held.stands, "tempered": cooled.stands}
            for other in PUBLISHED:
                say(f"{called}: attacks by {other}")
                under = attacked(model, test, other, examples=published_on, budget=5_000, keep=runs)
                published.append(
                    {
                        "recipe": other,
                        "clean": _stated(share(under.right, test)),
                        "under": _stated(share(under.stands, test)),
                        "queries": under.queries,
                        "seconds": under.seconds,
                        "published": PUBLISHED[other],
                    }
                )
        else:
            row["clean_change"] = _stated(change(plain["clean"], clean, test))
            row["under_change"] = _stated(change(plain["under"], held.stands, test))
            row["under_tempered_change"] = _stated(change(plain["tempered"], cooled.stands, test))
        rows.append(row)
    beside = beside_stock(runs, stock, say)
    return {
        "data": DATA,
        "primary_attack": PRIMARY,
        "examples": examples,
        "models": rows,
        "published": published,
        "model": beside["stock_model"],
        **beside,
    }


def _right(model: Classifier, corpus: Corpus) -> dict[str, bool]:
    decided = _probabilities(model, corpus).argmax(axis=1)
    return {one.id: bool(a == b) for one, a, b in zip(corpus, decided, corpus.label_ids, strict=True)}


def _probabilities(model: Classifier, corpus: Corpus) -> Any:
    with engine_for(model) as engine:
        return engine.predict_proba(corpus.inputs)


def _stated(found: tuple[float, Interval | None, int]) -> dict[str, Any]:
    value, interval, n = found
    return {"value": value, "n": n, "interval": None if interval is None else interval.model_dump()}


def _told(say: Callable[[str], None]) -> Callable[[TrainingEvent], None]:
    last = 0.0

    def tell(event: TrainingEvent) -> None:
        nonlocal last
        if event.message or time.monotonic() - last > 30:
            last = time.monotonic()
            say(f"  {event.phase} {event.step} of {event.total} {event.message}".rstrip())

    return tell


def main(
    out: Annotated[Path, typer.Option("--out", help="Folder for hardening.json and hardening.md.")] = Path("reports"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for models and finished attacks.")] = Path(
        "runs/hardening"
    ),
    examples: Annotated[int, typer.Option("--examples", min=2, help="Texts to attack each model on.")] = 1_066,
    budget: Annotated[int, typer.Option("--budget", min=2, help="Questions a text.")] = 500,
    published_on: Annotated[int, typer.Option("--published-on", min=2, help="Texts beside published figures.")] = 200,
    stock: Annotated[int, typer.Option("--stock", min=1, help="Texts beside stock TextAttack.")] = 50,
    only_stock: Annotated[
        bool, typer.Option("--only-stock", help="Only compare with stock TextAttack; keep the other figures.")
    ] = False,
) -> None:
    """Compare hardened models with a plain one (about two hours on two cores; continues where it was interrupted)."""
    if only_stock:
        kept = json.loads((out / "hardening.json").read_text("utf-8"))
        found = kept | beside_stock(runs, stock, typer.echo)
    else:
        found = measure(runs, examples=examples, budget=budget, published_on=published_on, stock=stock, say=typer.echo)
    write_json(out / "hardening.json", found)
    write_text(out / "hardening.md", page(found))
    typer.echo(page(found))


if __name__ == "__main__":
    typer.run(main)
