"""LIME against stock LIME and against a weighted ridge regression of our own."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from workbench.adapters.lime import Neighbourhood
from workbench.errors import EmptyData
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier

LABELS = ("negative", "positive")
TEXTS = [
    "i loved this dress and it fits well",
    "the dress is not good, it was too small! not good",
    "awful. a very rough and poor dress; i hated it",
    "a good dress",
]


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint):
    return load_checkpoint(tiny_checkpoint, device="cpu")


def run(model, text, target=1, samples=200, seed=3):
    near = Neighbourhood(text, LABELS, samples=samples, seed=seed)
    return near.weights(model.predict_proba(near.texts), target)


def distinct(text):
    return list(dict.fromkeys(re.findall(r"\w+", text)))


@pytest.mark.parametrize("text", TEXTS)
def test_equals_stock_lime(tiny, text):
    from lime.lime_text import LimeTextExplainer

    names = distinct(text)
    for target in (0, 1):
        stock = LimeTextExplainer(class_names=list(LABELS), random_state=3).explain_instance(
            text, tiny.predict_proba, labels=(target,), num_features=len(names), num_samples=200
        )
        expected = dict(stock.as_list(label=target))
        np.testing.assert_array_equal(run(tiny, text, target), [expected[name] for name in names])


@pytest.mark.parametrize("rows", [None, [0, *range(3, 90, 2)]], ids=["all", "some"])
def test_equals_a_weighted_ridge_regression(rows):
    # Ribeiro et al., section 3.4, with the library's kernel: sqrt(exp(-d^2 / 25^2)), d 100 times the cosine distance.
    text = "a good dress, not bad but fine and well made"
    model = LinearTextClassifier.binary({"good": 1.5, "bad": -2.0, "fine": 0.5})
    near = Neighbourhood(text, LABELS, samples=300, seed=8)
    chosen = near.texts if rows is None else [near.texts[row] for row in rows]
    answers = model.predict_proba(chosen)
    names = distinct(text)
    present = np.array([[name in re.findall(r"\w+", one) for name in names] for one in chosen], dtype=float)
    distance = 100 * (1 - np.sqrt(present.sum(1) / len(names)))
    kernel = np.sqrt(np.exp(-(distance**2) / 25**2))
    root = np.sqrt(kernel)[:, None]
    centred = present - np.average(present, axis=0, weights=kernel)
    moved = answers[:, 1] - np.average(answers[:, 1], weights=kernel)
    design = (root * centred).T @ (root * centred) + np.eye(len(names))
    expected = np.linalg.solve(design, (root * centred).T @ (root[:, 0] * moved))
    np.testing.assert_allclose(near.weights(answers, 1, rows), expected, atol=1e-9)


def test_finds_the_sign_and_the_ranking_of_a_linear_model():
    found = run(LinearTextClassifier.binary({"good": 1.0, "small": -0.5}), TEXTS[1], samples=1000)
    weights = dict(zip(distinct(TEXTS[1]), found, strict=True))
    assert weights["good"] > 0.05 > 0 > -0.02 > weights["small"]
    assert sorted(weights, key=lambda word: -abs(weights[word]))[:2] == ["good", "small"]


def test_samples_begin_with_the_text_and_follow_the_seed():
    first = Neighbourhood(TEXTS[0], LABELS, samples=50, seed=1)
    assert first.texts[0] == TEXTS[0]
    assert len(first.texts) == 50
    assert first.texts == Neighbourhood(TEXTS[0], LABELS, samples=50, seed=1).texts
    assert first.texts != Neighbourhood(TEXTS[0], LABELS, samples=50, seed=2).texts


def test_one_word():
    # Two different texts: 'good', of weight 1, and 199 times '', each of the weight at distance 100.
    difference = 1 / (1 + np.exp(-1)) - 0.5
    empty = 199 * np.exp(-(100**2) / (2 * 25**2))
    variation = empty / (1 + empty)
    expected = variation * difference / (variation + 1)  # ridge with penalty 1
    assert run(LinearTextClassifier.binary({"good": 1.0}), "good") == pytest.approx([expected])


@pytest.mark.parametrize("text", ["", "  \n\t", "?!", "👍"])
def test_nothing_to_explain(text):
    with pytest.raises(EmptyData, match="nothing to explain"):
        Neighbourhood(text, LABELS, samples=50, seed=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<b>good</b> dress", ["b", "good", "b", "dress"]),
        ("רע מאוד this", ["רע", "מאוד", "this"]),
        ("good 👍🏽 dress", ["good", "dress"]),
        ("good\x00dress\x00 \x00good", ["good", "dress", "good"]),
        ("good \ud83d dress", ["good", "dress"]),
        ("loved " * 2000, ["loved"] * 2000),
    ],
    ids=["html", "right-to-left", "emoji", "nul", "surrogate", "long"],
)
def test_words_stand_where_they_are_found(text, words):
    near = Neighbourhood(text, LABELS, samples=20, seed=1)
    assert [text[one.start : one.stop] for one in near.occurrences] == words
    assert near.n_words == len(set(words))
    names = list(dict.fromkeys(words))
    assert [names[one.word] for one in near.occurrences] == words


def test_eight_at_once_find_the_same_bits_as_one_after_the_other(tiny):
    jobs = [(text, seed) for seed in (1, 2) for text in TEXTS]
    alone = [run(tiny, text, seed=seed) for text, seed in jobs]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(lambda job: run(tiny, job[0], seed=job[1]), jobs), strict=True):
            np.testing.assert_array_equal(one, other)
