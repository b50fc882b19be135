"""On a linear model the right ranking is known: it must win, its reverse must lose, and chance must lie between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.quality import CHANCE, QualityProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.engines.local import Threads
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier, words_of
from workbench.seeds import Streams
from workbench.text.words import words

WEIGHTS = {f"w{i}": float(w) for i, w in enumerate([3, -3, 2, -2, 1, -1, 0.5, -0.5, 0, 0, 0, 0, 0, 0, 0, 0])}
MODEL = LinearTextClassifier.binary(WEIGHTS)
SETTING = Setting(Streams(5), Decision(), "positive")


def _corpus(n: int = 30) -> Corpus:
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(list(WEIGHTS), size=12)) for _ in range(n)]
    labels = [MODEL.labels[int(MODEL.logits([text])[0].argmax())] for text in texts]
    examples = [
        Example(id=f"{i}", person=f"{i}", input=text, label=label)
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    return Corpus(tuple(examples), MODEL.labels, name="linear", source="here", split="test")


@dataclass(frozen=True)
class _Known:
    """The weights themselves, or their opposite."""

    sign: float = 1.0

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = words(text)
        side = 1.0 if target == 1 else -1.0
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=np.array([self.sign * side * WEIGHTS[words_of(word.text)[0]] for word in found]),
            output="logit",
            completeness_gap=None,
            baseline=None,
            passes=0,
        )


@pytest.fixture(scope="module", autouse=True)
def registered():
    table = attributors._table
    table["known@1"] = _Known
    table["opposite@1"] = type("Opposite", (_Known,), {"__init__": lambda self: object.__setattr__(self, "sign", -1.0)})
    yield
    del table["known@1"], table["opposite@1"]


def measured(probe, corpus=None, model=MODEL):
    corpus = corpus or _corpus()
    with engine_for(model) as engine:
        _, evidence = run_probes(Run(engine, corpus, SETTING, None, "", lambda step: None, Threads()), [probe])
    return evidence[-1].result


def value(result, name, **where):
    (found,) = [m for m in result.measurements if m.name == f"explanations.{name}" and m.where == where]
    return found


def test_the_right_ranking_wins_and_its_reverse_loses():
    result = measured(QualityProbe(methods=("known@1", "opposite@1", "occlusion@1"), examples=30))
    for metric, better in (("comprehensiveness", 1), ("sufficiency", -1), ("deletion_auc", -1), ("insertion_auc", 1)):
        right, chance, wrong = (
            value(result, metric, attributor=method) for method in ("known@1", CHANCE, "opposite@1")
        )
        assert better * right.value > better * chance.value > better * wrong.value, metric
        for one in (right, chance, wrong):
            assert one.n == 30
            assert one.interval.low < one.value < one.interval.high
    assert value(result, "tau_loo", attributor="known@1").value > 0.95  # ties: words of weight 0
    assert value(result, "tau_loo", attributor="opposite@1").value < -0.95
    assert not [m for m in result.measurements if m.name.endswith("tau_loo") and m.where["attributor"] == "occlusion@1"]
    right, chance, wrong = (
        value(result, "infidelity", attributor=method).value for method in ("known@1", CHANCE, "opposite@1")
    )
    assert right < chance < wrong
    assert value(result, "gain_over_random", attributor="known@1").interval.low > 0
    assert value(result, "gain_over_random", attributor="known@1").interval.level == pytest.approx(1 - 0.05 / 3)
    assert value(result, "gain_over_random", attributor="opposite@1").interval.high < 0
    notes = [one.text for one in result.exhibits if one.kind == "note"]
    assert any("Better than random" in note and "known@1, occlusion@1." in note for note in notes)
    assert any("Not shown to be better" in note and "opposite@1" in note for note in notes)
    assert value(result, "agreement", attributor="known@1", other="opposite@1").value == pytest.approx(-1, abs=0.02)
    assert value(result, "agreement", attributor="known@1", other="occlusion@1").value > 0.98


def test_one_text_by_hand():
    text = "w0 w8 w9 w10"  # weights 3, 0, 0, 0: everything hangs on one word
    corpus = Corpus((Example(id="1", person="1", input=text, label="positive"),), MODEL.labels, "one", "here", "test")
    item = QualityProbe(methods=("known@1",), orders=200).item(MODEL, corpus[0], SETTING)
    known, chance = item.methods
    p, half = 1 / (1 + np.exp(-3)), 0.5
    assert known.values["comprehensiveness/deletion"] == pytest.approx(p - half)
    assert known.values["sufficiency/deletion"] == pytest.approx(0)
    # After rounding, a tenth of 4 words is none, 0.2 and 0.3 are one: w0 is there at the steps 0 and 0.1 only.
    assert known.values["deletion_auc/deletion"] == pytest.approx((1.5 * p + 8.5 * half) / 10)
    assert known.values["insertion_auc/deletion"] == pytest.approx((1.5 * half + 8.5 * p) / 10)
    # A random word is w0 in one order of four, and one of two random words in two of four.
    expected = (4 * 0.25 + 0.5) / 5 * (p - half)
    assert chance.values["comprehensiveness/deletion"] == pytest.approx(expected, abs=0.03)


def test_what_a_missing_word_leaves_behind_is_told_apart():
    class Masked:
        """A tokenizer with a mask token."""

        mask_token = "w1"  # which speaks against the positive label

    class Model(LinearTextClassifier):
        tokenizer = Masked()

    model = Model({word: (0.0, weight) for word, weight in WEIGHTS.items()}, MODEL.labels)
    item = QualityProbe(methods=("known@1",), removals=("deletion", "mask")).item(
        model, Example(id="1", person="1", input="w0 w8 w9 w10", label="positive"), SETTING
    )
    values = item.methods[0].values
    assert values["comprehensiveness/mask"] > values["comprehensiveness/deletion"] + 0.3


def test_texts_without_words_and_methods_without_answers_are_said():
    corpus = _corpus(12)
    silent = replace(corpus, examples=(*corpus.examples[:11], replace(corpus.examples[11], input="?!")))
    result = measured(QualityProbe(methods=("known@1", "saliency@1"), examples=12), silent)
    notes = [one.text for one in result.exhibits if one.kind == "note"]
    assert any("11 texts drawn" in note and "1 could not be" in note for note in notes)
    assert any(note.startswith("saliency@1: no explanation of 11 of 11 texts") for note in notes)
    assert not [m for m in result.measurements if m.where.get("attributor") == "saliency@1"]
    only = measured(QualityProbe(methods=("saliency@1",), examples=12), corpus)
    assert only.outcome == "not_applicable"
    assert "gradients" in only.reason


def test_bad_parameters_are_refused():
    with pytest.raises(Misconfigured, match="examples"):
        QualityProbe(examples=0)
    with pytest.raises(Misconfigured, match="random"):
        QualityProbe(methods=(CHANCE,))
