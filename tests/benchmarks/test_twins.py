"""The example: three models that differ in their way of training alone, and nothing whole is handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.bench import twins
from workbench.data.sources import load_corpus
from workbench.demo import EXAMPLES
from workbench.train.parts import divide
from workbench.train.recipe import Recipe

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """Run without running: the commands, where an audit leaves a record."""
    monkeypatch.chdir(tmp_path)
    done: list[tuple[str, ...]] = []

    def command(*arguments, may_end):
        done.append(arguments)
        if arguments[0] == "audit":
            place = Path(arguments[arguments.index("--out") + 1])
            place.mkdir(parents=True, exist_ok=True)
            (place / "audit.json").touch()

    monkeypatch.setattr(twins, "command", command)

    def run(only=None):
        done.clear()
        twins.main(out=Path("reports"), runs=Path("runs"), only=only)
        return list(done)

    return run


def test_every_model_is_trained_audited_compared_and_redacted(steps):
    done = steps()
    names = ["demo", "private", "hardened"]
    assert [one[0] for one in done] == ["train", "audit"] * 3 + ["compare"] + ["report"] * 3 + ["index"]
    assert [one[1] for one in done if one[0] == "audit"] == [f"runs/{name}" for name in names]
    (compared,) = (one for one in done if one[0] == "compare")
    assert compared[1:4] == tuple(f"runs/audits/{name}" for name in names)
    told = [one for one in done if one[0] == "report"]
    assert all("--redact" in one for one in told)
    assert [Path(one[-1]).parent.name for one in told] == names


def test_whatever_a_comparison_finds_the_rest_is_made():
    assert set(twins.COMPARED) == {0, 1, 3}, "all but bad input and a crash"


def test_one_model_can_be_made_anew_and_the_others_stay(steps):
    steps(["demo"])
    done = steps(["private"])
    assert [one[:2] for one in done[:3]] == [
        ("train", "--recipe"),
        ("audit", "runs/private"),
        ("compare", "runs/audits/demo"),
    ]
    assert [one[1] for one in done if one[0] == "report"] == ["runs/audits/demo", "runs/audits/private"]


@pytest.mark.parametrize("name", twins.TWINS)
def test_a_twin_differs_from_the_demo_in_its_way_of_training_alone(name):
    recipe, plain = Recipe.read(EXAMPLE / f"{name}.toml"), Recipe.read("default")
    assert (recipe.data, recipe.seed) == ("reviews", plain.seed)
    assert (recipe.backbone, recipe.max_length, recipe.epochs) == (plain.backbone, plain.max_length, plain.epochs)
    assert (recipe.privacy is None, recipe.augmentation is None) == (name != "private", name != "hardened")


def test_the_twins_learn_from_the_examples_of_the_demo_as_far_as_privacy_lets_them():
    corpus = load_corpus("reviews")
    demo, private, hardened = (
        {one.id for one in divide(corpus, recipe).train}
        for recipe in (
            Recipe.read("default").model_copy(update={"data": "reviews", "limit": EXAMPLES}),
            Recipe.read(EXAMPLE / "private.toml"),
            Recipe.read(EXAMPLE / "hardened.toml"),
        )
    )
    assert hardened == demo
    assert private < demo
    assert len(private) > 0.9 * EXAMPLES


@pytest.mark.parametrize("file", sorted(EXAMPLE.rglob("*")) or [EXAMPLE], ids=lambda path: path.name)
def test_what_is_committed_is_small_and_holds_no_predictions(file):
    assert file.is_dir() or file.stat().st_size < 1_000_000
    assert file.name not in {"predictions.parquet", "comparison.json"}
