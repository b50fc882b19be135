"""A corpus that a tiny network can learn, and the recipe that makes it do so in a second or two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.data.corpus import Corpus, Example
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
