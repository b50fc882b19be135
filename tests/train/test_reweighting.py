"""How much each group counts in the loss: counted in the training split, or given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from sklearn.utils.class_weight import compute_class_weight

from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, NotFound
from workbench.train.backbone import prepare
from workbench.train.loop import _workshop, train
from workbench.train.passes import Passes
from workbench.train.recipe import Recipe
from workbench.train.reweighting import Reweighting, example_weights, group_weights, require_known
from workbench.train.rows import Rows
from workbench.train.step import optimise
from workbench.train.variants import Variants


def corpus() -> Corpus:
    """Group b is smaller and seldom 'yes'; two people did not say."""
    cells = {("a", "yes"): 30, ("a", "no"): 20, ("b", "yes"): 4, ("b", "no"): 16, (None, "yes"): 2}
    rows = [(group, label) for (group, label), n in cells.items() for _ in range(n)]
    examples = tuple(
        Example(f"e{i}", f"e{i}", f"text {i}", label, {} if group is None else {"sex": group})
        for i, (group, label) in enumerate(rows)
    )
    return Corpus(examples, ("no", "yes"), "made", "made", split="train")


def totals(weights: tuple[float, ...], data: Corpus) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for weight, group, example in zip(weights, data.group_of("sex"), data, strict=True):
        found[group, example.label] = found.get((group, example.label), 0) + weight
    return found


def test_under_reweighting_label_and_group_are_independent() -> None:
    """Kamiran and Calders 2012, equation 1: every cell weighs what it would hold, were the two independent."""
    data = corpus().where(lambda example: "sex" in example.groups)
    found = totals(example_weights(Reweighting(attribute="sex"), data), data)
    n, yes, a = 70, 34, 50
    assert found == pytest.approx({
        ("a", "yes"): a * yes / n, ("a", "no"): a * (n - yes) / n,
        ("b", "yes"): (n - a) * yes / n, ("b", "no"): (n - a) * (n - yes) / n,
    })  # fmt: skip
    assert sum(found.values()) == pytest.approx(n)


def test_a_group_balanced_loss_gives_each_group_the_same_weight() -> None:
    data = corpus()
    found = group_weights(Reweighting(attribute="sex", weights="groups"), data)
    names = np.array(data.group_of("sex"))
    theirs = compute_class_weight("balanced", classes=np.unique(names), y=names)
    for group, weight in zip(np.unique(names), theirs, strict=True):
        assert list(found[group].values()) == pytest.approx([weight] * len(found[group]))
    cells = totals(example_weights(Reweighting(attribute="sex", weights="cells"), data), data)
    assert list(cells.values()) == pytest.approx([72 / 5] * 5)


def test_given_weights_weigh_what_they_name_and_a_misspelt_name_is_refused() -> None:
    data = corpus()
    given = Reweighting(attribute="sex", weights={"b": {"yes": 3.0}})
    assert totals(example_weights(given, data), data)["b", "yes"] == 12
    assert sum(example_weights(given, data)) == 72 + 8
    require_known(given, data)
    with pytest.raises(Misconfigured, match=r"names B; the groups of 'sex' in training are \(missing\), a, b"):
        require_known(Reweighting(attribute="sex", weights={"B": {"yes": 3.0}}), data)
    with pytest.raises(NotFound, match="unknown label 'Yes'"):
        example_weights(Reweighting(attribute="sex", weights={"b": {"Yes": 3.0}}), data)
    with pytest.raises(NotFound, match="unknown group column 'Sex'"):
        example_weights(Reweighting(attribute="Sex"), data)


def test_an_example_and_its_rewritings_share_its_weight() -> None:
    class Encoder:
        def ids(self, texts: tuple[str, ...]) -> list[tuple[int, ...]]:
            return [(1,)] * len(texts)

    data = corpus()
    weights = example_weights(Reweighting(attribute="sex"), data)
    rows = Rows(Encoder(), data, [(1,)] * len(data), Variants({0: ("x", "y")}), weights=weights)  # type: ignore[arg-type]
    batch = rows.batch([0, 71])
    assert list(batch.shares) == pytest.approx([1 / 3] * 3 + [1])
    assert list(batch.weights) == [weights[0]] * 3 + [weights[71]]


@pytest.mark.parametrize(
    ("weighed", "of_no"),
    [
        ({"class_weights": "balanced"}, 1 / 2),
        ({"class_weights": {"no": 2.0, "yes": 1.0}}, 72 / 102),
        ({"reweighting": {"attribute": "sex", "weights": "groups"}}, (20 / 50 + 1) / 2),
        ({"class_weights": {"no": 1.0, "yes": 9.0}, "reweighting": {"attribute": "sex"}}, None),
        ({}, 36 / 66),
    ],
    ids=["balanced", "given", "groups", "both", "none"],
)
def test_weights_hold_in_batches_of_any_size(
    quick: Recipe, monkeypatch: pytest.MonkeyPatch, weighed: dict[str, Any], of_no: float | None
) -> None:
    """A batch divided by its own weights would take back what they say, all of it where it holds one example."""
    seen: dict[int, float] = {}

    def count(self: Passes, inputs: Any, targets: torch.Tensor, weights: torch.Tensor, **more: Any) -> torch.Tensor:
        for label, weight in zip(targets.tolist(), weights.tolist(), strict=True):
            seen[label] = seen.get(label, 0) + weight
        return weights.sum()

    monkeypatch.setattr(Passes, "backward", count)
    data = corpus().where(lambda example: example.groups.get("sex") == "a" or example.label == "no")
    recipe = quick.but(gradient_clipping=None, **weighed)
    parts: Any = SimpleNamespace(train=data)
    shop = _workshop(recipe, parts, prepare(recipe, data.labels), Accelerator(cpu=True))
    rows = Rows(shop.encoder, data, [(1,)] * 66, Variants({}), weights=example_weights(recipe.reweighting, data))
    found = {}
    for size in (1, 6, 66):
        seen.clear()
        for start in range(0, 66, size):
            optimise(shop, torch.optim.SGD(shop.network.parameters()), [rows.batch(range(start, start + size))], step=0)
        found[size] = [weight * size for _, weight in sorted(seen.items())]
    assert found[6] == pytest.approx(found[66], rel=1e-5)
    assert found[1] == pytest.approx(found[66], rel=1e-5)
    assert sum(found[1]) == pytest.approx(66, rel=1e-5), "weights do not change how far a step goes"
    if of_no is not None:
        assert found[1][0] / 66 == pytest.approx(of_no, rel=1e-5)


def test_a_private_run_may_not_count_its_groups() -> None:
    private = {"delta": 1e-5, "epsilon": 3.0, "steps": 10, "batch": 10}
    for counted in ("independent", "groups", "cells"):
        table = {"attribute": "sex", "weights": counted}
        with pytest.raises(Misconfigured, match="counts the groups of private examples"):
            Recipe.checked({"privacy": private, "reweighting": table}, where="mine.toml")
    given = {"attribute": "sex", "weights": {"b": {"yes": 3.0}}}
    assert Recipe.checked({"privacy": private, "reweighting": given}, where="mine.toml").reweighting is not None


@pytest.mark.slow
def test_training_takes_the_weights_and_its_card_tells_them(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    rows = tuple(
        Example(one.id, one.person, one.input, one.label, {"sex": "a" if i % 3 else "b"}) for i, one in enumerate(toy)
    )
    data = Corpus(rows, toy.labels, "toy", "made for the tests")
    heavy = {"b": {"positive": 40.0}}
    recipe = quick.but(epochs=1, reweighting={"attribute": "sex", "weights": heavy})
    found = train(recipe, data, tmp_path / "heavy")
    assert found.card.group_weights == heavy
    plain = train(quick.but(epochs=1), data, tmp_path / "plain")
    assert plain.card.group_weights is None
    texts = [one.input for one in data if one.groups["sex"] == "b"]
    raised = found.classifier.predict_proba(texts)[:, 1].mean() - plain.classifier.predict_proba(texts)[:, 1].mean()
    assert raised > 0.05
