"""SHAP's partition explainer against stock SHAP and against closed forms."""

import random
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from workbench.adapters.shap import partition
from workbench.errors import EmptyData
from workbench.models.hugging_face import load_checkpoint, load_tokenizer

TEXTS = [
    "i loved this dress and it fits well",
    "the dress is not good, it was too small!",
    "awful. a very rough and poor dress; i hated it",
    "Lovely soft dress (the large is fine)",
]
WEIGHTS = {"good": 0.2, "bad": -0.3, "fine": 0.1}


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint):
    return load_checkpoint(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


def run(ask, text, *, target=1, tokenizer=None, max_length=None, max_evals=500, seed=3):
    return partition(ask, text, target, tokenizer=tokenizer, max_length=max_length, max_evals=max_evals, seed=seed)


def of(share):
    """Turn a function from a text's words to a probability into a model."""

    def ask(texts):
        found = np.array([share(re.findall(r"\w+", text)) for text in texts], dtype=np.float64)
        return np.stack([1 - found, found], axis=1)

    return ask


def additive(words):
    return 0.5 + sum(WEIGHTS.get(word, 0) for word in words)


@pytest.mark.parametrize("text", TEXTS)
def test_equals_stock_shap_on_a_transformers_pipeline(tiny, tokenizer, text):
    import shap
    from transformers import pipeline

    stock = shap.Explainer(
        pipeline("text-classification", model=tiny.network, tokenizer=tokenizer, top_k=None, device="cpu")
    )
    before = np.random.get_state()
    np.random.seed(11)
    expected = stock([text], silent=True)
    np.random.set_state(before)
    for target in (0, 1):
        found = run(tiny.predict_proba, text, target=target, tokenizer=tokenizer, max_length=32, seed=11)
        np.testing.assert_allclose(found.scores, expected.values[0][:, target], atol=1e-6)
        assert np.corrcoef(found.scores, expected.values[0][:, target])[0, 1] > 0.999
        assert found.gap < 1e-5


def test_equals_stock_shap_on_words_where_there_is_no_tokenizer():
    import shap

    text = "very good, not bad: a fine and good dress"
    ask = of(lambda words: 1 / (1 + np.exp(-(additive(words) + ("not" in words) * words.count("bad")))))
    before = np.random.get_state()
    np.random.seed(5)
    expected = shap.Explainer(lambda texts: ask(list(texts)), shap.maskers.Text())([text], silent=True)
    np.random.set_state(before)
    np.testing.assert_array_equal(run(ask, text, seed=5).scores, expected.values[0][:, 1])


def test_an_additive_model_gets_its_weights_back():
    found = run(of(additive), "a good dress, not bad but fine")
    assert found.tokens == ("a", "good", "dress", "not", "bad", "but", "fine")
    assert found.spans == ((0, 1), (2, 6), (7, 12), (14, 17), (18, 21), (22, 25), (26, 30))
    np.testing.assert_allclose(found.scores, (0, 0.2, 0, 0, -0.3, 0, 0.1), atol=1e-12)
    assert found.gap < 1e-9


def test_three_words_that_count_only_together_share_by_their_groups():
    # Owen's value for the groups ((a b) c): the two groups halve the whole, and a and b halve theirs.
    found = run(of(lambda words: {"a", "b", "c"} <= set(words)), "a b c")
    np.testing.assert_allclose(found.scores, (0.25, 0.25, 0.5), atol=1e-12)


@pytest.mark.parametrize("text", ["good", "  good "])
def test_one_word_gets_the_whole_difference(text):
    found = run(of(additive), text)
    assert sum(found.scores) == pytest.approx(0.2)
    assert dict(zip(found.tokens, found.scores, strict=True))["good"] == pytest.approx(0.2)
    assert (text.index("good"), text.index("good") + 4) in found.spans


def test_one_token_of_a_transformer(tiny, tokenizer):
    found = run(tiny.predict_proba, "good", tokenizer=tokenizer, max_length=32)
    expected = tiny.predict_proba(["good"]) - tiny.predict_proba(["[MASK]"])
    assert found.tokens == ("[CLS]", "good", "[SEP]")
    assert found.spans == ((0, 0), (0, 4), (0, 0))
    np.testing.assert_allclose(found.scores, (0, expected[0, 1], 0), atol=1e-6)


@pytest.mark.parametrize("text", ["", "  \n\t", "?!"])
def test_nothing_to_explain(tiny, tokenizer, text):
    with pytest.raises(EmptyData, match="nothing to explain"):
        run(of(additive), text)
    if not text.strip():
        with pytest.raises(EmptyData, match="nothing to explain"):
            run(tiny.predict_proba, text, tokenizer=tokenizer, max_length=32)


@pytest.mark.parametrize(
    "text",
    [
        "loved " * 500,
        "unbelievable" * 20,
        "<script>alert('good')</script>",
        "רע מאוד this dress",
        "good 👍🏽 dress",
        "good\x00dress",
        "good \ud83d dress",
        "good [SEP] dress [MASK]",
    ],
    ids=["long", "long word", "html", "right-to-left", "emoji", "nul", "surrogate", "special"],
)
def test_odd_texts(tiny, tokenizer, text):
    for found in (run(tiny.predict_proba, text, tokenizer=tokenizer, max_length=32), run(of(additive), text)):
        assert np.isfinite(found.scores).all()
        assert len(found.tokens) == len(found.spans) == len(found.scores)
        assert all(0 <= start <= stop <= len(text) for start, stop in found.spans)
    of_transformer = run(tiny.predict_proba, text, tokenizer=tokenizer, max_length=32)
    assert of_transformer.spans == tuple(tiny.encode([text]).spans[0])
    assert of_transformer.tokens == tuple(tiny.encode([text]).tokens[0])


def test_what_the_model_does_not_read_has_no_score(tiny, tokenizer):
    text = "a good dress " + "very " * 60 + "bad"
    found = run(tiny.predict_proba, text, tokenizer=tokenizer, max_length=32)
    assert len(found.tokens) == 32
    assert found.tokens[-2:] == ("very", "[SEP]")
    assert found.gap < 1e-5


def test_what_is_cut_before_has_no_score_either(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint)
    tokenizer.truncation_side = "left"
    text = "bad " + "very " * 60 + "a good dress"
    found = run(of(additive), text, tokenizer=tokenizer, max_length=32)
    assert (len(found.tokens), found.tokens[-3:]) == (32, ("good", "dress", "[SEP]"))
    assert [text[a:b] for a, b in found.spans[1:-1]] == ["very"] * 27 + ["a", "good", "dress"]
    assert dict(zip(found.tokens, found.scores, strict=True))["good"] == pytest.approx(0.2)


def test_asks_no_more_than_allowed(tiny, tokenizer):
    asked = []

    def ask(texts):
        asked.extend(texts)
        return tiny.predict_proba(texts)

    run(ask, TEXTS[2], tokenizer=tokenizer, max_length=32, max_evals=60)
    # SHAP's batches are of five pairs, the last one of which may go beyond the limit; one more is for the gap.
    assert 50 < len(asked) <= 60 + 10 + 1
    assert all(type(text) is str for text in asked)


def test_eight_at_once_find_the_same_bits_as_one_after_the_other(tiny, tokenizer):
    def explain(job):
        seed, text = job
        return run(tiny.predict_proba, text, tokenizer=tokenizer, max_length=32, max_evals=80, seed=seed).scores

    jobs = list(enumerate(TEXTS * 2))
    alone = [explain(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(explain, jobs), strict=True):
            np.testing.assert_array_equal(one, other)


def test_is_quiet_and_leaves_the_generators_alone(capfd):
    before = random.getstate(), np.random.get_state()
    run(of(additive), "a good dress")
    assert random.getstate() == before[0]
    assert all(np.array_equal(a, b) for a, b in zip(before[1], np.random.get_state(), strict=True))
    assert capfd.readouterr() == ("", "")


def test_an_error_of_the_model_reaches_the_caller():
    def broken(texts):
        raise ZeroDivisionError("no answer")

    with pytest.raises(ZeroDivisionError, match="no answer"):
        run(broken, "a good dress")
    assert run(of(additive), "good").scores.sum() == pytest.approx(0.2)
