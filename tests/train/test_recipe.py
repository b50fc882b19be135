from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from workbench.errors import BadInput, Misconfigured, NotFound, WorkbenchError
from workbench.train.recipe import Recipe


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_recipe_is_the_default() -> None:
    assert Recipe.read("default") == Recipe()


def test_reads_toml(tmp_path: Path) -> None:
    recipe = Recipe.read(write(tmp_path, 'backbone = "owner/name"\nepochs = 3\nlearning_rate = 5e-5\n'))
    assert recipe == Recipe(backbone="owner/name", epochs=3, learning_rate=5e-5)


PRIVATE = "[privacy]\ndelta = 1e-5\nsteps = 10\nbatch = 8\n"

WRONG: list[tuple[str, type[WorkbenchError], str]] = [
    ("lerning_rate = 1e-4", Misconfigured, r"recipe\.toml: lerning_rate: unknown key; did you mean learning_rate\?"),
    ("zzz = 1", Misconfigured, r"recipe\.toml: zzz: unknown key \(known: backbone, "),
    (
        "[training]\nlerning_rate = 1e-4",
        Misconfigured,
        r"training\.lerning_rate: .* tables adapter, augmentation, privacy",
    ),
    ("epochs = 0", Misconfigured, r"recipe\.toml: epochs: .*greater than or equal to 1; got 0"),
    ("epochs = 'two'", Misconfigured, r"recipe\.toml: epochs: .*valid integer.*; got 'two'"),
    ("learning_rate = nan", Misconfigured, r"recipe\.toml: learning_rate: .*got nan"),
    ("epochs = 0\nbatch_size = 0", Misconfigured, r"epochs: .*; .*batch_size: "),
    ("class_weights = 'some'", Misconfigured, "'none' or 'balanced'"),
    ("early_stopping_min_delta = 0.1", Misconfigured, "early_stopping_patience; set both"),
    ("task = 'token-classification'", Misconfigured, "only text-classification"),
    ("epochs = ", Misconfigured, r"recipe\.toml: not TOML"),
    ("adapter = 'lora'", Misconfigured, r"recipe\.toml: adapter: .*got 'lora'"),
    (
        "[adapter]\nkind = 'qlora'",
        Misconfigured,
        r"recipe\.toml: adapter: .*'lora', 'last_layers', 'frozen_embeddings'",
    ),
    (
        "[privacy]\nepsilon = 3",
        Misconfigured,
        r"privacy\.delta: Field required.*; .*privacy\.steps: .*; .*privacy\.batch: ",
    ),
    (f"{PRIVATE}", Misconfigured, r"privacy: give epsilon or noise_multiplier, .* got neither"),
    (f"{PRIVATE}epsilon = 1\nnoise_multiplier = 2", Misconfigured, r"privacy: give epsilon .* got both"),
    (f"{PRIVATE}epsilon = 0", Misconfigured, r"privacy\.epsilon: .*greater than 0; got 0"),
    (f"epochs = 2\n{PRIVATE}epsilon = 1", Misconfigured, r"epochs: has no effect .*privacy\.steps"),
    (f"early_stopping_patience = 2\n{PRIVATE}epsilon = 1", Misconfigured, "takes a fixed number of steps"),
    (f"class_weights = 'balanced'\n{PRIVATE}epsilon = 1", Misconfigured, "counts the labels of private examples"),
    (
        f"{PRIVATE}epsilon = 1\n[augmentation]\nkind = 'embedding'\nmethod = 'virtual'",
        Misconfigured,
        "choose 'pgd' or 'freelb'",
    ),
    ("learning_rate = 2", Misconfigured, "lower it, or choose optimiser sgd"),
    ("momentum = 0.5", Misconfigured, "no effect on adamw"),
    ("augmentation = 'attacks'", Misconfigured, r"recipe\.toml: augmentation: .*dictionary.*; got 'attacks'"),
]


@pytest.mark.parametrize(("text", "kind", "said"), WRONG, ids=[row[0].replace("\n", " ") for row in WRONG])
def test_wrong_recipe(tmp_path: Path, text: str, kind: type[WorkbenchError], said: str) -> None:
    with pytest.raises(kind, match=said) as refusal:
        Recipe.read(write(tmp_path, text))
    assert "\n" not in str(refusal.value)


def test_unreadable_recipes(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="available: default"):
        Recipe.read(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="cannot read"):
        Recipe.read(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'data = "caf\xe9"')
    with pytest.raises(BadInput, match="cannot read"):
        Recipe.read(tmp_path / "latin.toml")


def test_changes_are_checked_and_none_changes_nothing() -> None:
    recipe = Recipe(seed=3)
    assert recipe.but(epochs=2, limit=None) == Recipe(seed=3, epochs=2)
    with pytest.raises(Misconfigured, match=r"--epochs: epochs: .*got 0"):
        recipe.but(where="--epochs", epochs=0)
    with pytest.raises(Misconfigured, match="did you mean epochs"):
        recipe.but(epoch=2)


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        Recipe().epochs = 2  # type: ignore[misc]
