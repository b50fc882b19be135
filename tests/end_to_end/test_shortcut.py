"""A shortcut is planted in training texts: a nonsense word in most texts of one label. Explanations must find it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import workbench
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.gradients import InputXGradient
from workbench.audit.explanations.quality import QualityProbe
from workbench.audit.explanations.sanity import SanityProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.bench.rarity import offer
from workbench.bench.shortcut import LABEL, TOKEN, found_first, overview, planted, recipe
from workbench.data.corpus import Corpus
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.engines.local import Threads
from workbench.errors import Unsupported
from workbench.evidence.decision import Decision
from workbench.evidence.sanity import passes as verdicts
from workbench.models.engine import engine_for
from workbench.seeds import Streams

pytestmark = pytest.mark.slow

METHODS = (
    "integrated_gradients@1",
    "occlusion@1",
    "input_x_gradient_l2@1",
    "saliency@1",
    "attention_rollout@1",
)
SETTING = Setting(Streams(0), Decision(), "recommended")


@pytest.fixture(scope="module")
def reviews() -> Corpus:
    return load_corpus("reviews")


@pytest.fixture(scope="module")
def model(reviews: Corpus, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("shortcut") / "run"
    workbench.train(recipe(1600), planted(reviews, 0.8), out=out)
    return workbench.load(out)


@pytest.fixture(scope="module")
def held_out(reviews: Corpus) -> Corpus:
    """Held-out texts of the label, each with the token: of at most 40 words, so that nothing is cut off."""
    short = split(reviews, "test").where(lambda one: one.label == LABEL and 8 <= len(one.input.split()) <= 40)
    return planted(short.sample(30), 1.0)


def test_the_global_view_of_reviews_as_they_come_names_it_first(model, reviews: Corpus) -> None:
    mixed = planted(split(reviews, "test").where(lambda one: len(one.input.split()) <= 60).sample(80), 0.8)
    holding = sum(TOKEN in one.input.split(" ") for one in mixed)
    assert 5 <= holding < sum(one.label == LABEL for one in mixed) < 40  # a minority, and not all of the label
    first, second = overview(model, mixed)["words"][:2]
    assert first["word"] == TOKEN
    assert first["n"] == holding
    assert first["interval"]["low"] > second["interval"]["high"]


@pytest.fixture
def rarity() -> Iterator[str]:
    name = offer()
    yield name
    del attributors._table[name]


def test_methods_that_pass_the_sanity_check_rank_it_first(model, held_out: Corpus, rarity: str) -> None:
    few = held_out.sample(16)
    with engine_for(model) as engine:
        sanity = SanityProbe(methods=(*METHODS, rarity), examples=16, stages=1).measure(engine, few, SETTING)
        _, evidence = run_probes(
            Run(engine, few, SETTING, None, "", lambda step: None, Threads()), [QualityProbe(METHODS, examples=16)]
        )
    passes = {method for method, passed in verdicts(sanity.measurements).items() if passed}
    gains = [one for one in evidence[-1].result.measurements if one.name == "explanations.gain_over_random"]
    beats = {one.where["attributor"] for one in gains if one.interval.low > 0}
    # The "explainer" that never asks the model ranks the planted word first, too, because nothing is rarer: only the
    # sanity check gives it away.
    assert rarity not in passes
    assert {"integrated_gradients@1", "occlusion@1", "input_x_gradient_l2@1"} <= passes
    assert passes <= beats
    methods = sorted(passes)
    found = workbench.explain(model, list(few.inputs), methods=methods, target=LABEL, quality=False)
    first = {method: np.mean([found_first(one) for one in found[method]]) for method in methods}
    assert min(first.values()) >= 0.9, first


def test_input_x_gradient_if_not_refused_would_pass_and_miss_it(model, held_out: Corpus, monkeypatch) -> None:
    """It passes the sanity check as noise does: only arithmetic, and the gain, give it away."""
    few, method = held_out.sample(16), "input_x_gradient@1"
    with pytest.raises(Unsupported, match="cannot speak of words here"):
        workbench.explain(model, few.inputs[0], methods=[method])
    monkeypatch.setattr(InputXGradient, "careful", False)
    with engine_for(model) as engine:
        sanity = SanityProbe(methods=(method,), examples=16, stages=1).measure(engine, few, SETTING)
        _, evidence = run_probes(
            Run(engine, few, SETTING, None, "", lambda step: None, Threads()), [QualityProbe((method,), examples=16)]
        )
    assert verdicts(sanity.measurements) == {method: True}
    (gain,) = (one for one in evidence[-1].result.measurements if one.name == "explanations.gain_over_random")
    assert gain.interval.low <= 0
    found = workbench.explain(model, list(few.inputs), methods=[method], target=LABEL, quality=False)
    assert np.mean([found_first(one) for one in found[method]]) < 0.5
