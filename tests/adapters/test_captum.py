"""Integrated gradients against closed forms and against a quadrature of our own."""

import numpy as np
import pytest
import torch

from workbench.adapters.captum import integrate
from workbench.models.hugging_face import load_checkpoint

WEIGHTS = {"good": 2.0, "bad": -3.0, "very": 0.5}
TEXT = "very good not bad"
# Token by token, special ones at both ends; padding weighs -0.125 and unknown words 0.25.
SHARES = np.array([0, 0.5 + 0.125, 2 + 0.125, 0.25 + 0.125, -3 + 0.125, 0])


def run(model, text, target=1, **changes):
    settings = {"gap_bound": 0.02, "steps": 8, "max_steps": 1024, "batch": 3, **changes}
    return integrate(model, model.encode([text]), target, **settings)


def test_linear_model_gets_its_weights_back(known_model):
    found = run(known_model(WEIGHTS), TEXT)
    np.testing.assert_allclose(found.scores, SHARES, atol=1e-6)
    assert found.difference == pytest.approx(SHARES.sum(), abs=1e-12)
    assert found.gap < 1e-6
    assert (found.steps, found.passes) == (8, 8 + 2)


def test_quadratic_model_gets_its_closed_form(known_model):
    # f = s^2 along the line from s_b to s_x: the integral of 2 s is s_x + s_b, shared out in proportion to the weights.
    found = run(known_model(WEIGHTS, lambda s: s**2), TEXT)
    s_x, s_b = 2 + 0.5 + 0.25 - 3, 4 * -0.125
    np.testing.assert_allclose(found.scores, SHARES * (s_x + s_b), atol=1e-6)
    assert found.difference == pytest.approx(s_x**2 - s_b**2, abs=1e-12)


def test_other_label_and_other_batch_size(known_model):
    model = known_model(WEIGHTS, lambda s: torch.tanh(s))
    assert np.all(run(model, TEXT, target=0).scores == 0)
    one, many = run(model, TEXT, batch=1), run(model, TEXT, batch=64)
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-6)


def test_steps_double_until_the_gap_closes_and_every_pass_is_counted(known_model):
    steep = known_model({"good": 9.0}, lambda s: torch.tanh(20 * (s - 6)))
    assert run(steep, "good", steps=4, max_steps=4).gap > 0.02
    found = run(steep, "good", steps=4)
    assert found.gap <= 0.02
    assert found.steps in (8, 16, 32, 64, 128, 256)
    assert found.passes == 2 + sum(4 * 2**k for k in range(int(np.log2(found.steps / 4)) + 1))


def test_gives_up_at_the_limit_and_says_what_remained(known_model):
    cliff = known_model({"good": 9.0}, lambda s: torch.tanh(1e4 * (s - 6.123)))
    found = run(cliff, "good", steps=4, max_steps=10)
    assert found.steps == 10
    assert found.gap > 0.02
    assert found.gap == pytest.approx(abs(found.scores.sum() - found.difference) / abs(found.difference))


def test_agrees_with_a_midpoint_rule_on_a_transformer(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    encoded = model.encode(["i loved this dress and it fits well"])
    found = run(model, "i loved this dress and it fits well", gap_bound=1e-4, steps=64)
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
