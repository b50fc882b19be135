"""On a linear model the right ranking is known: it must win, its reverse must lose, and chance must lie between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.quality import CHANCE, QualityProbe
from workbench.audit.explanations.ranks import overlap, spearman
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


class _Size(_Known):
    """How much each word weighs, whichever way."""

    signed = False

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = super().attribute(model, text, target, gap_bound=gap_bound, seed=seed)
        return found._replace(scores=np.abs(found.scores))


@pytest.fixture(scope="module", autouse=True)
def registered():
    table = attributors._table
    table["known@1"] = _Known
    table["opposite@1"] = type("Opposite", (_Known,), {"__init__": lambda self: object.__setattr__(self, "sign", -1.0)})
    table["size@1"] = _Size
    yield
    del table["known@1"], table["opposite@1"], table["size@1"]


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


@pytest.mark.parametrize("n", [2, 5])
def test_methods_keep_their_names_where_people_are_few(n):
    methods = ("known@1", "opposite@1", "occlusion@1")
    result = measured(QualityProbe(methods=methods, examples=n), _corpus(n))
    gains = [one for one in result.measurements if one.name == "explanations.gain_over_random"]
    assert [one.where for one in gains] == [{"attributor": method} for method in methods]
    assert "too few to say more" in gains[0].interval.method


def test_scores_without_a_sign_are_set_against_the_size_of_the_change():
    result = measured(QualityProbe(methods=("size@1", "known@1"), examples=20))
    assert value(result, "tau_loo", attributor="size@1").value > 0.9
    signed = {m.where["attributor"] for m in result.measurements if m.name == "explanations.infidelity"}
    assert signed == {"known@1", CHANCE}
    notes = [one.text for one in result.exhibits if one.kind == "note"]
    assert "infidelity does not apply to size@1: the scores do not say which way." in notes
    assert value(result, "tau_loo", attributor="known@1").value > 0.95


def test_a_removal_that_the_model_has_no_token_for_is_said():
    result = measured(QualityProbe(methods=("known@1",), examples=12, removals=("deletion", "mask")))
    assert not [one for one in result.measurements if "removal" in one.where]
    said = "Not measured with a mask in place of missing words: the model has no mask token."
    assert [one.text for one in result.exhibits if one.kind == "note"].count(said) == 1
    with pytest.raises(Misconfigured, match="deletion"):
        QualityProbe(removals=("mask",))


@pytest.mark.parametrize(("n", "ranks"), [(12, (2, 9)), (5, None)])
def test_the_median_gap_is_that_of_texts_drawn_by_hash(n, ranks):
    result = measured(QualityProbe(methods=("shap_kernel@1", "known@1"), examples=n, kept=n), _corpus(30))
    gaps = sorted(
        one.values["completeness_gap"]
        for check in result.exhibits
        if check.kind == "explanation_check"
        for one in check.methods
        if one.attributor == "shap_kernel@1"
    )
    assert len(gaps) == n
    found = [one for one in result.measurements if one.name == "explanations.completeness_gap"]
    few = [one for one in result.exhibits if one.kind == "note" and "too few people for an interval" in one.text]
    if ranks is None:
        assert not found
        assert few
        return
    (gap,) = found
    assert not few
    assert (gap.where, gap.n, gap.unit) == ({"attributor": "shap_kernel@1"}, n, "ratio")
    assert gap.value == pytest.approx((gaps[5] + gaps[6]) / 2)
    assert (gap.interval.low, gap.interval.high) == (
        gaps[ranks[0]],
        gaps[ranks[1]],
    )  # ranks 3 and 10 of 12


def test_scores_that_are_all_equal_have_no_top():
    assert overlap(np.zeros(9), np.arange(9.0), 5) is None
    assert overlap(np.arange(9.0), np.zeros(9), 5) is None
    assert overlap(np.arange(9.0), np.arange(9.0), 5) == 1


def test_bad_parameters_are_refused():
    with pytest.raises(Misconfigured, match="examples"):
        QualityProbe(examples=0)
    with pytest.raises(Misconfigured, match="random"):
        QualityProbe(methods=(CHANCE,))


def test_ties_at_the_border_and_rounding_make_no_order():
    one, other = np.zeros(10), np.zeros(10)
    one[0] = other[9] = 1
    # The word that one prefers is in the other's five by chance, 4 of 9; so is each of the eight.
    expected = (2 * 4 / 9 + 8 * (4 / 9) ** 2) / 5
    assert overlap(one, other, 5) == pytest.approx(expected)
    assert overlap(one, one, 1) == 1.0
    noise = np.array([1e-31, -1e-31, 3e-32, 0, 0, 0, 0])
    for compare in (spearman, lambda a, b: overlap(a, b, 5)):
        assert compare(noise, noise) is None
