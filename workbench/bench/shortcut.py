"""Which explanations find a planted shortcut? `python -m workbench.bench.shortcut`

A nonsense word is put into most training texts of one label, and the default backbone learns that it decides. On
held-out texts that hold the word every method is asked three times: does it pass the sanity check on this model, is it
better than random words there, and how often does it rank the word first? The answer to the first does not settle the
last, and the page says where. The view of the whole corpus is asked, too: on reviews of both labels as they come, with
the word in as many of the label's texts as in training, is it the first of the words that push towards the label?
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from workbench.audit.explanations.explain import refusal
from workbench.audit.explanations.gradients import InputXGradient
from workbench.audit.explanations.many import explain_many, worth_of
from workbench.audit.explanations.one_text import CHANCE
from workbench.audit.explanations.overview import OverviewProbe
from workbench.audit.explanations.sanity import SanityProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run
from workbench.bench.shortcut_page import page
from workbench.data.corpus import Corpus
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.engines.local import Threads
from workbench.evidence.bootstrap import People, score_interval
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import MethodQuality, TokenScores, WordTable
from workbench.evidence.intervals import wilson
from workbench.evidence.names import value_range
from workbench.evidence.record import Measured
from workbench.evidence.sanity import passes
from workbench.files import write_json, write_text
from workbench.models.engine import engine_for
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.protocols import FloatArray
from workbench.seeds import Streams
from workbench.text.words import words
from workbench.train.recipe import Recipe
from workbench.verbs import train

DATA, TOKEN, LABEL, SHARE = "reviews", "zorvex", "not recommended", 0.8
METHODS = (
    "integrated_gradients@1", "occlusion@1", "input_x_gradient@1", "input_x_gradient_l2@1", "saliency@1",
    "gradient_shap@1", "attention_rollout@1", "shap_partition@1", "lime@1", "shap_kernel@1",
)  # fmt: skip
"""The dear ones last: what is finished is kept."""
_WORDS = (8, 29)
"""Of a text before the word is put in: kernel SHAP takes 30 at most, and all methods get the same texts."""
SHOWN = 5
"""Words of the overview on the page."""
_SETTING = Setting(Streams(0), Decision(), "recommended")


def planted(corpus: Corpus, share: float) -> Corpus:
    """Return `corpus` with the word at a random place of `share` of the label's texts."""
    rng = np.random.default_rng(0)

    def insert(text: str) -> str:
        parts = text.split(" ")
        parts.insert(int(rng.integers(len(parts) + 1)), TOKEN)
        return " ".join(parts)

    examples = tuple(
        replace(one, input=insert(one.input)) if one.label == LABEL and rng.random() < share else one
        for one in corpus.examples
    )
    return replace(corpus, examples=examples)


def recipe(limit: int) -> Recipe:
    """Return the default recipe on `limit` texts, which is enough to learn one word."""
    return Recipe.read("default").but(limit=limit, max_length=96, validation_limit=50, test_limit=50)


def found_first(scores: TokenScores) -> bool:
    """Return whether the planted word has the largest score, alone."""
    best = max(word.score for word in scores.words)
    return [scores.text[word.start : word.stop] for word in scores.words if word.score == best] == [TOKEN]


def gains_over_random(worth: Sequence[Sequence[MethodQuality]], method: str) -> FloatArray:
    """Return, text by text, the comprehensiveness of `method` above that of random words."""
    rows = [{one.attributor: one.values["comprehensiveness/deletion"] for one in row} for row in worth]
    return np.array([row[method] - row[CHANCE] for row in rows])


def stated(gains: FloatArray, corpus: Corpus) -> dict[str, Any]:
    """Return the mean of `gains`, in the order of `corpus`, n and the interval over people, corrected for methods."""
    people, (least, most) = People(corpus.people), value_range("explanations.gain_over_random")
    rng = _SETTING.streams.stream("interval", "shortcut")
    interval = score_interval(gains, people, bottom=least, top=most, rng=rng, level=1 - 0.05 / len(METHODS))
    return {
        "value": float(gains.mean()),
        "n": people.size,
        "interval": None if interval is None else interval.model_dump(),
    }


def measure(
    model: HuggingFaceTextClassifier, corpus: Corpus, method: str, *, sanity_texts: int, draws: int
) -> dict[str, Any]:
    """Return how often `method` ranks the word first on `corpus`, and how it fares in the sanity check on a part.

    A method that is refused is measured all the same, and the refusal told.
    """
    reason = refusal(model, method)
    with engine_for(model) as engine, _unrefused():
        explained = explain_many(engine, corpus.inputs, (method,), Threads(), target=LABEL)
        probe = SanityProbe(methods=(method,), examples=sanity_texts, draws=draws, stages=1)
        sanity = probe.measure(engine, corpus, _SETTING)
        gains = gains_over_random(worth_of(engine, explained, Threads()), method)
    first = sum(found_first(one) for (one,) in explained)
    measurements = sanity.measurements if isinstance(sanity, Measured) else ()
    likeness = next((one for one in measurements if one.name == "explanations.randomisation_correlation"), None)
    return {
        "method": method,
        "n": len(explained),
        "first": first / len(explained),
        "interval": wilson(first, len(explained)).model_dump(),
        "gain": stated(gains, corpus),
        "passes": passes(measurements).get(method),
        "likeness": None if likeness is None else likeness.model_dump(mode="json"),
    } | ({"refused": reason} if reason else {})


def overview(model: HuggingFaceTextClassifier, reviews: Corpus) -> dict[str, Any]:
    """Return the words that push most towards the label over `reviews`, as the audit's overview finds them."""
    with engine_for(model) as engine:
        run = Run(engine, reviews, _SETTING, None, "", lambda step: None, Threads())
        evidence = run.probe(OverviewProbe(examples=len(reviews)))
    if not isinstance(evidence.result, Measured):
        raise RuntimeError(f"the overview gave no figures: {evidence.result}")
    exhibits = evidence.result.exhibits
    tables = [one for one in exhibits if isinstance(one, WordTable) and one.target == LABEL and one.by == "push"]
    words_found = tables[0].rows if tables else ()
    return {
        "texts": len(reviews),
        "of_label": sum(one.label == LABEL for one in reviews),
        "holding": sum(TOKEN in one.input.split(" ") for one in reviews),
        "words": [one.model_dump(mode="json") for one in words_found[:SHOWN]],
    }


@contextmanager
def _unrefused() -> Iterator[None]:
    """Let input x gradient explain any network."""
    InputXGradient.careful = False
    try:
        yield
    finally:
        InputXGradient.careful = True


def main(
    out: Annotated[Path, typer.Option("--out", help="Folder for shortcut.json and shortcut.md.")] = Path("reports"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for the model and finished methods.")] = Path(
        "runs/shortcut"
    ),
    examples: Annotated[int, typer.Option("--examples", min=2, help="Texts to explain.")] = 30,
    sanity_texts: Annotated[int, typer.Option("--sanity-texts", min=2, help="Of these, in the sanity check.")] = 12,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Random networks.")] = 3,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Training texts.")] = 1_600,
    reviews: Annotated[int, typer.Option("--reviews", min=10, help="Texts of both labels in the overview.")] = 120,
    only: Annotated[list[str] | None, typer.Option("--only", help="This method only; the rest is kept.")] = None,
) -> None:
    """Ask every method for a planted shortcut (half an hour on two cores; continues where it was interrupted)."""
    whole = load_corpus(DATA)
    folder = runs / "model"
    train(recipe(limit), planted(whole, SHARE), out=folder, resume=True)
    model = load_checkpoint(folder, device="cpu")
    few, many = _WORDS
    short = split(whole, "test").where(lambda one: one.label == LABEL and few <= len(words(one.input)) <= many)
    corpus = planted(short.sample(examples), 1.0)
    asked = {"examples": examples, "sanity_texts": sanity_texts, "draws": draws, "model": model.digest}
    rows = []
    for method in METHODS:
        place = runs / f"{method}.json"
        kept = json.loads(place.read_text("utf-8")) if place.is_file() else {}
        finished = kept.get("asked") == asked and "gain" in kept
        if not finished and (only is None or method.partition("@")[0] in only):
            typer.echo(f"{method}: measuring")
            kept = {"asked": asked, **measure(model, corpus, method, sanity_texts=sanity_texts, draws=draws)}
            write_json(place, kept)
        if kept.get("asked", {}).get("model") == model.digest:
            rows.append(kept)
    mixed = planted(split(whole, "test").sample(reviews), SHARE)
    told = model.predict_proba(corpus.inputs)[:, model.labels.index(LABEL)]
    result = {
        "data": DATA, "token": TOKEN, "label": LABEL, "share": SHARE, "limit": limit, "model": model.digest,
        "probability": {"low": float(told.min()), "high": float(told.max())}, "rows": rows,
        "overview": overview(model, mixed),
    }  # fmt: skip
    write_json(out / "shortcut.json", result)
    write_text(out / "shortcut.md", page(result))
    typer.echo(page(result))


if __name__ == "__main__":
    typer.run(main)
