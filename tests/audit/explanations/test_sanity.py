"""A method that reads the text only is caught; one that reads the model passes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.sanity import SanityProbe, _cascade
from workbench.audit.probe import Setting
from workbench.audit.profiles import PROFILES
from workbench.audit.runner import Run
from workbench.audit.store import Store
from workbench.data.corpus import Corpus, Example
from workbench.errors import BadInput, Misconfigured
from workbench.evidence.decision import Decision
from workbench.evidence.sanity import passes
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams
from workbench.text.words import words

NAMES = [f"w{i}" for i in range(40)]
SETTING = Setting(Streams(5), Decision(), "positive")


class Drawn(LinearTextClassifier):
    """A linear model whose weights can be drawn anew, half of them at a time."""

    groups = ("second half", "first half")

    def randomised(self, count: int, seed: int) -> Drawn:
        fresh = np.random.default_rng(seed).normal(size=len(NAMES))
        kept = {name: row[1] for name, row in self._weights.items()}
        first = 20 if count == 1 else 0
        return Drawn.binary({name: fresh[i] if i >= first else kept[name] for i, name in enumerate(NAMES)})


@dataclass(frozen=True)
class _Rarity:
    """The edge detector's analogue: scores that only the text decides, here by the word's number."""

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = words(text)
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=np.array([float(word.text[1:]) for word in found]),
            output="rarity",
            completeness_gap=None,
            baseline=None,
            passes=0,
        )


@dataclass(frozen=True)
class _Noisy(_Rarity):
    """The same with a little noise that differs from model to model: blind all the same."""

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = super().attribute(model, text, target, gap_bound=gap_bound, seed=seed)
        weights = model.model._weights
        rng = np.random.default_rng(abs(hash((seed, weights["w0"][1]))) % 2**32)
        return found._replace(scores=found.scores + 5 * rng.normal(size=len(found.scores)))


@dataclass(frozen=True)
class _Flat(_Rarity):
    """The same score for every word."""

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = super().attribute(model, text, target, gap_bound=gap_bound, seed=seed)
        return found._replace(scores=np.zeros(len(found.scores)))


@dataclass(frozen=True)
class _Lowest(_Rarity):
    """Reads the model, and of it nothing but the part that is drawn anew last."""

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = super().attribute(model, text, target, gap_bound=gap_bound, seed=seed)
        weights, lowest = model.model._weights, NAMES[:20]
        return found._replace(scores=np.array([weights[one][1] if one in lowest else 0.0 for one in found.tokens]))


@pytest.fixture(scope="module", autouse=True)
def registered():
    made_up = {"rarity@1": _Rarity, "noisy@1": _Noisy, "flat@1": _Flat, "lowest@1": _Lowest}
    attributors._table.update(made_up)
    yield
    for name in made_up:
        del attributors._table[name]


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(1)
    examples = [
        Example(id=f"{i}", person=f"{i}", input=" ".join(rng.choice(NAMES, 15, replace=False)), label="positive")
        for i in range(12)
    ]
    return Corpus(tuple(examples), ("negative", "positive"), "linear", "here", "test")


@pytest.fixture(scope="module")
def result(corpus):
    weights = np.random.default_rng(0).normal(size=len(NAMES))
    with engine_for(Drawn.binary(dict(zip(NAMES, weights, strict=True)))) as engine:
        probe = SanityProbe(methods=("occlusion@1", "rarity@1", "noisy@1", "saliency@1"), examples=12, draws=4)
        return probe.measure(engine, corpus, SETTING)


def value(result, name, **where):
    (found,) = [m for m in result.measurements if m.name == f"explanations.{name}" and m.where == where]
    return found


def test_what_reads_the_text_only_is_caught_and_what_reads_the_model_passes(result):
    read, blind = (value(result, "randomisation_excess", attributor=name) for name in ("occlusion@1", "rarity@1"))
    assert read.interval.high < 0
    assert blind.value == pytest.approx(0)
    assert blind.interval.low <= 0 <= blind.interval.high
    assert blind.interval.low < blind.interval.high
    notes = [one.text for one in result.exhibits]
    assert any(note.startswith("Pass the sanity check: occlusion@1.") for note in notes)
    assert any(note.startswith("Fail the sanity check: rarity@1, noisy@1.") for note in notes)
    assert any(note.startswith("saliency@1: not checked on every text") for note in notes)


def verdict(corpus, methods, **params):
    weights = np.random.default_rng(0).normal(size=len(NAMES))
    with engine_for(Drawn.binary(dict(zip(NAMES, weights, strict=True)))) as engine:
        found = SanityProbe(methods=methods, **params).measure(engine, corpus, SETTING)
    return passes(found.measurements), [one.text for one in found.exhibits]


def test_the_quick_profile_s_own_size_tells_a_method_that_reads_the_model_from_one_that_does_not(corpus):
    (params,) = [params for name, params in PROFILES["quick"] if name == "explanations.sanity@1"]
    found, notes = verdict(corpus, **{**params, "methods": ("occlusion@1", "rarity@1")})
    assert found == {"occlusion@1": True, "rarity@1": False}
    assert any(note.startswith("Pass the sanity check: occlusion@1.") for note in notes)


def test_few_texts_blame_no_method(corpus):
    found, notes = verdict(corpus, ("occlusion@1", "rarity@1"), examples=5, stages=1)
    assert found == {"occlusion@1": False, "rarity@1": False}
    (said,) = [note for note in notes if "sanity check" in note]
    assert said.startswith("Not shown to pass the sanity check: occlusion@1, rarity@1. Too few texts")


def test_a_method_that_ranks_no_words_is_not_passed_over(corpus):
    found, notes = verdict(corpus, ("occlusion@1", "flat@1"), examples=10, stages=1)
    assert found == {"occlusion@1": True}
    (said,) = [note for note in notes if note.startswith("Not shown to pass")]
    assert "flat@1. They ranked the words of no text" in said


def test_a_model_trained_on_random_labels_silences_no_verdict(corpus, monkeypatch):
    other = np.random.default_rng(99).normal(size=len(NAMES))
    made = Drawn.binary(dict(zip(NAMES, other, strict=True)))
    monkeypatch.setattr("workbench.models.hugging_face.load_checkpoint", lambda folder, device: made)
    methods = ("occlusion@1", "rarity@1")
    found, notes = verdict(corpus, methods, examples=12, stages=1, label_randomised="folder")
    assert found == {"occlusion@1": True, "rarity@1": False}
    assert any("Explanations were also compared with those on folder" in note for note in notes)
    assert any(note.startswith("Fail the sanity check: rarity@1.") for note in notes)


def test_what_is_alike_on_a_model_of_random_labels_is_told(corpus, monkeypatch):
    same = dict(zip(NAMES, np.random.default_rng(0).normal(size=len(NAMES)), strict=True))
    for weights, told in ((same, True), ({name: -weight for name, weight in same.items()}, False)):
        made = Drawn.binary(weights)
        monkeypatch.setattr("workbench.models.hugging_face.load_checkpoint", lambda folder, device, made=made: made)
        _, notes = verdict(corpus, ("occlusion@1",), examples=12, stages=1, label_randomised="folder")
        assert any(note.startswith("Alike on the model of random labels: occlusion@1.") for note in notes) is told


def test_the_reason_given_is_that_of_the_first_text_whichever_thread_was_first(corpus):
    texts = ["?!", "...", "!!!", "***"]
    silent = [Example(id=f"s{i}", person=f"s{i}", input=text, label="positive") for i, text in enumerate(texts)]
    data = Corpus((*silent, *corpus.examples), corpus.labels, "some silent", "here", "test")
    first = next(one.input for one in data.sample(16).canonical() if one.input in texts)

    class Slow(Drawn):
        def predict_proba(self, inputs):
            if list(inputs) == [first]:
                time.sleep(0.3)
            return super().predict_proba(inputs)

    weights = np.random.default_rng(0).normal(size=len(NAMES))
    model = Slow.binary(dict(zip(NAMES, weights, strict=True)))
    probe = SanityProbe(methods=("occlusion@1",), examples=16, draws=2, stages=1)
    notes = [one.text for one in probe.measure(_Bare(model), data, SETTING).exhibits]
    assert any("not checked on every text" in note and f"{first!r}" in note for note in notes)


class _Bare:
    """A model for which each text is a request of its own."""

    def __init__(self, model):
        self.model, self.labels, self.predict_proba = model, model.labels, model.predict_proba

    @contextmanager
    def item(self, name):
        yield self.model


def test_noise_does_not_carry_a_blind_method_through(result):
    excess, alike = (value(result, f"randomisation_{name}", attributor="noisy@1") for name in ("excess", "correlation"))
    assert excess.interval.high < 0, "below the 95th percentile of its own noise, and yet"
    assert alike.interval.low > 0.5


def test_likeness_falls_as_the_model_forgets(result):
    whole = value(result, "randomisation_correlation", attributor="occlusion@1")
    half = value(
        result, "randomisation_correlation", attributor="occlusion@1", scores="signed", randomised="1 of 2 parts"
    )
    assert abs(whole.value) < 0.3 < half.value < 0.9
    assert whole.n == half.n == 12
    blind = value(result, "randomisation_correlation", attributor="rarity@1")
    assert blind.value == pytest.approx(1)
    absolute = value(
        result, "randomisation_correlation", attributor="occlusion@1", scores="absolute", randomised="2 of 2 parts"
    )
    assert absolute.interval.low < absolute.value < absolute.interval.high


def test_a_model_that_cannot_be_drawn_anew_is_not_applicable(corpus):
    model = LinearTextClassifier.binary({"w1": 1.0})
    with engine_for(model) as engine:
        assert SanityProbe().measure(engine, corpus, SETTING).outcome == "not_applicable"


def test_a_check_that_was_interrupted_goes_on_and_finds_the_same(corpus, tiny_checkpoint, tmp_path, monkeypatch):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    texts = ["this dress is good", "a bad dress, too small", "lovely and soft but rough", "?!"]
    examples = tuple(Example(id=f"{i}", person=f"{i}", input=one, label=model.labels[0]) for i, one in enumerate(texts))
    data = Corpus(examples, model.labels, "tiny", "here", "test")
    setting = Setting(Streams(5), Decision(), model.labels[1])
    probe = SanityProbe(methods=("occlusion@1", "saliency@1"), draws=3, stages=1)
    step, asked = SanityProbe.step, []

    def once(self, name, *rest):
        asked.append(name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return step(self, name, *rest)

    with engine_for(model) as engine:
        whole = probe.measure(engine, data, setting)
        names = probe.steps(engine, data, setting)
        monkeypatch.setattr(SanityProbe, "step", once)
        store = Store(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            Run(engine, data, setting, store, "key", lambda step: None).probe(probe)
        resumed = Run(engine, data, setting, store, "key", lambda step: None).probe(probe)
        store.close()
    assert asked == [*names[:3], *names[2:]]
    assert resumed.result == whole


def test_what_reads_the_lowest_part_only_passes_and_is_told_of(corpus):
    found, notes = verdict(corpus, ("occlusion@1", "lowest@1"), examples=12, draws=6, stages=2)
    assert found == {"occlusion@1": True, "lowest@1": True}
    (said,) = [note for note in notes if note.startswith("Still alike while only the lowest part")]
    assert said.startswith("Still alike while only the lowest part (first half) is left: lowest@1. Where every part")
    _, notes = verdict(corpus, ("occlusion@1", "lowest@1"), examples=12, draws=6, stages=1)
    assert not any("lowest part" in note for note in notes)


def test_stages_of_the_cascade():
    assert _cascade(8, 1) == [8]
    assert _cascade(8, 2) == [7, 8]
    assert _cascade(8, 3) == [1, 7, 8]
    assert _cascade(8, 4) == [1, 4, 7, 8]
    assert _cascade(8, 8) == list(range(1, 9))
    assert _cascade(1, 2) == _cascade(1, 3) == [1]
    assert _cascade(2, 3) == [1, 2]
    with pytest.raises(Misconfigured, match="draws"):
        SanityProbe(draws=1)


def saved(model, folder):
    model.network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_model_trained_on_random_labels_is_compared(tiny_checkpoint, tmp_path):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    texts = ["this dress is good", "a bad dress, too small", "lovely and soft but rough", "i love it and it is good"]
    examples = tuple(Example(id=f"{i}", person=f"{i}", input=one, label=model.labels[0]) for i, one in enumerate(texts))
    data = Corpus(examples, model.labels, "tiny", "here", "test")
    setting = Setting(Streams(5), Decision(), model.labels[1])

    def alike(folder):
        probe = SanityProbe(methods=("occlusion@1", "saliency@1"), draws=2, stages=1, label_randomised=folder)
        with engine_for(model) as engine:
            found = probe.measure(engine, data, setting)
        assert any(folder in note.text for note in found.exhibits)
        return {
            (m.where["attributor"], m.where.get("scores", "signed")): m
            for m in found.measurements
            if m.name == "explanations.label_randomisation_correlation"
        }

    same = alike(str(tiny_checkpoint))
    assert set(same) == {("occlusion@1", "signed"), ("occlusion@1", "absolute"), ("saliency@1", "signed")}
    assert all(one.value == pytest.approx(1) and one.n == 4 for one in same.values())
    other = alike(saved(model.randomised(99, 7), tmp_path / "other"))
    assert other["occlusion@1", "signed"].value < 0.9

    network = load_checkpoint(tiny_checkpoint, device="cpu")
    network.network.config.id2label = {0: "no", 1: "yes"}
    network.network.config.label2id = {"no": 0, "yes": 1}
    with engine_for(model) as engine, pytest.raises(BadInput, match="train it on the same data"):
        SanityProbe(methods=("occlusion@1",), label_randomised=saved(network, tmp_path / "labels")).measure(
            engine, data, setting
        )
