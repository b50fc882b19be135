"""Embeddings are asked for only where they say what token ids say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from workbench.errors import Unsupported
from workbench.models.embeddings import AGREEMENT, require_embeddings

IDS = torch.tensor([[0.2, 0.8], [0.6, 0.4]])


def ask(from_embeddings: Callable[[], torch.Tensor]) -> None:
    require_embeddings(lambda: IDS, from_embeddings, what="Net", instead="; do without")


def test_what_agrees_passes() -> None:
    ask(lambda: IDS.to(torch.float64))
    ask(lambda: IDS + 0.9 * AGREEMENT)


@pytest.mark.parametrize("off", [1.1 * AGREEMENT, -0.5, float("inf"), float("nan")])
def test_what_differs_anywhere_is_refused_and_so_is_what_is_no_number(off: float) -> None:
    found = IDS.clone()
    found[1, 0] += off
    with pytest.raises(Unsupported, match=r"^Net gives other logits .*\(off by .*\); do without$"):
        ask(lambda: found)


@pytest.mark.parametrize("error", [TypeError, ValueError, NotImplementedError])
def test_a_network_that_takes_none_is_refused_with_its_own_words(error: type[Exception]) -> None:
    def refuse() -> torch.Tensor:
        raise error("no inputs_embeds here")

    with pytest.raises(Unsupported, match=r"^Net takes no embeddings \(no inputs_embeds here\); do without$"):
        ask(refuse)


def test_other_errors_are_not_taken_for_an_answer() -> None:
    def crash() -> torch.Tensor:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        ask(crash)


def test_no_gradient_is_kept() -> None:
    weight = torch.ones(2, requires_grad=True)
    made: list[torch.Tensor] = []

    def keep() -> torch.Tensor:
        made.append(IDS * weight)
        return made[0]

    ask(keep)
    assert not made[0].requires_grad
