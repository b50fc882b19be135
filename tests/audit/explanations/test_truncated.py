"""A text that goes on beyond what the model reads has the explanations of the part that is read, and their quality."""

from __future__ import annotations

import re

import pytest

from tests.conftest import KnownModel
from workbench.audit.explanations.attribution import AttributionProbe
from workbench.audit.explanations.explain import explain
from workbench.audit.explanations.overview import OverviewProbe
from workbench.audit.explanations.quality import QualityProbe
from workbench.audit.explanations.stability import StabilityProbe
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.seeds import Streams

SETTING = Setting(Streams(5), Decision(), "positive")
WEIGHTS = {"great": 4.0, "ok": 0.5, "a": 0.0, "b": 0.0, "c": 0.0, "awful": -6.0}
READ, UNREAD = "great a b ok c a", " ".join(["awful"] * 8)


class FromTheEnd(KnownModel):
    """Reads the end of a text that is too long."""

    def encode(self, inputs):
        starts = [[0, *(word.start() for word in re.finditer(r"\S+", text))][-self.limit + 2 :][0] for text in inputs]
        return super().encode([" " * start + text[start:] for text, start in zip(inputs, starts, strict=True)])


HEAD = (KnownModel(WEIGHTS, lambda s: s, limit=8), f"{READ} {UNREAD}", 0)
TAIL = (FromTheEnd(WEIGHTS, lambda s: s, limit=8), f"{UNREAD} {READ}", len(UNREAD) + 1)
ENDS = pytest.mark.parametrize(("model", "long", "offset"), [HEAD, TAIL], ids=["head", "tail"])
METHODS = ("integrated_gradients@1", "occlusion@1", "lime@1", "shap_kernel@1", "random@1")


def example(text):
    return Example(id="1", person="1", input=text, label="positive")


@ENDS
@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_the_part_read(model, long, offset, method):
    short, whole = (explain(model, text, method=method, target="positive", seed=3) for text in (READ, long))
    assert whole.text == long
    assert whole.scores == pytest.approx(short.scores, abs=1e-12)
    assert [long[start:stop] for start, stop in whole.spans] == [READ[start:stop] for start, stop in short.spans]
    assert [(word.start - offset, word.stop - offset) for word in whole.words] == [
        (word.start, word.stop) for word in short.words
    ]
    assert [word.score for word in whole.words] == pytest.approx([word.score for word in short.words], abs=1e-12)


def test_shap_s_own_words_are_those_of_the_part_read():
    model, long, _ = HEAD
    short, whole = (explain(model, text, method="shap_partition@1", target="positive", seed=3) for text in (READ, long))
    assert (whole.scores, whole.spans, whole.words) == (short.scores, short.spans, short.words)


@ENDS
def test_quality_is_that_of_the_part_read(model, long, offset):
    probe = QualityProbe(methods=("integrated_gradients@1", "occlusion@1"))
    short, whole = (probe.item(model, example(text), SETTING) for text in (READ, long))
    assert [one.values for one in whole.methods] == [one.values for one in short.methods]


@ENDS
def test_decisions_hang_on_the_words_read_alone(model, long, offset):
    short, whole = (OverviewProbe().item(model, example(text), SETTING).words for text in (READ, long))
    assert [(word.score, word.flips) for word in whole] == [(word.score, word.flips) for word in short]
    assert not any(word.flips for word in whole)


@ENDS
def test_edits_keep_to_the_part_read(model, long, offset):
    probe = StabilityProbe(methods=("integrated_gradients@1",), moves=2)
    commas = [text.replace("a b", "a, b") for text in (READ, long)]
    short, whole = (probe.item(model, example(text), SETTING) for text in commas)
    assert whole.methods == short.methods
    assert short.methods[0].values.keys() == {"edit_stability", "sensitivity"}


@ENDS
def test_how_many_texts_are_cut_is_said_for_every_method(model, long, offset):
    data = Corpus((example(long),), ("negative", "positive"), "one", "here", "test")
    for method in ("integrated_gradients@1", "occlusion@1"):
        probe = AttributionProbe(attributor=method)
        found = probe.gather(
            [probe.item(model, one, SETTING) for one in probe.select(model, data, SETTING)], data, SETTING
        )
        assert any("1 of 1 texts are longer than the model reads" in getattr(one, "text", "") for one in found.exhibits)


def test_kernel_shap_counts_the_words_read(known_model):
    model, long = known_model(WEIGHTS, limit=8), " ".join(["great", *["a"] * 40])
    assert len(explain(model, long, method="shap_kernel@1").words) == 6
    data = Corpus((example(long),), ("negative", "positive"), "one", "here", "test")
    assert len(AttributionProbe(attributor="shap_kernel@1").select(model, data, SETTING)) == 1


def test_on_a_transformer_that_cuts_inside_a_word(tiny_checkpoint):
    with engine_for(load_checkpoint(tiny_checkpoint, device="cpu")) as engine, engine.item("one") as model:
        long = "the dress is good " * 7 + "zqxzqxzqx awful awful"  # 28 words, and two letters of the next
        cut = "the dress is good " * 7 + "zq"
        probe = QualityProbe(methods=("integrated_gradients@1", "occlusion@1"), orders=3)
        short, whole = (probe.item(model, example(text), SETTING) for text in (cut, long))
        assert [one.values for one in whole.methods] == [one.values for one in short.methods]
        words = explain(model, long).words
        assert long[words[-1].start : words[-1].stop] == "zqxzqxzqx"
