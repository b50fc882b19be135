"""Every recipe keeps its budget and its own rules, finds what can be found, and says what it lacks."""

from __future__ import annotations

import random
import re
from zlib import crc32

import numpy as np
import pytest
import torch

from workbench.audit.probe import Setting
from workbench.audit.robustness import rules
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.robustness.recipes import listed, recipes
from workbench.audit.robustness.victim import Victim
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Rewrite
from workbench.home import MASKED_LM
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Encoded
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
ABSENT = {"a2t@1", "bae@1", "bert_attack@1", "checklist@1", "clare@1", "textbugger@1", "textfooler@1"}
RUNNING = sorted(set(recipes) - ABSENT)
SYNONYMS = {"pwws@1", "leap@1", "textfooler_glove@1", "a2t_glove@1", "hotflip@1"}


class Open(LinearTextClassifier):
    """Shows its inside: a word's embedding is its row of weights, so a logit's gradient at every word is 1 and 0."""

    def encode(self, inputs):
        found = [list(re.finditer(r"\w+", text)) for text in inputs]
        rows = [[self._number(match.group()) for match in matches] for matches in found]
        length = max(map(len, rows))
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], dtype=torch.int64)
        ids = torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.int64)
        tokens = tuple(tuple(match.group() for match in matches) for matches in found)
        return Encoded(ids, mask, mask == 0, tokens, tuple(tuple(match.span() for match in row) for row in found))

    def embed(self, input_ids):
        rows = [(0.0,) * len(self.labels), *self._weights.values()]
        return torch.tensor(rows, dtype=torch.float64)[input_ids]

    def baseline_ids(self, encoded):
        return torch.zeros_like(encoded.input_ids)

    def logits_from(self, embedded, attention_mask):
        bias = torch.tensor(self._bias, dtype=torch.float64)
        return bias + (embedded * attention_mask[..., None]).sum(dim=1)

    def _number(self, word):
        return 1 + list(self._weights).index(word.lower()) if word.lower() in self._weights else 0


MODEL = Open.binary({"lovely": 3.0, "soft": 0.5}, bias=-2.0)
"""Positive where 'lovely' is spelled right."""
TEXT = "it is a really lovely fabric and quite soft on the skin"


@pytest.fixture(autouse=True)
def _ready(textattack, monkeypatch):
    """Nothing here runs without TextAttack, and nobody's own language model takes part."""
    monkeypatch.delenv(MASKED_LM, raising=False)


def params(names):
    """Mark those that need WordNet."""
    return [pytest.param(name, marks=pytest.mark.wordnet) if name in SYNONYMS else name for name in names]


def attack(recipe, text=TEXT, model=MODEL, *, budget=600, seed=0):
    return recipes[recipe]().attack(Victim(model, SETTING.decision, 1), text, 1, budget=budget, seed=seed)


# A space inside is one of TextBugger's; contractions and numbers are not in this text.
@pytest.mark.parametrize("recipe", params(sorted(set(RUNNING) - {"checklist_without_names@1"})))
def test_a_model_that_hangs_on_one_spelling_falls_by_the_rules(recipe):
    found = attack(recipe)
    assert found.rewritten is not None, recipe
    assert MODEL.predict_proba([found.rewritten])[0].argmax() == 0
    assert recipes[recipe]().broken(TEXT, found.rewritten) is None
    assert found == attack(recipe), "the same seed, the same rewrite"
    assert not found.exhausted


def test_contractions_and_numbers():
    model = LinearTextClassifier.binary({"don": 1.0, "12": 1.0}, bias=-0.5)
    for text, gone in (("i don't like it", "don't"), ("it is 12 years old", "12")):
        found = attack("checklist_without_names@1", text, model)
        assert found.rewritten is not None
        assert gone not in found.rewritten.split()
    assert attack("checklist_without_names@1", "lovely", MODEL).rewritten is None


@pytest.mark.parametrize("recipe", params(RUNNING))
def test_no_budget_is_exceeded_by_a_single_query(recipe):
    asked = 0

    class Stubborn(Open):
        def predict_proba(self, inputs):
            nonlocal asked
            asked += len(inputs)
            return super().predict_proba(inputs)

        def logit_gradients(self, embedded, attention_mask, target):
            nonlocal asked
            asked += target * len(embedded)  # one pass for each label: 0 + 1 for a gradient
            slope = torch.zeros_like(embedded)
            slope[..., target] = 1
            return self.logits_from(embedded, attention_mask), slope

    model = Stubborn.binary({"q": 1e-3, "lovely": 1e-3, "fine": 1e-3}, bias=2.0)
    text = "i don't think that the 12 really lovely dresses are soft, but they are fine and they fit me well"
    rng = np.random.default_rng(3)
    for budget in (2, 3, *rng.integers(4, 150, 4).tolist()):
        asked = 0
        found = attack(recipe, text, model, budget=int(budget), seed=int(budget))
        assert found.rewritten is None
        assert asked <= found.queries <= budget, recipe
        assert found.exhausted == (found.queries == budget), recipe


@pytest.mark.parametrize("recipe", params(sorted(set(RUNNING) - {"checklist_without_names@1"})))
@pytest.mark.parametrize("written", ["'lovely'", "lovely-", "*lovely*"])
def test_a_word_between_marks_may_be_replaced_as_any_other(recipe, written):
    text = f"it is a really {written} fabric and quite soft on the skin"
    found = attack(recipe, text)
    assert found.rewritten is not None, recipe
    assert recipes[recipe]().broken(text, found.rewritten) is None


@pytest.mark.parametrize("recipe", ["homoglyphs@1", "invisible_characters@1", "reorderings@1"])
def test_of_three_labels_the_success_counts_and_not_the_lowest_score_of_the_label(recipe):
    asked = []

    class Torn:
        """Some rewrites get another decision, the others a lower score of the true label and the same decision."""

        labels = ("a", "b", "c")

        def predict_proba(self, texts):
            asked.extend(texts)
            return np.array([self._row(text) for text in texts])

        def _row(self, text):
            if text == TEXT:
                return [0.5, 0.3, 0.2]
            return [0.4, 0.41, 0.19] if crc32(text.encode()) % 4 == 0 else [0.34, 0.33, 0.33]

    found = recipes[recipe]().attack(Victim(Torn(), SETTING.decision, 0), TEXT, 0, budget=500, seed=0)
    assert any(row.argmax() != 0 for row in Torn().predict_proba(asked[:])), "there was one to be found"
    assert found.rewritten is not None
    assert Torn().predict_proba([found.rewritten])[0].argmax() == 1


@pytest.mark.parametrize("recipe", ["homoglyphs@1", "invisible_characters@1", "reorderings@1"])
@pytest.mark.parametrize("budget", [2, 31, 33, 100, 400])
@pytest.mark.parametrize("falls", [True, False])
def test_texts_scored_ahead_change_nothing_but_how_many_are_scored_at_once(recipe, budget, falls, monkeypatch):
    class Counting:
        labels = ("a", "b")

        def __init__(self):
            self.requests = []

        def predict_proba(self, texts):
            self.requests.append(len(texts))
            return np.array([self._row(text) for text in texts])

        def _row(self, text):
            drawn = crc32(text.encode()) % 1000
            return [0.4, 0.6] if falls and text != TEXT and drawn < 8 else [0.6 + drawn / 1e4, 0.4 - drawn / 1e4]

    def searched():
        model = Counting()
        victim = Victim(model, SETTING.decision, 0)
        return recipes[recipe]().attack(victim, TEXT, 0, budget=budget, seed=3), model.requests

    found, requests = searched()
    monkeypatch.setattr("workbench.adapters.textattack_victim.Victim.ask_ahead", lambda self, texts: None)
    stock, one_by_one = searched()
    assert found == stock
    assert sum(one_by_one) <= stock.queries
    assert sum(requests) <= budget, "not a text more than may be asked for"
    assert falls or sum(requests) <= found.queries
    if not falls and budget >= 100:
        assert len(requests) <= len(one_by_one) - 90, "the first generation comes in four requests"


def test_words_are_those_of_textattack(textattack):
    theirs = textattack.shared.utils.words_from_text
    drawn = random.Random(0)
    for _ in range(500):
        text = "".join(drawn.choices("abЬ0 '’-_*@.,`×˗\"(\n", k=20))
        assert rules.tokens(text) == theirs(text), repr(text)


@pytest.mark.parametrize("recipe", params(RUNNING))
@pytest.mark.parametrize("text", ["", "!", "a", "👍", "是", "a b", "12"])
def test_texts_with_nothing_to_change_resist_and_do_not_crash(recipe, text):
    found = attack(recipe, text, Open.binary({}, bias=2.0), budget=40)
    assert found.rewritten is None
    assert found.queries <= 40


@pytest.mark.parametrize(
    ("recipe", "theirs"),
    [("pruthi@1", "Pruthi2019"), pytest.param("pwws@1", "PWWSRen2019", marks=pytest.mark.wordnet)],
)
@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")
def test_outcomes_are_those_of_stock_textattack(textattack, monkeypatch, recipe, theirs):
    import nltk

    monkeypatch.setattr(nltk, "download", lambda *_, **__: True)  # theirs tries, each time that it is built
    rng = np.random.default_rng(0)
    vocabulary = ["lovely", "dress", "good", "bad", "great", "poor", "fabric", "small", "large", "happy", "the", "is"]
    weights = {word: float(rng.normal(0, 1.5)) for word in vocabulary}
    model = LinearTextClassifier.binary(weights, bias=0.1)
    scores = Victim(model, SETTING.decision, 1).scores

    class Wrapper(textattack.models.wrappers.ModelWrapper):
        model = None

        def __call__(self, texts, **_):
            return scores(texts)

    fell = 0
    for number in range(12):
        text = " ".join(rng.choice(vocabulary, 9))
        label = int(model.predict_proba([text])[0].argmax())
        found = recipes[recipe]().attack(Victim(model, SETTING.decision, 1), text, label, budget=500, seed=number)

        stock = getattr(textattack.attack_recipes, theirs).build(Wrapper())
        stock.goal_function.query_budget = 500
        random.seed(number)
        np.random.seed(number)
        result = stock.attack(text, label)
        succeeded = isinstance(result, textattack.attack_results.SuccessfulAttackResult)
        assert (found.rewritten is not None) == succeeded
        assert found.queries == result.num_queries
        fell += succeeded
    assert fell > 0


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.edits_at_most(2), "the fabrk", "eth fabrik x"),
        (rules.stopwords_stay, "the fabrc", "teh fabric"),
        (rules.words_at_most(1), "the fabrc", "teh fabrc"),
        (rules.words_at_most(1), "the cloth", "the fabric x"),
        (rules.words_at_most(share=0.4), "the cloth", "a cloth"),
        (rules.words_at_most(1, share=0.1), "the cloth", "a cloth"),
        (rules.only_inner_letters, "the fbaric", "the abric"),
        (rules.only_inner_letters, "the faric", "he fabric"),
        (rules.invisible, "the fab\u200bric", "the fab\u200bri"),
        (rules.reordered, "the\u202e fabric", "the fabrics"),
        (rules.reordered, "the\u202d f\u2066abric", "the fabri"),
        (rules.alike, "the f\u0430bric", "the f\u0431bric"),
    ],
)
def test_a_broken_rule_is_seen(rule, good, bad):
    before = "the fabric"
    assert rule(before, before) is None
    assert rule(before, good) is None
    assert rule(before, bad)


@pytest.mark.wordnet
def test_near_words_are_near_and_no_opposites():
    recipes["textfooler_glove@1"]().prepare()
    assert rules.near_words("a good dress", "a nice dress") is None
    assert "opposite" in rules.near_words("a good dress", "a bad dress")
    assert "not near" in rules.near_words("a good dress", "a helicopter dress")


@pytest.mark.wordnet
def test_synonyms_are_wordnets():
    recipes["pwws@1"]().prepare()
    assert rules.synonyms("the fabric", "the cloth") is None
    assert "does not give" in rules.synonyms("the fabric", "the mountain")


def test_a_rewrite_that_breaks_a_rule_counts_neither_way(monkeypatch):
    corpus = Corpus(
        tuple(Example(f"{i}", f"{i}", f"a lovely dress {i}", "positive") for i in range(4)),
        ("negative", "positive"), "toy", "here",
    )  # fmt: skip
    probe = AttackProbe(examples=4)
    monkeypatch.setattr(recipes["deepwordbug@1"], "promises", (lambda before, after: "it is Thursday",))
    items = [probe.item(MODEL, example, SETTING) for example in corpus]
    assert {one.outcome for one in items} == {"failed"}
    assert all(one.similarity is None for one in items)
    assert all(isinstance(one, Rewrite) and "broke its own rule: it is Thursday" in one.error for one in items)


@pytest.mark.parametrize("recipe", sorted(ABSENT))
def test_what_cannot_run_says_why_and_what_would(recipe):
    corpus = Corpus((Example("1", "1", "a dress", "positive"),), ("negative", "positive"), "toy", "here")
    found = AttackProbe(recipe=recipe).select(MODEL, corpus, SETTING)
    assert found.outcome == "not_applicable"
    assert recipe.split("@")[0] in found.reason
    assert "use " in found.reason


@pytest.mark.wordnet
def test_all_are_listed_those_that_run_first():
    found = listed()
    assert [one.name for one in found if one.missing is None] + sorted(ABSENT) == [one.name for one in found]
    assert all(one.changes and one.source for one in found)
    assert len([one for one in found if one.missing is None]) >= 7
