"""A workshop for a recipe, without the run around it."""

from __future__ import annotations

import torch

from workbench.seeds import Streams
from workbench.train.backbone import prepare
from workbench.train.place import make_accelerator
from workbench.train.recipe import Recipe
from workbench.train.step import Workshop


def shop_of(recipe: Recipe, labels: tuple[str, ...]) -> Workshop:
    """Return a fresh network in a workshop on this machine, in float32."""
    trainee = prepare(recipe, labels)
    accelerator = make_accelerator(None, "")
    return Workshop(
        recipe=recipe,
        accelerator=accelerator,
        network=accelerator.prepare(trainee.network),
        encoder=trainee.encoder,
        class_weights=torch.ones(len(labels), device=accelerator.device),
        precision="float32",
        streams=Streams(recipe.seed),
    )
