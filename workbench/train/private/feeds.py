"""Which feed a run has: what its augmentation and its trainable part allow."""

from __future__ import annotations

from workbench.data.corpus import Corpus
from workbench.train.augmentation import Ablation, Embedding
from workbench.train.private.feed import FeatureFeed, Feed, TextFeed, head_of
from workbench.train.private.perturbed import PerturbedFeed
from workbench.train.step import Workshop


def feed_for(shop: Workshop, train: Corpus) -> Feed:
    """Return what feeds the trained part of the network: features where that part is a linear head alone.

    Not so where texts are perturbed inside the network, or masked anew in each epoch: such features serve once.
    """
    how = shop.recipe.augmentation
    if isinstance(how, Embedding):
        return PerturbedFeed(shop, train, how)
    head = head_of(shop.accelerator.unwrap_model(shop.network))
    if head is None or isinstance(how, Ablation):
        return TextFeed(shop, train)
    return FeatureFeed(shop, train, head)
