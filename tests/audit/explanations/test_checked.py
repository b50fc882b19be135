import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from workbench.adapters.lime import Neighbourhood
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.checked import agree, checked
from workbench.audit.explanations.explain import explain
from workbench.audit.explanations.lime import Lime
from workbench.audit.explanations.shap_partition import ShapPartition
from workbench.errors import EmptyData
from workbench.models.engine.threads import alone, one_core
from workbench.models.hugging_face import load_checkpoint, load_tokenizer
from workbench.models.linear import LinearTextClassifier

WEIGHTS = {"good": 2.0, "bad": -3.0, "fine": 1.0, "very": 0.4, "not": -0.7, "lovely": 1.4}
EXACT = LinearTextClassifier.binary(WEIGHTS)
CLOSE = LinearTextClassifier.binary({word: weight * 1.001 for word, weight in WEIGHTS.items()})
FAR = LinearTextClassifier.binary({word: -weight for word, weight in WEIGHTS.items()})
TEXT = "a very good dress and not bad, but lovely and fine"


class Twinned:
    """A model with a twin to search with, which remembers what each was asked."""

    def __init__(self, model, twin, tokenizer=None):
        self.model, self.twin, self.tokenizer = model, twin, tokenizer
        self.task, self.labels, self.card = model.task, model.labels, model.card
        self.asked, self.search = [], self

        if twin is not None:
            self.search = Twinned(twin, None)

    def predict_proba(self, inputs):
        self.asked.extend(inputs)
        return self.model.predict_proba(inputs)


def scores(ask):
    """Stand in for an attribution: two texts asked."""
    return ask(["good", "bad"])[:, 1]


def few(ask):
    """Stand in for its check: one text asked; five scores."""
    return ask(["good dress"])[0, 1] * np.arange(5.0)


def test_without_a_twin_everything_is_float32_and_nothing_is_checked():
    found = checked(EXACT, scores, lambda ask: pytest.fail("there is nothing to check"))
    np.testing.assert_array_equal(found.scores, EXACT.predict_proba(["good", "bad"])[:, 1])
    assert (found.precision, found.passes) == ("float32", 2)
    alone = Twinned(EXACT, None)
    assert checked(alone, scores, few).passes == 2


def test_a_twin_that_agrees_computes():
    model = Twinned(EXACT, CLOSE)
    found = checked(model, scores, few)
    np.testing.assert_array_equal(found.scores, CLOSE.predict_proba(["good", "bad"])[:, 1])
    assert (found.precision, found.passes) == ("bfloat16", 4)
    assert model.asked == ["good dress"]
    assert model.search.asked == ["good dress", "good", "bad"]


def test_a_twin_that_does_not_agree_leaves_it_to_the_model():
    model = Twinned(EXACT, FAR)
    found = checked(model, scores, lambda ask: ask(["good", "bad", ""])[:, 1])
    np.testing.assert_array_equal(found.scores, EXACT.predict_proba(["good", "bad"])[:, 1])
    assert (found.precision, found.passes) == ("float32", 8)
    assert model.search.asked == ["good", "bad", ""]


@pytest.mark.parametrize(("difference", "precision"), [(0.09, "bfloat16"), (0.11, "float32")])
def test_the_five_largest_must_stand_out_by_more_than_the_trials_differ(difference, precision):
    found = np.array([9.0, -8, 7, 6, 5, -4.9, 1])
    trials = iter([found, found + difference * np.eye(7)[0]])

    def compute(ask):
        ask(["all of it"])
        return found

    model = Twinned(EXACT, CLOSE)
    assert checked(model, compute, lambda ask: next(trials)).precision == precision
    assert (model.asked, model.search.asked) == (["all of it"] * (precision == "float32"), ["all of it"])


def test_two_attributions_agree_in_correlation_and_in_their_top_five():
    one = np.array([9.0, -8, 7, 6, 5, 1, 0, 0, 0, 0])
    assert agree(one, one * 0.5)
    assert not agree(one, -one)
    assert agree(one, np.array([8.0, -9, 7, 6, 5, 1, 0, 0, 0, 0]))  # another order within the five
    swapped = np.array([9.0, -8, 7, 6, 1, 1.1, 0, 0, 0, 0])
    assert np.corrcoef([9.0, -8, 7, 6, 1.05, 1], [9.0, -8, 7, 6, 1, 1.05])[0, 1] > 0.99
    assert not agree(np.array([9.0, -8, 7, 6, 1.05, 1, 0]), np.array([9.0, -8, 7, 6, 1, 1.05, 0]))
    assert not agree(one, swapped)
    assert not agree(one, one + np.array([0, 0, 0, 0, 0, 3, 0, 0, 0, 0.0]))  # 0.98


@pytest.mark.parametrize("same", [np.ones(1), np.zeros(4), np.full(3, 0.2)])
def test_scores_that_are_all_equal_do_not_agree(same):
    assert not agree(same, same)


# The attributors that ask the engine.


def test_lime_keeps_the_twin_s_answers_only_where_they_agree():
    alone, close, far = (
        Lime().attribute(model, TEXT, 1, gap_bound=0.02, seed=5)
        for model in (EXACT, Twinned(EXACT, CLOSE), Twinned(EXACT, FAR))
    )
    assert (alone.precision, close.precision, far.precision) == ("float32", "bfloat16", "float32")
    np.testing.assert_array_equal(far.scores, alone.scores)
    assert not np.array_equal(close.scores, alone.scores)
    np.testing.assert_allclose(close.scores, alone.scores, atol=2e-3)
    assert (alone.passes, close.passes, far.passes) == (1000, 1200, 1200)


def test_shap_and_occlusion_do_not_ask_the_twin():
    for method in ("shap_partition@1", "occlusion@1"):
        model = Twinned(EXACT, CLOSE)
        found = attributors[method]().attribute(model, TEXT, 1, gap_bound=0.02, seed=5)
        assert found.precision == "float32"
        assert found.passes == len(model.asked) > 0
        assert not model.search.asked


def test_lime_checks_samples_of_the_very_neighbourhood():
    model = Twinned(EXACT, CLOSE)
    Lime(samples=300, check_samples=100).attribute(model, TEXT, 1, gap_bound=0.02, seed=5)
    check, everything = model.search.asked[:100], model.search.asked[100:]
    assert model.asked == check
    assert check[0] == everything[0] == TEXT
    assert len(everything) == 300
    assert set(check) <= set(everything)


def test_lime_shares_a_word_s_weight_among_its_occurrences():
    found = Lime().attribute(EXACT, "good, bad, good", 1, gap_bound=0.02, seed=5)
    assert found.tokens == ("good", "bad", "good")
    assert found.spans == ((0, 4), (6, 9), (11, 15))
    assert found.scores[0] == found.scores[2] > 0 > found.scores[1]
    near = Neighbourhood("good, bad, good", EXACT.labels, samples=1000, seed=5)
    good, bad = near.weights(EXACT.predict_proba(near.texts), 1)
    assert found.scores == pytest.approx([good / 2, bad, good / 2])
    assert found.passes == 1000
    assert found.completeness_gap is None
    assert "they share its weight" in found.baseline


def test_shap_gives_a_linear_model_its_weights_back_where_its_logistic_curve_is_nearly_straight():
    model = LinearTextClassifier.binary({word: weight / 100 for word, weight in WEIGHTS.items()})
    found = ShapPartition().attribute(model, TEXT, 1, gap_bound=0.02, seed=5)
    assert found.tokens == tuple(TEXT.replace(",", "").split())
    expected = [WEIGHTS.get(word, 0) / 100 / 4 for word in found.tokens]  # a quarter is the slope at one half
    np.testing.assert_allclose(found.scores, expected, rtol=1e-3, atol=1e-12)
    assert sum(found.scores) == pytest.approx(model.predict_proba([TEXT])[0, 1] - 0.5)
    assert found.completeness_gap < 1e-9
    assert found.baseline == "'...' in place of every token"


def test_shap_uses_the_model_s_own_tokenizer(tiny_checkpoint):
    model = Twinned(load_checkpoint(tiny_checkpoint, device="cpu"), None, load_tokenizer(tiny_checkpoint))
    found = ShapPartition(max_evals=60).attribute(model, "unlovely dress", 1, gap_bound=0.02, seed=5)
    assert found.tokens == (*("[CLS]", "u", "##n", "##l", "##o", "##v", "##e", "##l", "##y"), "dress", "[SEP]")
    assert found.baseline == "'[MASK]' in place of every token"
    assert found.passes == len(model.asked)


@pytest.mark.parametrize("method", ["lime", "shap_partition"])
@pytest.mark.parametrize("text", ["good", "loved " * 500, "<b>good</b>", "רע מאוד dress", "good 👍🏽 dress"])
def test_odd_texts(tiny_checkpoint, method, text):
    tiny = load_checkpoint(tiny_checkpoint, device="cpu")
    found = explain(Twinned(tiny, None, load_tokenizer(tiny_checkpoint)), text, method=method)
    assert found.method == f"{method}@1"
    assert np.isfinite(found.scores).all()
    assert all(0 <= start <= stop <= len(text) for start, stop in found.spans)


@pytest.mark.parametrize("method", ["lime", "shap_partition"])
@pytest.mark.parametrize("text", ["", " \n", "?!"])
def test_nothing_to_explain(method, text):
    with pytest.raises(EmptyData, match="nothing to explain"):
        explain(EXACT, text, method=method)


@pytest.mark.parametrize("method", ["lime@1", "shap_partition@1", "occlusion@1"])
def test_eight_at_once_find_the_same_bits_as_one_after_the_other(tiny_checkpoint, method):
    tiny, tokenizer = load_checkpoint(tiny_checkpoint, device="cpu"), load_tokenizer(tiny_checkpoint)
    attributor = attributors[method]()
    if method == "lime@1":
        attributor = dataclasses.replace(attributor, samples=150)

    def run(seed):
        model = Twinned(tiny, CLOSE if seed % 2 else None, tokenizer)
        return attributor.attribute(model, "i loved this dress, it fits well", 1, gap_bound=0.02, seed=seed)

    with alone("cpu"):  # as the engine computes
        serial = [run(seed) for seed in range(8)]
    with ThreadPoolExecutor(8, initializer=one_core) as pool:
        for one, other in zip(serial, pool.map(run, range(8)), strict=True):
            np.testing.assert_array_equal(one.scores, other.scores)
            assert one._replace(scores=None) == other._replace(scores=None)
