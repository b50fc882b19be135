"""Attacks that follow gradients: they find what is known to be there, keep their rules, say where they cannot run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.adapters.near_words import NEARER, near_enough, space
from workbench.adapters.word_gradients import WhiteBox
from workbench.audit.probe import Setting
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.robustness.recipes import recipes
from workbench.audit.robustness.victim import OutOfTime, Timed, Victim
from workbench.data.corpus import Corpus, Example
from workbench.errors import Unsupported
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Rewrite
from workbench.evidence.record import NotApplicable
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
WHITE = ["a2t_glove@1", "hotflip@1"]
TEXT = "my sister has a really lovely dress for the summer and i hope that the large garden is open"
WORDS = TEXT.split()

pytestmark = pytest.mark.wordnet


@pytest.fixture(autouse=True)
def _ready(textattack):
    """Nothing here runs without TextAttack."""


def attack(recipe, model, text=TEXT, *, budget=300, decision=SETTING.decision):
    found = recipes[recipe]().attack(Victim(model, decision, 1), text, 1, budget=budget, seed=0)
    assert found.rewritten is None or recipes[recipe]().broken(text, found.rewritten) is None
    return found


def corpus_of(texts, label="positive"):
    rows = tuple(Example(f"{i:03d}", f"p{i}", text, label) for i, text in enumerate(texts))
    return Corpus(rows, ("negative", "positive"), "toy", "test")


@pytest.fixture
def hangs_on_lovely(known_model):
    """Positive with 'lovely' or 'beautiful', hardly so with 'wonderful', not at all with 'gorgeous'."""
    words = dict.fromkeys(WORDS, 0.01)
    weights = {**words, "lovely": 3.0, "beautiful": 3.0, "wonderful": 1.6, "gorgeous": -4.0}
    return known_model(weights, lambda s: s - 1.5, limit=40)


@pytest.mark.parametrize("recipe", WHITE)
def test_the_word_that_matters_is_replaced_by_the_near_one_that_is_worst(recipe, hangs_on_lovely):
    found = attack(recipe, hangs_on_lovely)
    assert found.rewritten == TEXT.replace("lovely", "gorgeous")
    assert not found.exhausted


def test_hotflip_scores_the_flip_that_the_gradient_calls_best_before_any_other(hangs_on_lovely, monkeypatch):
    asked = []
    real = hangs_on_lovely.predict_proba
    monkeypatch.setattr(hangs_on_lovely, "predict_proba", lambda texts: asked.append(list(texts)) or real(texts))
    found = attack("hotflip@1", hangs_on_lovely)
    assert len(asked) == 2, "the text, and one step of the search"
    tried = asked[1]
    assert TEXT.replace("lovely", "gorgeous") in tried
    # Unknown words weigh more than most of these: a flip to one raises p(positive), and is not along the gradient.
    assert all(real([one])[0, 1] < real([TEXT])[0, 1] for one in tried)
    assert found.queries == 1 + 1 + len(tried), "the text, its gradient, the flips"


def test_a2t_asks_for_one_gradient_and_takes_words_in_its_order(known_model, monkeypatch):
    """The values are those of a sum of words; the gradients are of chosen sizes, and it starts with the largest."""
    weights = dict.fromkeys(WORDS, 0.01)
    model = known_model({**weights, "lovely": 0.5, "really": 0.5, "summer": 0.5}, lambda s: 9 + s, limit=40)
    gradient = {"lovely": 1.0, "really": 2.0, "summer": 3.0}
    real = model.logits_from

    def louder(embedded, attention_mask):
        scale = torch.tensor([0, *(gradient.get(word, 0.5) for word in WORDS), 0])
        return real(embedded.detach() + (embedded - embedded.detach()) * scale[None, :, None], attention_mask)

    monkeypatch.setattr(model, "logits_from", louder)
    asked = []
    answer = model.predict_proba
    monkeypatch.setattr(model, "predict_proba", lambda texts: asked.append(list(texts)) or answer(texts))
    found = attack("a2t_glove@1", model)
    changed = [old for one in asked[1:] for old, new in zip(WORDS, one[0].split(), strict=True) if old != new]
    assert list(dict.fromkeys(changed))[:3] == ["summer", "really", "lovely"]
    assert found.queries == 1 + 1 + sum(map(len, asked[1:]))


@pytest.mark.parametrize("recipe", WHITE)
def test_texts_and_gradients_together_never_exceed_the_budget(recipe, known_model, monkeypatch):
    """At every budget, so that it ends among texts, before a gradient, and among the gradients of one step."""
    weights = {**dict.fromkeys(WORDS, 0.5), "gorgeous": -0.5, "huge": -0.5, "maybe": -0.5}
    model = known_model(weights, lambda s: 99 + s, limit=40)
    answer, forward = model.predict_proba, model.logits_from
    asked = {"texts": 0, "passes": 0}

    def texts(inputs):
        asked["texts"] += len(inputs)
        return answer(inputs)

    def passes(embedded, attention_mask):
        asked["passes"] += len(embedded) * embedded.requires_grad
        return forward(embedded, attention_mask)

    monkeypatch.setattr(model, "predict_proba", texts)
    monkeypatch.setattr(model, "logits_from", passes)
    whole = attack(recipe, model, budget=2000)
    assert not whole.exhausted
    assert whole.queries > 40
    for budget in range(2, 41, 1 if recipe == "hotflip@1" else 9):
        asked.update(texts=0, passes=0)
        found = attack(recipe, model, budget=budget)
        assert found.exhausted
        assert found.queries == budget
        assert asked["texts"] + asked["passes"] / 2 <= budget, "a gradient is a pass for each of the two labels"


@pytest.mark.parametrize("recipe", WHITE)
def test_a_search_that_the_clock_ends_counts_its_gradients_and_takes_none_afterwards(
    recipe, hangs_on_lovely, monkeypatch
):
    whole = attack(recipe, hangs_on_lovely)
    free = Timed(hangs_on_lovely, SETTING.decision, 1)
    assert recipes[recipe]().attack(free, TEXT, 1, budget=300, seed=0) == whole
    assert free.queries == whole.queries, "all that was asked, gradients among it"
    late = Timed(hangs_on_lovely, SETTING.decision, 1, seconds=5)
    monkeypatch.setattr("workbench.audit.robustness.victim.time.monotonic", lambda: late._since + 6)
    monkeypatch.setattr(hangs_on_lovely, "logits_from", lambda *_: pytest.fail("a gradient was taken too late"))
    with pytest.raises(OutOfTime):
        late.count(1)
    with pytest.raises(OutOfTime):
        WhiteBox(hangs_on_lovely, 1, late.count).gradients([(TEXT, WORDS)])


@pytest.mark.parametrize("recipe", WHITE)
def test_a_threshold_is_what_is_attacked(recipe, hangs_on_lovely):
    # P(positive): 0.83 as it is, 0.55 with 'wonderful': that is enough at 0.7, and 'gorgeous' still at one half.
    strict = Decision(rule="threshold", threshold=0.7)
    found = attack(recipe, hangs_on_lovely, decision=strict)
    assert hangs_on_lovely.predict_proba([found.rewritten])[0, 1] < 0.7
    lax = Decision(rule="threshold", threshold=0.001)
    assert attack(recipe, hangs_on_lovely, decision=lax).rewritten is None


@pytest.mark.parametrize("recipe", WHITE)
def test_words_that_the_model_does_not_read_are_left_alone(recipe, known_model):
    words = dict.fromkeys(WORDS, 0.01)
    model = known_model({**words, "lovely": 3.0}, lambda s: s + 1, limit=12)  # reads up to "summer"
    read, unread = 0, 0

    class Watched:
        def __getattr__(self, name):
            return getattr(model, name)

        def predict_proba(self, texts):
            nonlocal read, unread
            for text in texts:
                read += text.split()[:10] != WORDS[:10]
                unread += text.split()[10:] != WORDS[10:]
            return model.predict_proba(texts)

    for name in ("task", "labels", "card", "encode", "embed", "baseline_ids", "logits_from"):
        setattr(Watched, name, property(lambda self, name=name: getattr(model, name)))
    assert attack(recipe, Watched()).rewritten is None
    assert unread == 0
    assert read > 0


@pytest.mark.parametrize("recipe", WHITE)
def test_a_black_box_is_not_attacked_and_is_told_what_would_do(recipe):
    black = LinearTextClassifier.binary({"lovely": 3.0}, bias=-2.0)
    found = AttackProbe(recipe=recipe).select(engine_for(black), corpus_of([TEXT]), SETTING)
    assert isinstance(found, NotApplicable)
    assert recipe in found.reason
    assert "gradients" in found.reason
    assert "use one that asks for answers only" in found.reason


@pytest.mark.parametrize("recipe", WHITE)
def test_an_architecture_that_takes_no_embeddings_is_not_attacked(recipe, known_model):
    model = known_model({})

    def refuse():
        raise Unsupported("it takes no embeddings")

    model.require_embeddings = refuse
    for asked in (model, engine_for(model)):
        found = AttackProbe(recipe=recipe).select(asked, corpus_of([TEXT]), SETTING)
        assert isinstance(found, NotApplicable)
        assert "takes no embeddings" in found.reason


@pytest.mark.parametrize("recipe", WHITE)
def test_searches_never_run_on_the_twin(recipe, hangs_on_lovely):
    """Its gradients would be those of a coarser model."""

    class Twin:
        precision = "bfloat16"

        def predict_proba(self, texts):
            raise AssertionError("the twin was asked")

    model = hangs_on_lovely
    model.cast = lambda precision: Twin()
    with engine_for(model, precision="bfloat16") as engine:
        item = AttackProbe(recipe=recipe).item(engine, corpus_of([TEXT])[0], SETTING)
    assert isinstance(item, Rewrite)
    assert (item.outcome, item.search_precision, item.unconfirmed) == ("succeeded", "float32", False)


def test_transformer_attacks_are_real_repeatable_and_by_the_rules(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    texts = ["this dress is lovely and soft", "i hated the rough dress", "very small but i loved it", "it was awful"]
    fell = 0
    for recipe in WHITE:
        for label in ("positive", "negative"):
            corpus = corpus_of(texts, label)
            once, again = (
                [AttackProbe(recipe=recipe).item(engine, example, SETTING) for example in corpus]
                for engine in (engine_for(model), engine_for(model))
            )
            assert once == again
            for one in once:
                assert one.outcome in ("succeeded", "resisted", "skipped"), one.error
                if one.outcome == "succeeded":
                    fell += 1
                    decided = model.labels[int(model.predict_proba([one.rewritten])[0].argmax())]
                    assert decided == one.predicted_after != label
    assert fell


def test_nearer_words_hold_as_the_papers_ask():
    words, places, matrix = space()
    i = places["lovely"]
    alike = {words[j] for j in np.flatnonzero(matrix @ matrix[i] >= NEARER)}
    assert {"beautiful", "gorgeous", "wonderful"} < alike
    assert all(near_enough("Lovely", one, NEARER) for one in alike)
    assert near_enough("nice", "good")
    assert not near_enough("nice", "good", NEARER)
