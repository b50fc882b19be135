"""Embeddings are asked for only where they say what token ids say; where their length says nothing, this is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from workbench.errors import Unsupported
from workbench.models.embeddings import AGREEMENT, normalises, require_embeddings

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


COMMON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
NORMALISING = {
    "bert": COMMON,
    "roberta": COMMON,
    "electra": COMMON | {"embedding_size": 16},
    "albert": COMMON | {"embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "deberta-v2": COMMON,
    "mpnet": COMMON,
    "modernbert": COMMON | {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
}
KEEPING_LENGTH = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "bos_token_id": 1, "eos_token_id": 2},
    "llama": COMMON | {"num_key_value_heads": 2},
}
"""Normalise too, but beside a sum that keeps the length."""


def network(kind: str, sizes: dict[str, int]) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """Return a random network of the architecture, ids of two texts, and their embeddings."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=50, num_labels=2, pad_token_id=0, **sizes)
    made = AutoModelForSequenceClassification.from_config(config).eval().requires_grad_(False)
    ids = torch.randint(3, 50, (2, 6))
    return made, ids, made.get_input_embeddings()(ids)


def asking(made: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def logits_of(points: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(points.shape[:2], dtype=torch.int64)
        logits: torch.Tensor = made(inputs_embeds=points, attention_mask=mask).logits
        return logits

    return logits_of


@pytest.mark.parametrize("kind", NORMALISING)
def test_networks_that_normalise_what_stands_for_a_token_are_told(kind: str) -> None:
    made, _, embedded = network(kind, NORMALISING[kind])
    assert normalises(made, asking(made), embedded)
    assert not any(one._forward_pre_hooks for one in made.modules()), "no trace is left in the network"


@pytest.mark.parametrize("kind", KEEPING_LENGTH)
def test_networks_that_read_its_length_too_are_not(kind: str) -> None:
    made, _, embedded = network(kind, KEEPING_LENGTH[kind])
    assert not normalises(made, asking(made), embedded)


def test_a_network_without_normalisation_reads_the_length() -> None:
    made = torch.nn.Linear(8, 2)
    assert not normalises(made, lambda points: made(points).mean(dim=1), torch.randn(2, 6, 8))


def test_a_word_s_product_with_its_gradient_is_then_minus_its_position_s() -> None:
    made, ids, _ = network("bert", COMMON | {"initializer_range": 0.3})
    made.double()
    points = made.get_input_embeddings()(ids).requires_grad_()
    (slopes,) = torch.autograd.grad(asking(made)(points)[:, 0].sum(), points)
    places = made.bert.embeddings.position_embeddings.weight[: ids.shape[1]]
    places = places + made.bert.embeddings.token_type_embeddings.weight[0]
    words, rest = (points * slopes).sum(dim=-1).detach(), (places * slopes).sum(dim=-1)
    assert float(words.abs().mean()) > 1e-3
    torch.testing.assert_close(words, -rest, rtol=1e-6, atol=1e-9)
