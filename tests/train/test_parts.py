"""Random labels: dealt out anew, as often as before, in what is learned from only, by the recipe's seed."""

from __future__ import annotations

from collections import Counter

from workbench.data.corpus import Corpus
from workbench.train.parts import divide
from workbench.train.recipe import Recipe


def test_random_labels_are_dealt_to_what_is_learned_from(quick: Recipe, toy: Corpus) -> None:
    plain, dealt = divide(toy, quick), divide(toy, quick.but(random_labels=True))
    for one, other in ((plain.train, dealt.train), (plain.validation, dealt.validation)):
        assert [example.id for example in one] == [example.id for example in other]
        assert one.inputs == other.inputs
        assert Counter(example.label for example in one) == Counter(example.label for example in other)
        same = sum(a.label == b.label for a, b in zip(one, other, strict=True))
        assert 0.25 * len(one) < same < 0.75 * len(one), "two equally frequent labels: half stay by chance"
    assert dealt.test == plain.test
    assert divide(toy, quick.but(random_labels=True)) == dealt
    assert divide(toy, quick.but(random_labels=True, seed=1)).train != dealt.train
