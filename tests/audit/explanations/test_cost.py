"""Seconds for one explanation: of each method that can explain, alone, without help from memory."""

from __future__ import annotations

import pytest

from workbench.audit.explanations.cost import ExplanationCostProbe
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(5), Decision(), "positive")
TEXTS = [" ".join(["good", "bad", "dress"][: 1 + i % 3] * 3) + f" w{i}" for i in range(8)]


class Counting(LinearTextClassifier):
    asked = 0

    def predict_proba(self, inputs):
        type(self).asked += len(inputs)
        return super().predict_proba(inputs)


def corpus(texts):
    examples = tuple(Example(str(i), str(i), text, "positive") for i, text in enumerate(texts))
    return Corpus(examples, ("negative", "positive"), "made", "here", "test")


def test_times_each_method_that_can_explain():
    model = Counting.binary({"good": 1.0, "bad": -1.0})
    with engine_for(model) as engine:
        engine.predict_proba(TEXTS)
        before = Counting.asked
        found = ExplanationCostProbe(methods=("occlusion", "saliency"), examples=6).measure(
            engine, corpus(TEXTS), SETTING
        )
        assert Counting.asked - before >= 7 * (1 + 4), "the probe's texts are asked anew"
    (seconds,) = found.measurements
    assert seconds.name == "explanations.seconds_median"
    assert seconds.where == {"attributor": "occlusion@1"}
    assert seconds.n == 6
    assert 0 < seconds.interval.low <= seconds.value <= seconds.interval.high < 60
    assert any("seconds_median is not given for saliency@1" in note.text for note in found.exhibits)


def test_too_few_texts_and_none():
    model = LinearTextClassifier.binary({"good": 1.0})
    few = ExplanationCostProbe(methods=("occlusion@1",)).measure(model, corpus(TEXTS[:3]), SETTING)
    assert few.outcome == "not_applicable"
    assert "3 texts that it explains are too few" in few.reason
    assert (
        ExplanationCostProbe(methods=("occlusion@1",)).measure(model, corpus([]), SETTING).outcome == "not_applicable"
    )
    with pytest.raises(Misconfigured, match="examples must be at least 6"):
        ExplanationCostProbe(examples=5)
