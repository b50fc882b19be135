"""A tiny network in a workshop, and the mechanism of a private step on it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from workbench.data.corpus import Corpus
from workbench.seeds import Streams
from workbench.train.backbone import prepare
from workbench.train.privacy import Privacy
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.feed import TextFeed
from workbench.train.private.step import Mechanism
from workbench.train.recipe import Recipe
from workbench.train.step import Workshop


@pytest.fixture
def private_recipe(tiny_checkpoint: Path) -> Recipe:
    return Recipe(
        backbone=str(tiny_checkpoint),
        data="toy",
        learning_rate=3e-3,
        max_length=32,
        dropout=0.0,
        precision="float32",
        checkpoint_every=5,
        privacy=Privacy(epsilon=8.0, delta=1e-3, steps=12, batch=24, accountant="rdp"),  # its noise is found at once
    )


@pytest.fixture
def shop(private_recipe: Recipe) -> Workshop:
    trainee = prepare(private_recipe, ("negative", "positive"))
    network = trainee.network.train()
    return Workshop(
        private_recipe, Accelerator(cpu=True), network, trainee.encoder, torch.ones(2), "float32", Streams(0)
    )


@pytest.fixture
def mechanism(shop: Workshop, toy: Corpus) -> Mechanism:
    parameters = tuple(one for one in shop.network.parameters() if one.requires_grad)
    assert shop.recipe.privacy is not None
    return Mechanism(shop.recipe.privacy, 1.0, Bookkeeper(shop.network), TextFeed(shop, toy), parameters)
