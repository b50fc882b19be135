"""Input reduction on models whose needs are known exactly, and on a transformer."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.probe import Setting, probes
from workbench.audit.robustness.reduction import InputReduction
from workbench.audit.robustness.words import words
from workbench.audit.runner import Run, params_of, run_probes
from workbench.audit.store import Store
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, MissingResource
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note, Reduction
from workbench.evidence.record import NotApplicable
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
PROBE = InputReduction()
MODEL = LinearTextClassifier.binary({"lovely": 4.0, "dress": 0.5, "hat": -0.25}, bias=-2.0)
"""Positive with 'lovely'; all else may go."""
TEXT = "this dress is quite lovely and fits very well with hat shoes coat"


@pytest.fixture(autouse=True)
def _ready(textattack):
    """Nothing here runs without TextAttack."""


def corpus_of(texts, label="positive"):
    rows = tuple(Example(f"{i:03d}", f"p{i}", text, label) for i, text in enumerate(texts))
    return Corpus(rows, ("negative", "positive"), "toy", "test")


def reduced(text, model=MODEL, setting=SETTING, probe=PROBE):
    item = probe.item(model, corpus_of([text])[0], setting)
    assert isinstance(item, Reduction)
    return item


def run(texts, model=MODEL, probe=PROBE, setting=SETTING):
    corpus = corpus_of(texts)
    chosen = probe.select(model, corpus, setting)
    assert not isinstance(chosen, NotApplicable), chosen.reason
    return probe.gather([probe.item(model, example, setting) for example in chosen], corpus, setting)


def by_name(measured):
    return {one.name.partition(".")[2]: one for one in measured.measurements}


def notes(measured):
    return " ".join(one.text for one in measured.exhibits if isinstance(one, Note))


def test_only_the_word_that_decides_is_left():
    found = reduced(TEXT)
    assert (found.outcome, found.decided, found.words, found.words_left) == ("reduced", "positive", 13, 1)
    assert found.reduced.split() == ["lovely"]
    assert found.probability_before == MODEL.predict_proba([TEXT])[0, 1]
    assert found.probability_after == MODEL.predict_proba(["lovely"])[0, 1]
    assert found.queries == 2 * 13, "the text, 13 texts without a word, and 12 words taken away one after the other"


def test_textattacks_own_recipe_loses_count_and_leaves_more(textattack):
    """Why the search is ours: after the first deletion, its own deletes other words than it ranked."""

    class Wrapper(textattack.models.wrappers.ModelWrapper):
        model = None

        def __call__(self, texts, **_):
            return MODEL.predict_proba(texts)

    with pytest.warns(DeprecationWarning, match="'warn' method"):
        stock = textattack.attack_recipes.InputReductionFeng2018.build(Wrapper())
    left = stock.attack(TEXT, 1).perturbed_result.attacked_text.text
    assert len(left.split()) > 1
    assert "dress" in left, "which says little, and was tried last"


def test_a_model_that_needs_every_word_keeps_every_word():
    # Each of the four is needed to outweigh the bias.
    needy = LinearTextClassifier.binary(dict.fromkeys(["all", "four", "are", "due"], 1.0), bias=-3.5)
    found = reduced("all four are due", needy)
    assert (found.outcome, found.reduced, found.words_left) == ("reduced", "all four are due", 4)


def test_the_decision_is_kept_also_where_it_is_wrong_or_not_the_largest():
    assert reduced("this hat is a hat").decided == "negative"
    lax = Setting(Streams(0), Decision(rule="threshold", threshold=0.1), "positive")  # P without any word: 0.12
    found = reduced("this hat and dress", setting=lax)
    assert (found.decided, found.words_left) == ("positive", 1)
    assert 0.1 <= found.probability_after < 0.5


def test_means_have_people_and_intervals():
    texts = [f"lovely {'shoe ' * k}".strip() for k in range(1, 13)]
    measured = run(texts)
    left, sure = (by_name(measured)[name] for name in ("words_left_mean", "reduced_confidence_mean"))
    assert left.value == pytest.approx(np.mean([1 / (k + 1) for k in range(1, 13)]))
    assert left.interval.low < left.value < left.interval.high
    assert "bootstrap over people" in left.interval.method
    assert sure.value == pytest.approx(MODEL.predict_proba(["lovely"])[0, 1])
    assert sure.interval.low < sure.value < sure.interval.high, "twelve equal values are no proof of no spread"
    for one in (left, sure):
        assert (one.n, one.where) == (12, {"recipe": "input_reduction@1"})
    assert (left.better, sure.better) == ("higher", "lower")
    assert "of 12 texts drawn by hash of their id, 12 were reduced" in notes(measured)


def test_what_is_too_short_too_long_or_crashes_is_in_no_mean_and_told():
    probe = InputReduction(query_budget=12)  # five words
    texts = ["", "lovely", "lovely dress", "lovely <SPLIT> dress", "lovely shoe coat hat belt", "lovely " * 6]
    measured = run(texts, probe=probe)
    held = [one for one in measured.exhibits if isinstance(one, Reduction)]
    assert [one.outcome for one in held] == ["reduced", "failed", "reduced"]
    assert by_name(measured)["words_left_mean"].n == 2
    assert "<SPLIT>" in held[1].error
    assert "1 could not be reduced because the reduction itself crashed: these are in no mean" in notes(measured)
    assert "3 of 6 texts have fewer than 2 words, or more than the 5" in notes(measured)
    with pytest.raises(RuntimeError, match="crashed on all 1 texts"):
        run(["lovely <SPLIT> dress"])


def test_a_reduction_that_ran_out_of_queries_is_in_no_mean():
    # TextAttack counts three words where we count one, so what was drawn as short enough is too long for it.
    text = "lovely_a.b_c shoe coat"
    asked = []
    real = MODEL.predict_proba

    class Counting(LinearTextClassifier):
        def predict_proba(self, inputs):
            asked.extend(inputs)
            return real(inputs)

    found = reduced(text, Counting.binary({}), probe=InputReduction(query_budget=5))
    assert found.outcome == "exhausted"
    assert found.queries == 5
    assert len(asked) <= 5 + 2, "and one question before, one after"
    measured = InputReduction().gather([found], corpus_of([text]), SETTING)
    assert measured.measurements == ()
    assert "1 took more queries than the budget holds" in notes(measured)
    assert "Means are not given" in notes(measured)


def test_nothing_that_fits_is_not_applicable():
    found = InputReduction().select(MODEL, corpus_of(["", "lovely"]), SETTING)
    assert isinstance(found, NotApplicable)
    assert "between 2 and 249 words" in found.reason


def test_missing_textattack_makes_it_not_applicable(monkeypatch):
    def lacking():
        raise MissingResource("pip install something")

    monkeypatch.setattr("workbench.audit.robustness.reduction.require_textattack", lacking)
    found = InputReduction().select(MODEL, corpus_of([TEXT]), SETTING)
    assert isinstance(found, NotApplicable)
    assert "pip install something" in found.reason


@pytest.mark.parametrize(
    "text", ["שמלה lovely יפה", "lovely 👍🏽👗 dress", "这件 lovely 衣服", "(lovely), -- dress!", "a a a a"]
)
def test_odd_texts(text):
    found = reduced(text)
    assert found.outcome == "reduced", found.error
    assert found.words_left <= found.words
    assert MODEL.predict_proba([found.reduced])[0].argmax() == MODEL.predict_proba([text])[0].argmax()


class Killed(Store):
    """A store that ends the process, as it were, after two texts of the probe."""

    left = 3  # and the predictions

    def put(self, key, value):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        super().put(key, value)


def test_an_audit_that_was_killed_ends_the_same_on_a_transformer(tiny_checkpoint, tmp_path):
    texts = ["this dress is lovely and soft", "i hated the rough dress", "very small but i loved it", "it fits well"]
    model = load_checkpoint(tiny_checkpoint, device="cpu")

    def result(store):
        with engine_for(model) as engine:
            whole = Run(engine, corpus_of(texts), SETTING, store, "key", lambda step: None)
            return run_probes(whole, [InputReduction(examples=4)])[1][0].result

    expected = result(None)
    store = Killed(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        result(store)
    store.left = 100
    assert result(store) == expected
    held = [one for one in expected.exhibits if isinstance(one, Reduction)]
    assert len(held) == 4
    for one in held:
        assert one.outcome == "reduced"
        assert one.words_left == len(words(one.reduced))
        assert model.labels[model.predict_proba([one.reduced])[0].argmax()] == one.decided


def test_parameters_rebuild_the_probe_and_impossible_ones_are_refused():
    probe = InputReduction(examples=7, query_budget=100)
    assert probes["robustness.input_reduction@1"](**params_of(probe)) == probe
    with pytest.raises(Misconfigured, match="query_budget"):
        InputReduction(query_budget=4)
