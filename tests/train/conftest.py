"""A corpus that a tiny network can learn, and the recipe that makes it do so in a second or two."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.data.corpus import Corpus, Example
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.train.recipe import Recipe

FILLERS = ("the", "a", "dress", "is", "was", "fine", "fits", "well", "not", "very", "i", "it", "this", "and", "too")


@pytest.fixture(scope="session")
def toy() -> Corpus:
    """240 texts: 'positive' where the text has the word good, 'negative' where it has the word bad."""
    rng = np.random.default_rng(0)
    examples = []
    for i in range(240):
        words = [*rng.choice(FILLERS, size=rng.integers(3, 10)).tolist(), ("bad", "good")[i % 2]]
        rng.shuffle(words)
        label = ("negative", "positive")[i % 2]
        examples.append(Example(f"e{i}", f"e{i}", f"{' '.join(words)} {chr(97 + i % 26)}{chr(97 + i // 26)}", label))
    return Corpus(tuple(examples), ("negative", "positive"), "toy", "made for the tests")


@pytest.fixture(scope="session")
def quick(tiny_checkpoint: Path) -> Recipe:
    return Recipe(
        backbone=str(tiny_checkpoint),
        data="toy",
        epochs=2,
        batch_size=16,
        learning_rate=3e-3,
        max_length=32,
        evaluate_every=8,
        precision="float32",
    )


Script = Callable[[Recipe, Corpus, str], Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """`script(recipe, corpus, body)`: the place of a file that runs `body` with `train`, `recipe` and `corpus`."""

    def write(recipe: Recipe, corpus: Corpus, body: str) -> Path:
        rows = [[e.id, e.person, e.input, e.label] for e in corpus]
        file = tmp_path / "run.py"
        file.write_text(
            "from pathlib import Path\n"
            "from workbench.data.corpus import Corpus, Example\n"
            "from workbench.train.loop import train\n"
            "from workbench.train.recipe import Recipe\n"
            f"examples = tuple(Example(*row) for row in {rows!r})\n"
            f"corpus = Corpus(examples, {corpus.labels!r}, {corpus.name!r}, {corpus.source!r})\n"
            f"recipe = Recipe.model_validate_json({recipe.model_dump_json()!r})\n"
            f"{body}"
        )
        return file

    return write


@pytest.fixture
def train_in_two_processes(script: Script) -> Callable[[Recipe, Corpus, Path], HuggingFaceTextClassifier]:
    """`train_in_two_processes(recipe, corpus, out)`: what torchrun makes of it on this machine."""

    def run(recipe: Recipe, corpus: Corpus, out: Path) -> HuggingFaceTextClassifier:
        body = f"assert train(recipe, corpus, Path({str(out)!r})).card.processes == 2\n"
        file = script(recipe, corpus, body)
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(file)]
        place = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(launch, capture_output=True, text=True, timeout=200, env=place)
        assert done.returncode == 0, done.stderr[-2_000:]
        return load_checkpoint(out)

    return run
