"""Integrated gradients against closed forms, stock Captum, and a quadrature of our own."""

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients

from workbench.adapters.captum import integrate, quadrature
from workbench.models.hugging_face import load_checkpoint

WEIGHTS = {"good": 2.0, "bad": -3.0, "very": 0.5}
TEXT = "very good not bad"
# Token by token, special ones at both ends; padding weighs -0.125 and unknown words 0.25.
SHARES = np.array([0, 0.5 + 0.125, 2 + 0.125, 0.25 + 0.125, -3 + 0.125, 0])


def run(model, text, target=1, **changes):
    settings = {"gap_bound": 0.02, "steps": 9, "max_steps": 1025, "batch": 3, **changes}
    return integrate(model, model.encode([text]), target, **settings)


def test_linear_model_gets_its_weights_back(known_model):
    found = run(known_model(WEIGHTS), TEXT)
    np.testing.assert_allclose(found.scores, SHARES, atol=1e-6)
    assert found.difference == pytest.approx(SHARES.sum(), abs=1e-12)
    assert found.gap < 1e-6
    assert (found.steps, found.passes) == (9, 9)


def test_quadratic_model_gets_its_closed_form(known_model):
    # f = s^2 along the line from s_b to s_x: the integral of 2 s is s_x + s_b, shared out in proportion to the weights.
    model = known_model(WEIGHTS, lambda s: s**2)
    s_x, s_b = 2 + 0.5 + 0.25 - 3, 4 * -0.125
    for found in (run(model, TEXT, gap_bound=1e-6), run(model, TEXT, steps=8, max_steps=8)):
        np.testing.assert_allclose(found.scores, SHARES * (s_x + s_b), atol=1e-5)
    assert found.difference == pytest.approx(s_x**2 - s_b**2, abs=1e-12)


def test_other_label_and_other_batch_size(known_model):
    model = known_model(WEIGHTS, lambda s: torch.tanh(s))
    assert np.all(run(model, TEXT, target=0).scores == 0)
    one, many = run(model, TEXT, batch=1), run(model, TEXT, batch=64)
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-6)


def test_points_are_added_until_the_gap_closes_and_none_is_asked_for_twice(known_model):
    steep = known_model({"good": 9.0}, lambda s: torch.tanh(20 * (s - 6)))
    coarse = run(steep, "good", steps=5, max_steps=8)
    assert coarse.gap > 0.02
    assert coarse.steps == 5, "the next would be 9"
    found = run(steep, "good", steps=5)
    assert found.gap <= 0.02
    assert found.steps in (9, 17, 33, 65, 129, 257)
    assert found.passes == found.steps


def test_gives_up_at_the_limit_and_says_what_remained(known_model):
    cliff = known_model({"good": 9.0}, lambda s: torch.tanh(1e4 * (s - 6.123)))
    found = run(cliff, "good", steps=4, max_steps=10)
    assert found.steps == 7
    assert found.gap > 0.02
    assert found.gap == pytest.approx(abs(found.scores.sum() - found.difference) / abs(found.difference))


@pytest.mark.parametrize("points", [2, 3, 4, 7, 13, 14, 25, 97])
def test_quadrature_is_nested_and_exact_in_the_limit(points):
    (fractions, weights), (finer, _) = quadrature(points), quadrature(2 * points - 1)
    assert (fractions[0], fractions[-1]) == pytest.approx((0, 1), abs=1e-15)
    assert sorted(fractions) == fractions
    np.testing.assert_allclose(finer[::2], fractions, atol=1e-14)
    assert min(weights) > 0
    assert sum(weights) == pytest.approx(1, abs=1e-14)
    if points > 12:
        x, w = np.array(fractions), np.array(weights)
        off = 1e-3 if points < 20 else 1e-7
        assert w @ np.exp(x) == pytest.approx(np.e - 1, abs=off)
        bump = w @ (1 / ((x - 0.3) ** 2 + 0.0625))
        assert bump == pytest.approx(4 * (np.arctan(2.8) + np.arctan(1.2)), rel=off)


class Batching:
    """A model that offers `Gradients`, and remembers how many points each request had."""

    def __init__(self, model):
        self._model, self.requests = model, []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def logit_gradients(self, embedded, attention_mask, target):
        assert not embedded.requires_grad
        assert attention_mask.shape == embedded.shape[1:2]
        self.requests.append(len(embedded))
        points = embedded.clone().requires_grad_()
        with torch.enable_grad():
            logits = self._model.logits_from(points, attention_mask.expand(len(points), -1))
            (found,) = torch.autograd.grad(logits[:, target].sum(), points)
        return logits.detach(), found


def test_a_model_that_batches_gets_each_round_at_once(tiny_checkpoint):
    text = "i loved this dress and it fits well"
    plain = load_checkpoint(tiny_checkpoint, device="cpu")
    model = Batching(plain)
    found, alone = run(model, text, gap_bound=1e-9, max_steps=33), run(plain, text, gap_bound=1e-9, max_steps=33)
    assert model.requests == [9, 8, 16]
    np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
    assert (found.steps, found.passes) == (alone.steps, alone.passes) == (33, 33)


def stock(model, text, *, steps):
    """Return Captum's layer integrated gradients of 'positive', through the embedding layer and token ids."""
    encoded = model.encode([text])
    method = LayerIntegratedGradients(
        lambda ids, mask: model.network(input_ids=ids, attention_mask=mask).logits,
        model.network.get_input_embeddings(),
    )
    found = method.attribute(
        encoded.input_ids,
        baselines=model.baseline_ids(encoded),
        additional_forward_args=(encoded.attention_mask,),
        target=1,
        n_steps=steps,
    )
    return found.detach()[0].double().sum(-1).numpy()


@pytest.mark.parametrize("steps", [8, 50])
def test_with_a_fixed_number_of_steps_it_is_stock_captum(tiny_checkpoint, steps):
    model, text = load_checkpoint(tiny_checkpoint, device="cpu"), "i loved this dress and it fits well"
    found, expected = run(model, text, steps=steps, max_steps=steps), stock(model, text, steps=steps)
    assert (found.steps, found.passes) == (steps, steps + 2)
    np.testing.assert_allclose(found.scores, expected, atol=1e-4 * np.abs(expected).max())


def test_agrees_with_a_midpoint_rule_on_a_transformer(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    encoded = model.encode(["i loved this dress and it fits well"])
    found = run(model, "i loved this dress and it fits well", gap_bound=1e-4, steps=65)
    text, base = model.embed(encoded.input_ids), model.embed(model.baseline_ids(encoded))
    n, total = 2000, torch.zeros_like(text)
    for alphas in ((torch.arange(n) + 0.5) / n).split(250):
        path = (base + alphas[:, None, None] * (text - base)).requires_grad_()
        logit = model.logits_from(path, encoded.attention_mask.expand(len(alphas), -1))[:, 1].sum()
        total += torch.autograd.grad(logit, path)[0].sum(0, keepdim=True) / n
    expected = ((text - base) * total).sum(-1)[0].numpy()
    np.testing.assert_allclose(found.scores, expected, atol=2e-4)
    assert found.scores[0] == found.scores[-1] == 0


def test_leaves_no_trace(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    network = model.network.requires_grad_(True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():  # also under a caller's inference mode
        run(model, "a good dress")
        assert torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
    assert not network.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
