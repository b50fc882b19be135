import pytest
from transformers import AutoConfig, AutoModelForSequenceClassification

from workbench.bench.flops import cost_of

LAYERS, WIDTH, INNER, LABELS = 3, 32, 80, 5


def network(kind, **more):
    config = AutoConfig.for_model(kind, vocab_size=50, max_position_embeddings=64, num_labels=LABELS, **more)
    return AutoModelForSequenceClassification.from_config(config).eval()


def by_hand(length, head):
    """Products of one encoder: four projections, two products of attention, two of the feed-forward part."""
    projections = 4 * 2 * length * WIDTH * WIDTH
    attention = 2 * 2 * length * length * WIDTH
    feed_forward = 2 * 2 * length * WIDTH * INNER
    return LAYERS * (projections + attention + feed_forward) + 2 * head * WIDTH * WIDTH + 2 * WIDTH * LABELS


BERT = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": INNER}
DISTIL = {"dim": WIDTH, "hidden_dim": INNER, "n_layers": LAYERS, "n_heads": 4}


@pytest.mark.parametrize(("kind", "shape"), [("bert", BERT), ("roberta", BERT), ("distilbert", DISTIL)])
@pytest.mark.parametrize("length", [1, 8, 37, 61])
def test_operations_are_those_of_the_closed_form(kind, shape, length):
    assert cost_of(network(kind, **shape))(length) == by_hand(length, head=1)


@pytest.mark.parametrize(("kind", "shape"), [("bert", BERT), ("distilbert", DISTIL)])
@pytest.mark.parametrize("length", [8, 37])
def test_a_slope_is_twice_the_products_and_attention_once_more(kind, shape, length):
    """Backward to the activations: each product with weights once more; attention, recomputed, has five for two."""
    found = network(kind, **shape)
    before = [one.requires_grad for one in found.parameters()]
    attention = LAYERS * 2 * 2 * length * length * WIDTH
    products = by_hand(length, head=1) - attention
    assert cost_of(found, slope=True)(length) == 2 * products + attention * (1 + 5 / 2)
    assert [one.requires_grad for one in found.parameters()] == before


def test_many_sequences_are_a_sum():
    cost = cost_of(network("bert", **BERT))
    assert cost.of({3: 2, 40: 1}) == 2 * by_hand(3, head=1) + by_hand(40, head=1)
    assert cost.of({}) == 0


def test_what_a_shortcut_leaves_out_is_not_counted():
    from workbench.models.shortcut import take_shortcut

    plain = network("bert", **BERT)
    whole = cost_of(plain)
    assert take_shortcut(plain, lambda: plain(**batch()).logits)
    for length in (8, 30):
        # The last layer: keys and values of all tokens, the rest at one position.
        saved = (length - 1) * (2 * 2 * WIDTH * WIDTH + 2 * 2 * length * WIDTH + 2 * 2 * WIDTH * INNER)
        assert cost_of(plain)(length) == whole(length) - saved


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_packed_products_are_counted_like_any_other(kind):
    from workbench.models.shortcut import pack_linears

    found = network(kind, **(BERT if kind == "bert" else DISTIL)).requires_grad_(False)
    whole, slope = cost_of(found), cost_of(found, slope=True)
    assert pack_linears(found, lambda: found(**batch()).logits)
    for length in (8, 37):
        assert cost_of(found)(length) == whole(length) == by_hand(length, head=1)
        assert cost_of(found, slope=True)(length) == slope(length)


def batch():
    import torch

    return {"input_ids": torch.ones(1, 9, dtype=torch.int64), "attention_mask": torch.ones(1, 9, dtype=torch.int64)}
