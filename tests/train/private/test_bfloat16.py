"""Private training where the network computes in bfloat16: norms and sums may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from workbench.data.corpus import Corpus
from workbench.errors import Unsupported
from workbench.train.adapter import LoRA, adapt
from workbench.train.loop import train
from workbench.train.private.clippers import clipper_for
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.feed import TextFeed
from workbench.train.private.step import Mechanism
from workbench.train.private.units import units_of
from workbench.train.recipe import Recipe


@pytest.fixture
def coarse(shop):
    return replace(shop, precision="bfloat16")


@pytest.mark.parametrize("adapter", [None, LoRA(kind="lora", rank=2)])
def test_sum_of_a_unit_keeps_to_the_bound_by_more_than_bfloat16_rounds(coarse, toy, adapter):
    """A sum or norm in bfloat16 would be off by up to 0.4%; the bound is kept to a millionth."""
    adapt(coarse.network, adapter)
    parameters = tuple(one for one in coarse.network.parameters() if one.requires_grad)
    mechanism = Mechanism(coarse.recipe.privacy, 1.0, Bookkeeper(coarse.network), TextFeed(coarse, toy), parameters)
    lengths = []
    for seed in range(20):
        sums = mechanism.clipped_sum(coarse, {0: mechanism.feed.made_up(1, share=1e4, seed=seed)})
        assert {total.dtype for total in sums.values()} == {torch.float32}
        lengths.append(sum(float(total.double().square().sum()) for total in sums.values()) ** 0.5)
    bound = coarse.recipe.privacy.max_grad_norm
    assert max(lengths) <= bound * (1 + 1e-6)
    assert min(lengths) >= bound * (1 - 2e-3)  # the margin, and no more


@pytest.mark.parametrize("asked", ["ghost", "hooks"])
def test_ways_that_add_up_in_bfloat16_are_refused(coarse, toy, asked):
    with pytest.raises(Unsupported, match=r'adds gradients up in bfloat16.*choose clipping = "bookkeeping"'):
        clipper_for(asked, coarse, TextFeed(coarse, toy), units_of(toy, "example", most=8))


def test_fastest_of_those_that_are_right_in_bfloat16_is_bookkeeping(coarse, toy):
    assert clipper_for("auto", coarse, TextFeed(coarse, toy), units_of(toy, "example", most=8))[0] == "bookkeeping"


@pytest.mark.parametrize(("asked", "used"), [("auto", "float32"), ("bfloat16", "bfloat16")])
@pytest.mark.parametrize("adapter", [None, LoRA(kind="lora", rank=2)])
def test_private_run_computes_in_float32_unless_told_otherwise(
    private_recipe: Recipe, toy: Corpus, tmp_path, asked, used, adapter
):
    recipe = private_recipe.model_copy(update={"precision": asked, "adapter": adapter})
    trained = train(recipe, toy, tmp_path / "out")
    assert trained.card.precision == used
    assert trained.card.privacy is not None
    assert trained.card.privacy.steps == 12
