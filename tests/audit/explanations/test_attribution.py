import random
from collections import Counter

import pytest

from workbench.audit.explanations.attribution import AttributionProbe
from workbench.audit.probe import Setting, probes
from workbench.audit.runner import params_of
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note, TokenScores
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")


def corpus_of(rows):
    examples = tuple(Example(f"{i:03d}", person, text, label) for i, (person, text, label) in enumerate(rows))
    return Corpus(examples, ("negative", "positive"), "toy", "test")


def run(probe, model, corpus):
    chosen = probe.select(model, corpus, SETTING)
    assert not isinstance(chosen, NotApplicable)
    return probe.gather([probe.item(model, example, SETTING) for example in chosen], corpus, SETTING)


def notes_of(measured):
    return " ".join(exhibit.text for exhibit in measured.exhibits if isinstance(exhibit, Note))


@pytest.fixture
def model(known_model):
    return known_model({"good": 2.0, "bad": -3.0}, lambda s: s + 0.1 * s**2)


@pytest.fixture
def mostly_right():
    rows = [(f"p{i}", f"good w{i}", "positive") for i in range(60)]
    return corpus_of([*rows, *((f"q{i}", f"good v{i}", "negative") for i in range(5))])


def test_shows_right_and_wrong_and_takes_no_figure_from_them(model, mostly_right):
    measured = run(AttributionProbe(examples=12), engine_for(model), mostly_right)
    assert isinstance(measured, Measured)
    scores = [exhibit for exhibit in measured.exhibits if isinstance(exhibit, TokenScores)]
    assert len(scores) == 12
    kinds = Counter(one.chosen_as for one in scores)
    assert kinds == {
        "Right, among the most confident": 4,
        "Wrong, the most confident": 4,
        "Nearest to another decision": 4,
    }
    assert all(one.label != one.predicted for one in scores if one.chosen_as.startswith("Wrong"))
    assert "12 decisions are explained" in notes_of(measured)
    assert measured.measurements == ()


def test_row_order_does_not_choose(model, mostly_right):
    probe, rows = AttributionProbe(examples=9), list(mostly_right)
    random.Random(1).shuffle(rows)
    shuffled = Corpus(tuple(rows), mostly_right.labels, "toy", "test")
    assert probe.select(model, mostly_right, SETTING) == probe.select(model, shuffled, SETTING)


def test_all_wrong_or_few_examples(model):
    wrong = corpus_of([(f"p{i}", f"good w{i}", "negative") for i in range(8)])
    assert len(AttributionProbe(examples=6).select(model, wrong, SETTING)) == 6


def test_one_example_of_each_person(model):
    corpus = corpus_of([("same", f"good w{i}", "positive") for i in range(9)])
    assert len(AttributionProbe().select(model, corpus, SETTING)) == 1


def test_texts_without_tokens_are_passed_over(model):
    corpus = corpus_of([("a", "", "positive"), ("b", "  ", "positive"), ("c", "good", "positive")])
    assert [example.id for example in AttributionProbe().select(model, corpus, SETTING)] == ["002"]
    empty = corpus_of([("a", "", "positive"), ("b", " ", "negative")])
    assert isinstance(AttributionProbe().select(model, empty, SETTING), NotApplicable)


def test_texts_of_no_word_that_the_method_knows_are_counted():
    model = LinearTextClassifier.binary({"good": 1.0})
    data = corpus_of([("a", "\U0001f600", "positive"), ("b", "good dress", "positive"), ("c", "good", "positive")])
    measured = run(AttributionProbe(attributor="lime@1", examples=3), model, data)
    assert [one.example for one in measured.exhibits if isinstance(one, TokenScores)] == ["001", "002"]
    assert "1 of 3 chosen could not be explained (nothing to explain: LIME finds no word" in notes_of(measured)
    alone = run(AttributionProbe(attributor="lime@1"), model, corpus_of([("a", "\U0001f600", "positive")]))
    assert isinstance(alone, NotApplicable)
    assert "LIME finds no word" in alone.reason


def test_says_what_it_could_not_do(known_model):
    import torch

    cliff = known_model({"good": 9.0}, lambda s: torch.tanh(1e4 * (s - 6.123)), limit=4)
    corpus = corpus_of([(f"p{i}", f"good w{i} not read", "positive") for i in range(7)])
    notes = notes_of(run(AttributionProbe(examples=7), cliff, corpus))
    assert "7 of 7 explanations miss the completeness bound of 0.02" in notes
    assert "7 of 7 texts are longer than the model reads" in notes


def test_a_model_without_usable_embeddings_is_not_applicable(model, mostly_right, monkeypatch):
    from workbench.errors import Unsupported

    def refuse(embedded, attention_mask):
        raise Unsupported("takes no embeddings")

    monkeypatch.setattr(model, "logits_from", refuse)
    monkeypatch.setattr(model, "predict_proba", lambda inputs: __import__("numpy").full((len(inputs), 2), 0.5))
    found = AttributionProbe().select(model, mostly_right, SETTING)
    assert isinstance(found, NotApplicable)
    assert "takes no embeddings" in found.reason


def test_same_bytes_twice_on_a_transformer(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    corpus = corpus_of(
        [(f"p{i}", f"this dress is {w}", "positive") for i, w in enumerate(["good", "bad", "fine", "poor", "soft"])]
    )
    probe = AttributionProbe(examples=4)
    one, two = (run(probe, engine_for(model), corpus).model_dump_json() for _ in range(2))
    assert one == two


def test_parameters_rebuild_the_probe():
    probe = AttributionProbe(examples=7, gap_bound=0.1)
    assert probes["explanations.attribution@1"](**params_of(probe)) == probe


def test_impossible_parameters():
    with pytest.raises(Misconfigured, match="examples"):
        AttributionProbe(examples=0)
    with pytest.raises(Misconfigured, match="gap_bound"):
        AttributionProbe(gap_bound=0)
    with pytest.raises(NotFound, match="integrated_gradients@1"):
        AttributionProbe(attributor="integrated_gradient@2")
