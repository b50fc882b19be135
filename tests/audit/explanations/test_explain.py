import json
import shutil

import pytest

from workbench.audit.explanations.explain import explain, refusal
from workbench.errors import EmptyData, NotFound, Unsupported
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier

WEIGHTS = {"good": 2.0, "bad": -3.0}


def test_explains_the_decided_label_by_default(known_model):
    scores = explain(known_model(WEIGHTS), "bad good thing")
    assert (scores.target, scores.predicted) == ("negative", "negative")
    assert scores.scores == (0,) * 5  # the logit of 'negative' is constant
    assert scores.method == "integrated_gradients@1"
    assert scores.output == "logit"


def test_explains_the_label_asked_for(known_model):
    scores = explain(known_model(WEIGHTS), "bad good thing", target="positive", method="integrated_gradients")
    assert scores.tokens == ("<s>", "bad", "good", "thing", "</s>")
    assert scores.spans == ((0, 0), (0, 3), (4, 8), (9, 14), (0, 0))
    assert scores.scores == pytest.approx((0, -2.875, 2.125, 0.375, 0), abs=1e-6)
    assert scores.probability == pytest.approx(1 / (1 + 2.718281828459045**0.75))
    assert scores.method == "integrated_gradients@1"
    assert scores.completeness_gap is not None
    assert scores.completeness_gap < 1e-6


def test_decides_by_the_rule_given(known_model):
    model, text = known_model(WEIGHTS), "bad good thing"  # P(positive) = 0.32
    assert explain(model, text, decision=Decision(rule="threshold", threshold=0.3), positive=1).target == "positive"


@pytest.mark.parametrize("method", ["integrated_gradients", "shap_partition"])
def test_only_the_words_that_are_read_have_scores(tiny_checkpoint, tmp_path, method):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "left")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "truncation_side": "left"}))
    text = "bad " * 30 + "good " * 30
    for place, read in ((tiny_checkpoint, "bad"), (folder, "good")):
        found = explain(load_checkpoint(place), text, method=method)
        assert [text[word.start : word.stop] for word in found.words] == [read] * 30
        assert all(word.score != 0 for word in found.words)
        start, stop = found.span_read
        assert {*text[start:stop].split()} == {read}
        assert (found.read.words, found.read.of) == (30, 60)


def test_how_far_a_text_is_read_is_known(known_model):
    model = known_model(WEIGHTS, limit=4)
    assert explain(model, "good bad").read is None
    assert explain(model, "good bad ?!").read is None, "no word is left unread"
    cut = explain(model, "good bad thing bad")
    assert (cut.span_read, cut.read.words, cut.read.of) == ((0, 8), 2, 4)
    assert explain(LinearTextClassifier.binary({"good": 1.0}), "good " * 900, method="occlusion").read is None


def test_one_token(known_model):
    assert explain(known_model(WEIGHTS), "good").scores == pytest.approx((0, 2.125, 0), abs=1e-6)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_a_text_without_tokens_is_an_error_of_the_caller(known_model, text):
    with pytest.raises(EmptyData, match="nothing to explain"):
        explain(known_model(WEIGHTS), text)


def test_unknown_names_list_what_there_is(known_model):
    with pytest.raises(NotFound, match=r"'postive'.*did you mean 'positive'.*negative, positive"):
        explain(known_model(WEIGHTS), "good", target="postive")
    with pytest.raises(NotFound, match=r"integrated_gradients@1"):
        explain(known_model(WEIGHTS), "good", method="lime@9")


def test_a_black_box_is_refused():
    with pytest.raises(Unsupported, match="gradients"):
        explain(LinearTextClassifier.binary({"good": 1.0}), "good")


@pytest.mark.parametrize(
    "text",
    [
        "loved " * 5000,
        "<script>alert('good')</script>",
        "רע מאוד this dress",
        "good 👍🏽 dress",
        "good\x00dress",
    ],
    ids=["long", "html", "right-to-left", "emoji", "nul"],
)
def test_odd_texts_on_a_transformer(tiny_checkpoint, text):
    scores = explain(load_checkpoint(tiny_checkpoint, device="cpu"), text)
    assert scores.text == text
    assert len(scores.tokens) <= 32
    assert all(0 <= start <= end <= len(text) for start, end in scores.spans)
    assert scores.completeness_gap is not None
    assert scores.completeness_gap <= 0.02


@pytest.mark.parametrize("architecture", ["bert", "bart"])
def test_input_x_gradient_is_refused_and_never_crashes(architecture, build_checkpoint, tmp_path):
    """BERT normalises its embeddings, so it would say nothing; BART takes none."""
    model = load_checkpoint(build_checkpoint(tmp_path / "model", architecture=architecture), device="cpu")
    reason = refusal(model, "input_x_gradient@1")
    assert reason
    assert ("normalises each token's embedding" in reason) == (architecture == "bert")
    with engine_for(model) as engine:
        assert refusal(engine, "input_x_gradient@1") == reason
