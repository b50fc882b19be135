"""Made-up texts among the training examples, to see what the model memorises of a text that it saw.

Each is a unit of the run like any other, a person of its own; its label is dealt at random, and a coin of its own
decides whether the run learns from it. Texts, labels and coins follow from the recipe's seed and the backbone: an
interrupted run plants the same ones again, and a run that starts from another run's result plants its own. What that
one had learned of its texts would otherwise count against the claim of this one's steps.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.data.corpus import Corpus, Example
from workbench.evidence.cards import TextCanaries
from workbench.seeds import Streams
from workbench.text.canaries import canary
from workbench.train.recipe import Recipe


def planted(train: Corpus, recipe: Recipe, *, backbone: str) -> tuple[Corpus, TextCanaries]:
    """Return `train` with those of the recipe's canaries that the coins chose, and all canaries with their coins.

    `backbone`: digest of what the run starts from.
    """
    streams = Streams(recipe.seed)
    made = []
    for number in range(recipe.canaries):
        rng = streams.stream("canary", backbone, str(number))
        name = f"canary {number} of the workbench"
        text, label, coin = canary(rng), train.labels[int(rng.integers(len(train.labels)))], bool(rng.random() < 0.5)
        made.append((Example(name, name, text, label, named=False), coin))
    listed = TextCanaries(
        texts=tuple(one.input for one, _ in made),
        labels=tuple(one.label for one, _ in made),
        included=tuple(coin for _, coin in made),
        guesses=max(1, recipe.canaries // 5),
    )
    examples = (*train.examples, *(one for one, coin in made if coin))
    return replace(train, examples=examples).canonical(), listed
