"""Private training on perturbed embeddings: all copies of a text lie in its unit, under the unit's one clip.

The perturbations are those of `workbench.train.passes`: each text's own, of a radius that no other text has a say in,
found by the gradient of that text's own loss against the weights as they are, which were released with noise already.
Found before the pass that computes clipped gradients, they are numbers like any others there: 'pgd' learns from the
text and from the worst perturbation, half and half; 'freelb' (Zhu et al. 2020, algorithm 1) from each point of the
climb, one K-th each.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from workbench.adapters.clipped_sums import Losses
from workbench.data.corpus import Corpus
from workbench.train.augmentation import Embedding
from workbench.train.passes import Inputs, Point, moved
from workbench.train.place import autocast, seeded
from workbench.train.private.feed import Row, TextFeed, spelled_out, weighed
from workbench.train.step import Workshop


def afresh(row: Row) -> int:
    """Return where a text's climb starts: a coin of its own from the operating system, whatever the text."""
    return secrets.randbits(63)


class PerturbedFeed(TextFeed):
    """Texts, each with perturbed copies of its embeddings."""

    def __init__(self, shop: Workshop, train: Corpus, how: Embedding, seed_of: Callable[[Row], int] = afresh) -> None:
        """`seed_of`: a row to the seed of its start."""
        super().__init__(shop, train)
        self._how, self._seed_of = how, seed_of
        self.copies = how.copies

    def ready(self, rows: Sequence[Row]) -> Losses:
        """As `Feed.ready`: find the perturbations."""
        shop = self._shop
        network = shop.accelerator.unwrap_model(shop.network)
        inputs = spelled_out(network, shop.encoder.inputs([row.ids for row in rows], shop.device))
        delta = torch.stack(self._climbed(network, inputs, rows), dim=1).flatten(0, 1)
        copied = {name: tensor.repeat_interleave(self.copies, dim=0) for name, tensor in inputs.items()}
        spread = [row._replace(share=row.share / self.copies) for row in rows for _ in range(self.copies)]

        def losses() -> torch.Tensor:
            return weighed(shop, self._logits(network, copied, delta, secrets.randbits(63)), spread)

        return losses

    def _climbed(self, network: Any, inputs: Inputs, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return the perturbations of the rows' copies, one (rows, tokens, width) for each copy."""
        point = Point(network, inputs, self._how, self._starts(network, inputs, rows))
        labels = torch.tensor([row.label for row in rows], device=self._shop.device)
        seed = secrets.randbits(63)  # of dropout, which drops out the same units all the way up
        met, pgd = [point.delta.detach()], self._how.method == "pgd"
        for _ in range(self._how.steps if pgd else self._how.steps - 1):
            delta = point.delta.requires_grad_()
            found = functional.cross_entropy(self._logits(network, inputs, delta, seed), labels, reduction="sum")
            point.climb(torch.autograd.grad(found, delta)[0])
            met.append(point.delta)
        return [torch.zeros_like(met[0]), met[-1]] if pgd else met

    def _logits(self, network: Any, inputs: Inputs, delta: torch.Tensor, seed: int) -> torch.Tensor:
        shop = self._shop
        with seeded(seed, shop.device), autocast(shop.precision, shop.device):
            logits: torch.Tensor = network(**moved(network, inputs, delta)).logits
        return logits.float()

    def _starts(self, network: Any, inputs: Inputs, rows: Sequence[Row]) -> torch.Tensor:
        """Return numbers in [-1, 1), (rows, tokens, width): each row's own, whatever the texts beside it."""
        mask, width = inputs["attention_mask"].bool(), network.get_input_embeddings().weight.shape[1]
        start = torch.zeros(*mask.shape, width, device=mask.device)
        for i, row in enumerate(rows):
            drawn = torch.Generator().manual_seed(self._seed_of(row))
            start[i, mask[i]] = (torch.rand(int(mask[i].sum()), width, generator=drawn) * 2 - 1).to(mask.device)
        return start
