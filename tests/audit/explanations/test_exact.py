"""On the linear oracle every word's share of the log-odds is its weight: what should be exact is exact."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from workbench.adapters.lime import Neighbourhood
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.explain import explain
from workbench.audit.explanations.view import view
from workbench.errors import Misconfigured, NotFound, Unsupported
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Encoded

_WORD = re.compile(r"\w+")
PAD, MASK, CLS = "[PAD]", "[MASK]", "[CLS]"


class WhiteOracle(LinearTextClassifier):
    """A linear model that also shows its gradients: embeddings are rows of weights, logits sums; [CLS] weighs 0."""

    mask_id = 1

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._ids = {PAD: 0, MASK: 1, CLS: 2, **{word: i for i, word in enumerate(self._weights, 3)}}
        zero = (0.0,) * len(self.labels)
        self._table = torch.tensor([zero, zero, zero, *self._weights.values(), zero], dtype=torch.float64)

    def encode(self, inputs: Sequence[str]) -> Encoded:
        found = [list(_WORD.finditer(text)) for text in inputs]
        length = 1 + max(len(words) for words in found)
        unknown = len(self._table) - 1
        rows = [[2, *(self._ids.get(word.group().lower(), unknown) for word in words)] for words in found]
        return Encoded(
            input_ids=torch.tensor([row + [0] * (length - len(row)) for row in rows]),
            attention_mask=torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]),
            special=torch.tensor([[True] + [False] * (len(row) - 1) + [True] * (length - len(row)) for row in rows]),
            tokens=tuple((CLS, *(word.group() for word in words)) for words in found),
            spans=tuple(((0, 0), *(word.span() for word in words)) for words in found),
        )

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self._table[input_ids]

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        return torch.where(encoded.special, encoded.input_ids, 0)

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return (embedded * attention_mask[..., None]).sum(dim=1) + torch.tensor(self._bias, dtype=torch.float64)


WEIGHTS = {"love": (0.0, 0.9), "hate": (0.0, -1.3), "fits": (0.0, 0.4), "badly": (0.0, -0.7), "dress": (0.0, 0.1)}
BINARY = WhiteOracle(WEIGHTS, ("no", "yes"), bias=(0.0, 0.2))
THREE = WhiteOracle(
    {"red": (1.0, -0.5, 0.25), "green": (-0.3, 0.8, 0.0), "blue": (0.1, 0.2, 0.9)},
    ("a", "b", "c"),
    bias=(0.1, 0.0, -0.1),
)
TEXT = "I love this dress, but it fits badly. Badly!"


def weights(model, text, target):
    return {word: row[target] for word, row in model._weights.items()}


def scored(scores):
    return [(scores.text[word.start : word.stop].lower(), word.score) for word in scores.words]


@pytest.mark.parametrize(
    "method",
    ["integrated_gradients", "input_x_gradient", "gradient_shap", "shap_partition", "shap_kernel", "occlusion"],
)
@pytest.mark.parametrize("target", ["yes", "no"])
def test_a_words_score_is_its_weight(method, target):
    side = 1.0 if target == "yes" else -1.0
    white = method in ("integrated_gradients", "input_x_gradient", "gradient_shap")
    with engine_for(BINARY) as engine:
        # A white-box method explains one logit, here of 'yes' only, whose weights are the log-odds'; 'no' has none.
        found = explain(engine, TEXT, target=target, method=method, scale="log_odds", seed=1)
    for word, score in scored(found):
        weight = WEIGHTS.get(word, (0.0, 0.0))[1]
        expected = (weight if target == "yes" else 0.0) if white else side * weight
        assert score == pytest.approx(expected, abs=1e-6), (method, word)
    assert found.completeness_gap is None or found.completeness_gap < 1e-6 or (white and target == "no")
    assert found.output == ("logit" if white else "log-odds")


@pytest.mark.parametrize(
    "method", ["integrated_gradients", "input_x_gradient", "shap_partition", "shap_kernel", "occlusion"]
)
def test_why_this_rather_than_that_is_the_difference_of_two_weights(method):
    with engine_for(THREE) as engine:
        found = explain(engine, "red green blue blue", target="a", versus="c", method=method, scale="log_odds", seed=1)
    expected = {word: row[0] - row[2] for word, row in THREE._weights.items()}
    assert scored(found) == [
        (word, pytest.approx(expected[word], abs=1e-6)) for word in ("red", "green", "blue", "blue")
    ]
    assert found.versus == "c"
    assert found.output.endswith("difference of two labels")


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(
    "method", ["integrated_gradients", "input_x_gradient", "input_x_gradient_l2", "saliency", "gradient_shap"]
)
def test_passes_of_a_contrast_are_those_that_were_made(method, batched, monkeypatch):
    made = []
    with engine_for(THREE) as engine:
        model = engine if batched else THREE
        name = "logit_gradients" if batched else "logits_from"
        ask = getattr(model, name)
        monkeypatch.setattr(model, name, lambda points, *more: made.append(len(points)) or ask(points, *more))
        found = explain(model, "red green blue", target="a", versus="c", method=method, seed=1)
    assert found.passes == sum(made)


@pytest.mark.parametrize("scale", ["probability", "log_odds"])
def test_a_contrast_of_answers_is_the_difference_of_two_explanations(scale):
    with engine_for(THREE) as engine:

        def one(target, versus=None):
            return np.array([score for _, score in scored(
                explain(engine, "red green blue", target=target, versus=versus, method="occlusion", scale=scale)
            )])  # fmt: skip

        if scale == "probability":
            np.testing.assert_allclose(one("a", "c"), one("a") - one("c"), atol=1e-12)
        np.testing.assert_allclose(one("a", "c"), -one("c", "a"), atol=1e-12)


def test_lime_with_single_deletions_ranks_words_by_weight():
    rng = np.random.default_rng(0)
    names = [f"w{i}" for i in range(20)]
    values = rng.permutation(np.arange(20) * 0.1 - 1.0)
    model = WhiteOracle({name: (0.0, float(value)) for name, value in zip(names, values, strict=True)}, ("no", "yes"))
    text = " ".join(names)
    near = Neighbourhood(text, model.labels, samples=2000, seed=1)
    found = near.weights(view(model, 1, scale="log_odds").predict_proba(near.texts), 1)
    assert spearmanr(found, values).statistic >= 0.99
    adaptive = explain(model, text, target="yes", method="lime_adaptive", scale="log_odds", seed=1)
    assert spearmanr([word.score for word in adaptive.words], values).statistic >= 0.99
    assert adaptive.seed_agreement > 0.9


@pytest.mark.parametrize("method", ["lime@1", "lime_adaptive@1"])
def test_lime_s_occurrences_add_up_to_what_kernel_shap_s_do(method):
    model = LinearTextClassifier.binary({"good": 0.3, "fine": 1.0})
    text = "good good good good dress sleeve"
    lime, shap = (
        sum(word.score for word in explain(model, text, method=one, target="positive").words if text[word.start] == "g")
        for one in (method, "shap_kernel@1")
    )
    assert shap == pytest.approx(1 / (1 + np.exp(-1.2)) - 0.5)
    assert lime == pytest.approx(shap, abs=0.1)


def test_adaptive_lime_takes_more_samples_where_draws_differ_and_stops_at_its_cap():
    from workbench.audit.explanations.lime import AdaptiveLime

    class Noise(WhiteOracle):
        def predict_proba(self, inputs):
            rng = np.random.default_rng([len("".join(inputs)), *map(len, inputs)])
            p = rng.uniform(size=len(inputs))
            return np.stack([1 - p, p], axis=1)

    noisy = Noise(WEIGHTS, ("no", "yes"))
    found = AdaptiveLime(samples=50, most=200).attribute(noisy, TEXT, 1, gap_bound=0.02, seed=0)
    assert found.passes == 2 * 200, "what was asked for fewer samples is kept"
    assert found.seed_agreement < 0.9
    sure = AdaptiveLime(samples=200, most=3200).attribute(BINARY, TEXT, 1, gap_bound=0.02, seed=0)
    assert sure.passes <= 2 * 1600


def test_baselines_say_what_a_text_is_compared_with():
    from workbench.audit.explanations.integrated_gradients import IntegratedGradients

    heavy = WhiteOracle(WEIGHTS, ("no", "yes"))
    heavy._table[WhiteOracle.mask_id, 1] = 0.25  # a mask token that says something
    padding, mask, zero = (
        IntegratedGradients(baseline=kind).attribute(heavy, "love", 1, gap_bound=1e-6, seed=0)
        for kind in ("padding", "mask", "zero")
    )
    assert [one.scores[1] for one in (padding, mask, zero)] == pytest.approx([0.9, 0.65, 0.9])
    assert len({one.baseline for one in (padding, mask, zero)}) == 3
    heavy.mask_id = None
    with pytest.raises(Unsupported, match="no mask token"):
        IntegratedGradients(baseline="mask").attribute(heavy, "love", 1, gap_bound=1e-6, seed=0)


def test_saliency_has_no_sign_and_is_the_length_of_the_gradient():
    found = explain(BINARY, "love hate", target="yes", method="saliency")
    assert [score for _, score in scored(found)] == pytest.approx([1.0, 1.0])  # d logit / d embedding = (0, 1)
    assert not attributors["saliency"].signed
    assert not found.signed
    assert explain(BINARY, "love hate", target="yes", method="occlusion").signed


def test_the_length_of_input_x_gradient_forgets_the_sign_and_nothing_else():
    signed = explain(BINARY, "love hate dress", target="yes", method="input_x_gradient")
    found = explain(BINARY, "love hate dress", target="yes", method="input_x_gradient_l2")
    # Of the dimensions of the oracle's embedding only one has a gradient, so a length is an absolute value.
    assert [one.score for one in found.words] == pytest.approx([abs(one.score) for one in signed.words])
    assert not attributors["input_x_gradient_l2"].signed
    assert (signed.signed, found.signed) == (True, False)


def test_attention_rollout_by_hand():
    class Attending(WhiteOracle):
        def attentions(self, encoded):
            first = np.array([[0.2, 0.8], [0.5, 0.5]])
            second = np.array([[0.6, 0.4], [0.1, 0.9]])
            return np.stack([first, second])

    found = explain(Attending(WEIGHTS, ("no", "yes")), "love", target="yes", method="attention_rollout")
    first, second = np.array([[0.6, 0.4], [0.25, 0.75]]), np.array([[0.8, 0.2], [0.05, 0.95]])
    assert list(found.scores) == pytest.approx(list((second @ first)[0]))
    assert not found.signed
    with pytest.raises(Unsupported, match="attention weights"):
        explain(BINARY, "love", method="attention_rollout")
    with pytest.raises(Unsupported, match="every label"):
        explain(Attending(WEIGHTS, ("no", "yes")), "love", target="yes", versus="no", method="attention_rollout")


def test_random_scores_are_repeatable_and_ask_nothing():
    one, again, other = (explain(BINARY, TEXT, method="random", seed=seed) for seed in (1, 1, 2))
    assert one.scores == again.scores != other.scores
    assert one.passes == 0


def test_a_contrast_needs_two_known_labels():
    with pytest.raises(Misconfigured, match="two labels"):
        explain(BINARY, TEXT, target="yes", versus="yes")
    with pytest.raises(NotFound, match="yes"):
        explain(BINARY, TEXT, target="yes", versus="yea")


@pytest.mark.parametrize("method", sorted(set(attributors) - {"attention_rollout@1"}))
@pytest.mark.parametrize("text", ["love", "LOVE!!!", "😀 love", "שמלה love dress"])
def test_short_and_odd_texts_have_finite_scores_for_every_word(method, text):
    with engine_for(BINARY) as engine:
        found = explain(engine, text, target="yes", method=method, seed=0)
    assert np.isfinite(found.scores).all()
    assert [text[w.start : w.stop] for w in found.words if text[w.start : w.stop].lower() == "love"]


def test_kernel_shap_refuses_long_texts():
    with pytest.raises(Unsupported, match="shap_partition"):
        explain(BINARY, "love " * 31, method="shap_kernel")
