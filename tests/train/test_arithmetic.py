"""The small pieces of training, each against a closed form or an independent library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.class_weight import compute_class_weight

from workbench.data.corpus import Corpus
from workbench.errors import EmptyData
from workbench.seeds import Streams
from workbench.train.batches import epoch_batches, steps_per_epoch
from workbench.train.class_weights import balanced_weights
from workbench.train.early_stopping import Watch
from workbench.train.evaluation import report_text, score
from workbench.train.optimiser import make_optimiser, rate_at
from workbench.train.recipe import Recipe
from workbench.train.state import optimiser_moments, restore_moments

LENGTHS = np.random.default_rng(0).integers(3, 200, size=1_003).tolist()


def test_every_text_once_per_epoch() -> None:
    batches = epoch_batches(LENGTHS, 32, Streams(0), epoch=0)
    assert sorted(i for batch in batches for i in batch) == list(range(1_003))
    assert len(batches) == 32 == steps_per_epoch(1_003, 32, 1)
    assert sorted(map(len, batches))[1:] == [32] * 31


def test_batches_are_a_function_of_seed_and_epoch() -> None:
    def batches(seed: int, epoch: int) -> list[list[int]]:
        return epoch_batches(LENGTHS, 32, Streams(seed), epoch=epoch)

    assert batches(0, 1) == batches(0, 1)
    assert batches(0, 1) != batches(0, 0)
    assert batches(0, 1) != batches(1, 1)


def test_similar_lengths_share_a_batch_yet_order_is_random() -> None:
    batches = epoch_batches(LENGTHS, 32, Streams(0), epoch=0)
    padded = sum(len(batch) * max(LENGTHS[i] for i in batch) for batch in batches)
    assert 1 - sum(LENGTHS) / padded < 0.1, "random batches would be nearly half padding"
    means = [np.mean([LENGTHS[i] for i in batch]) for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("n", "size", "accumulation", "steps"), [(100, 32, 1, 4), (100, 32, 2, 2), (100, 32, 3, 2), (1, 32, 4, 1)]
)
def test_steps_per_epoch(n: int, size: int, accumulation: int, steps: int) -> None:
    assert steps_per_epoch(n, size, accumulation) == steps


def test_warm_up_and_decay() -> None:
    recipe = Recipe(learning_rate=1.0, warmup=0.2)
    rates = [rate_at(step, 20, recipe) for step in range(20)]
    np.testing.assert_allclose(rates[:5], [1 / 5, 2 / 5, 3 / 5, 4 / 5, 1.0])
    np.testing.assert_allclose(rates[4:], [(20 - step) / 16 for step in range(4, 20)])
    assert rates[-1] == pytest.approx(1 / 16)
    assert rate_at(0, 1, recipe) == 1.0
    assert rate_at(0, 10, Recipe(learning_rate=0.5, warmup=0)) == 0.5


def test_a_constant_rate_stays_after_warm_up() -> None:
    recipe = Recipe(optimiser="sgd", learning_rate=4.0, warmup=0.2, schedule="constant")
    rates = [rate_at(step, 20, recipe) for step in range(20)]
    np.testing.assert_allclose(rates, [0.8, 1.6, 2.4, 3.2] + [4.0] * 16)


@pytest.mark.parametrize(("momentum", "moved"), [(None, 1 + 1.9), (0.5, 1 + 1.5), (0.0, 1 + 1)])
def test_descent_with_momentum(momentum: float | None, moved: float) -> None:
    """Two like gradients of 1 at rate 0.1: v1 = 1, v2 = momentum + 1; the second step is a resumed run's."""
    recipe = Recipe(optimiser="sgd", momentum=momentum, learning_rate=0.1, weight_decay=0.0)
    network = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(network.weight)
    optimiser = make_optimiser(network, recipe)
    for again in (False, True):
        if again:
            moments = optimiser_moments(optimiser, network)
            assert bool(moments) == (momentum != 0.0)
            optimiser = make_optimiser(network, recipe)
            restore_moments(optimiser, network, moments)
        network.weight.grad = torch.ones(1, 1)
        optimiser.step()
    assert network.weight.item() == pytest.approx(-0.1 * moved)


def test_biases_and_normalisation_do_not_decay() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    optimiser = make_optimiser(network, Recipe(weight_decay=0.1, learning_rate=0.5))
    for parameter in network.parameters():
        parameter.data.fill_(1.0)
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    torch.testing.assert_close(network[0].weight.data, torch.full((2, 3), 1 - 0.5 * 0.1))  # decoupled: 1 - rate * decay
    for untouched in (network[0].bias, network[1].weight, network[1].bias):
        assert (untouched == 1.0).all()


def test_balanced_weights_are_those_of_scikit_learn(toy: Corpus) -> None:
    skewed = toy.where(lambda example: example.label == "positive" or ord(example.id[-1]) % 3 == 0)
    expected = compute_class_weight("balanced", classes=np.arange(2), y=skewed.label_ids)
    np.testing.assert_allclose(balanced_weights(skewed), expected)


def test_balanced_weights_need_every_label(toy: Corpus) -> None:
    with pytest.raises(EmptyData, match="none of neutral"):
        balanced_weights(replace(toy, labels=("negative", "positive", "neutral")))


def test_watch_keeps_the_lowest_and_counts_what_is_no_improvement() -> None:
    watch = Watch()
    for step, loss in enumerate((0.9, 0.7, 0.69, 0.71, 0.68), start=1):
        watch = watch.after(loss, step=step, min_delta=0.05)
    assert watch == Watch(best_loss=0.68, best_step=5, without_improvement=3)
    assert watch.exhausted(3)
    assert not watch.exhausted(4)
    assert not watch.exhausted(None)
    assert watch.after(0.5, step=6, min_delta=0.05).without_improvement == 0


@pytest.mark.parametrize("width", [2, 3])
def test_score_agrees_with_scikit_learn(width: int) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(width), size=200)
    labels = rng.integers(0, width, size=200)
    found = score(probabilities, labels)
    assert found.loss == pytest.approx(log_loss(labels, probabilities))
    assert found.accuracy == pytest.approx((probabilities.argmax(1) == labels).mean())
    expected = (
        roc_auc_score(labels, probabilities[:, 1])
        if width == 2
        else roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    )
    assert found.roc_auc == pytest.approx(expected)


def test_no_area_where_a_label_is_absent() -> None:
    found = score(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([1, 1]))
    assert found.roc_auc is None
    assert found.accuracy == 1.0


def test_report_says_what_was_sampled(toy: Corpus) -> None:
    part = replace(toy, examples=toy.examples[:10], split="test")
    text = report_text(np.tile([0.3, 0.7], (10, 1)), part, of=30)
    assert text.startswith("test: 10 examples of 30, sampled by hash of their id; log loss ")
    assert "positive     0.5000    1.0000    0.6667         5" in text
    whole = report_text(np.tile([0.3, 0.7], (10, 1)), part, of=10)
    assert "sampled" not in whole
