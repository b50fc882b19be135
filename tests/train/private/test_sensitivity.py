"""One person more or less moves the sum by one clip at most, whatever becomes of their texts in training.

Rewritings are made from scratch for both data sets: nothing that another person's texts are made into may depend on
the one who leaves.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
import torch

from workbench.data.corpus import Corpus, Example, hashed
from workbench.errors import Misconfigured
from workbench.models.engine.workers import OneByOne
from workbench.train.augmentation import Ablation, Adversarial, Edits, Embedding
from workbench.train.loop import train
from workbench.train.private.clipping import MARGIN, Bookkeeper
from workbench.train.private.feeds import feed_for
from workbench.train.private.perturbed import PerturbedFeed
from workbench.train.private.step import Mechanism
from workbench.train.private.units import units_of
from workbench.train.recipe import Recipe
from workbench.train.variants import source_of

MODES = {
    "as they are": None,
    "edits": Edits(kind="edits", edits=("misspellings", "deletions"), fraction=0.7, copies=2, words=0.3),
    "attacks": Adversarial(kind="adversarial", attack="deepwordbug", fraction=0.7, query_budget=30, clean_epochs=0),
    "masked": Ablation(kind="ablation", keep=0.3),
    "pgd": Embedding(kind="embedding", method="pgd", steps=2, radius=2.0, step_size=1.0),
    "freelb": Embedding(kind="embedding", method="freelb", steps=3, radius=2.0, step_size=1.0),
}
REWRITTEN = ("edits", "attacks", "masked")
PEOPLE, RECORDS = 8, 3


@pytest.fixture
def people() -> Corpus:
    """Eight people with three reviews each; everybody's texts are their own."""
    words = ("good", "bad", "fine", "poor", "warm", "cold", "soft", "hard")
    rows = [
        Example(f"e{p}-{r}", f"p{p}", f"a {words[p]} dress, {words[(p + r) % 8]} to wear {r}", "yes" if p % 2 else "no")
        for p in range(PEOPLE)
        for r in range(RECORDS)
    ]
    return Corpus(tuple(rows), ("no", "yes"), "people", "made for the tests", split="train")


def summed(shop, corpus, folder):
    """Return who was rewritten, and the sum of everybody's clipped gradients."""
    source = source_of(
        shop, corpus, folder, run="0" * 64, mask="[MASK]", tell=lambda event: None, workers=OneByOne()
    )  # fmt: skip
    texts, instead, _ = source.of(0, starts=True)
    units = units_of(corpus, "person", most=RECORDS)
    feed = feed_for(shop, corpus)
    if isinstance(feed, PerturbedFeed):  # the same coins for those who stay
        feed = PerturbedFeed(shop, corpus, shop.recipe.augmentation, seed_of=lambda row: hashed(repr(row.ids)) >> 1)
    parameters = tuple(one for one in shop.network.parameters() if one.requires_grad)
    mechanism = Mechanism(shop.recipe.privacy, 1.0, Bookkeeper(shop.network), feed, parameters)
    rows = {
        unit: [row for i in members for row in feed.rows(i, texts.get(i, ()), share=1 / len(members), instead=instead)]
        for unit, members in enumerate(units.members)
    }
    # Loud: every person's gradient is longer than the bound, so that clipping is what holds it.
    loud = {unit: [row._replace(share=row.share * 1e3) for row in mine] for unit, mine in rows.items()}
    return {corpus.examples[i].id: found for i, found in texts.items()}, mechanism.clipped_sum(shop, loud)


@pytest.mark.parametrize("mode", MODES)
def test_a_person_who_leaves_moves_the_sum_by_one_clip_at_most(shop, people, tmp_path, textattack, mode):
    recipe = shop.recipe.model_copy(update={"augmentation": MODES[mode]})
    shop = replace(shop, recipe=recipe)
    bound = recipe.privacy.max_grad_norm
    everyone, total = summed(shop, people, tmp_path / "all")
    assert bool(everyone) == (mode in REWRITTEN), "the mode does something"
    moves = []
    for leaving in range(PEOPLE):
        rest = replace(people, examples=tuple(one for one in people if one.person != f"p{leaving}"))
        others, less = summed(shop, rest, tmp_path / f"without-{leaving}")
        assert others == {name: found for name, found in everyone.items() if not name.startswith(f"e{leaving}-")}
        moves.append(sqrt(sum(float((total[one] - less[one]).double().square().sum()) for one in total)))
    assert max(moves) <= bound * (1 + 1e-4)  # float32: others' gradients are rounded otherwise beside fewer rows
    assert min(moves) >= bound * 0.99


def test_a_private_run_against_attacks_on_itself(private_recipe: Recipe, toy: Corpus, tmp_path, textattack):
    how = Adversarial(kind="adversarial", attack="deepwordbug", fraction=0.1, query_budget=20, clean_epochs=1)
    done = train(private_recipe.model_copy(update={"augmentation": how}), toy, tmp_path / "run")
    card = done.card
    assert card.privacy is not None
    assert card.augmentation is not None
    assert (card.privacy.steps, card.privacy.clipping) == (12, "bookkeeping")
    assert 7.9 < card.privacy.epsilon <= 8.0, "attacks on what was released already cost nothing"


def test_attacks_that_would_never_come_are_refused(private_recipe: Recipe, toy: Corpus, tmp_path, textattack):
    how = Adversarial(kind="adversarial", attack="deepwordbug", clean_epochs=50)
    with pytest.raises(Misconfigured, match="leave none of"):
        train(private_recipe.model_copy(update={"augmentation": how}), toy, tmp_path / "run")


def test_perturbed_copies_are_averaged_before_the_clip(shop, people):
    """Against autograd on each copy: a unit's gradient is the mean of its copies', and then it is clipped."""
    how = MODES["freelb"]
    feed = PerturbedFeed(shop, people, how, seed_of=lambda row: 5)
    rows = feed.rows(0, (), share=1.0)
    trained = [one for one in shop.network.parameters() if one.requires_grad]
    run = feed.ready(rows)
    apart = [torch.autograd.grad(loss, trained, retain_graph=True) for loss in run()]
    assert len(apart) == how.copies == 3
    mean = [torch.stack(each).sum(dim=0) for each in zip(*apart, strict=True)]  # each has a third of the weight
    norm = sqrt(sum(float(one.double().square().sum()) for one in mean))
    assert sqrt(sum(float(one.double().square().sum()) for one in apart[0])) > norm / 3 * 1.0001, "copies differ"
    sums = {}
    Bookkeeper(shop.network).add(run, rows=3, bound=norm / 2, sums=sums)
    for parameter, expected in zip(trained, mean, strict=True):
        torch.testing.assert_close(sums[parameter], expected / 2 / (1 + MARGIN), rtol=1e-3, atol=1e-6)


def test_perturbations_raise_the_loss_and_are_each_texts_own(shop, people):
    how = MODES["pgd"]
    feed = PerturbedFeed(shop, people, how, seed_of=lambda row: 5)
    rows = [row for i in range(4) for row in feed.rows(i, (), share=1.0)]
    plain, perturbed = feed.ready(rows)().reshape(4, 2).T
    assert (perturbed > plain).all()
    alone = [feed.ready([row])()[1].item() for row in rows]
    assert alone == pytest.approx(perturbed.tolist(), rel=1e-3), "no text has a say in another's perturbation"


@pytest.mark.parametrize("mode", ["masked", "pgd"])
def test_a_private_run_on_masked_or_perturbed_texts(private_recipe: Recipe, toy: Corpus, tmp_path, mode):
    done = train(private_recipe.model_copy(update={"augmentation": MODES[mode]}), toy, tmp_path / "run")
    card = done.card
    assert card.privacy is not None
    assert card.privacy.steps == 12
    assert len(card.privacy.checks) == 8
    assert done.card.augmentation.rewritings == (card.privacy.units if mode == "masked" else 0)
