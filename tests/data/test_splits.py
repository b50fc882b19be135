from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.corpus import Corpus, Example
from workbench.data.labels import align
from workbench.data.overlap import fingerprints, overlap
from workbench.data.splits import PARTS, _components, assign, split
from workbench.errors import EmptyData, Misconfigured, NotFound
from workbench.text.words import normalise

Build = Callable[..., Corpus]

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "A ", "b", "ﬁne", "FINE", "c d", "c  D", "e", "f"]) | st.text(min_size=1, max_size=4),
        st.sampled_from(["no", "yes"]),
        st.sampled_from([f"p{i}" for i in range(8)]),
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_nobody_and_no_text_is_on_two_sides(build: Build, rows: list[tuple[str, ...]]) -> None:
    corpus = build(rows)
    parts = assign(corpus)
    sides: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example, part in zip(corpus, parts, strict=True):
        sides["person", example.person].add(part)
        sides["text", normalise(example.input)].add(part)
    assert all(len(where) == 1 for where in sides.values())
    assert set(parts) <= {"train", "validation", "test"}


@given(ROWS)
def test_components_are_those_of_a_plain_search(build: Build, rows: list[tuple[str, ...]]) -> None:
    corpus = build(rows)
    shared = [{("person", e.person), ("text", normalise(e.input))} for e in corpus]
    found = _components([normalise(e.input) for e in corpus], [e.person for e in corpus])
    for start in range(len(corpus)):
        reached, before = set(shared[start]), -1
        while len(reached) != before:
            before = len(reached)
            for marks in shared:
                if marks & reached:
                    reached |= marks
        assert {i for i, marks in enumerate(shared) if marks & reached} == {
            i for i in range(len(corpus)) if found[i] == found[start]
        }


@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_ids_and_label_names_do_not_matter(
    build: Build, rows: list[tuple[str, ...]], shuffler: random.Random
) -> None:
    corpus = build(rows, labels=("no", "yes"))
    expected = dict(zip((e.id for e in corpus), assign(corpus), strict=True))
    order = list(corpus)
    shuffler.shuffle(order)
    shuffled = replace(corpus, examples=tuple(order))
    assert {e.id: part for e, part in zip(shuffled, assign(shuffled), strict=True)} == expected
    other_ids = replace(corpus, examples=tuple(replace(e, id=f"id{e.id}") for e in corpus))
    assert assign(other_ids) == assign(corpus)
    renamed = align(corpus, ("good", "bad"), {"no": "bad", "yes": "good"})
    assert assign(renamed) == assign(corpus)


def _lone(n: int, *, seed: int = 0) -> list[tuple[str, ...]]:
    """n rows of different texts, about four in five 'yes', each row its own person."""
    chance = random.Random(seed)
    return [(f"text {seed} {i}", "yes" if chance.random() < 0.8 else "no") for i in range(n)]


def test_quotas_within_each_label(build: Build) -> None:
    corpus = build(_lone(4_000))
    counts = Counter(zip((e.label for e in corpus), assign(corpus), strict=True))
    for label, total in corpus.card.labels.items():
        assert abs(counts[label, "train"] - 0.75 * total) <= 1
        assert abs(counts[label, "validation"] - 0.125 * total) <= 1
        assert abs(counts[label, "test"] - 0.125 * total) <= 1


def test_more_rows_move_few_others(build: Build) -> None:
    before = build(_lone(2_000))
    more = build(_lone(2_000) + _lone(40, seed=1))
    was = dict(zip(before.inputs, assign(before), strict=True))
    now = dict(zip(more.inputs, assign(more), strict=True))
    moved = sum(now[text] != part for text, part in was.items())
    assert 0 < moved <= 40


def test_a_component_with_as_many_of_each_label_is_a_stratum_of_its_own(build: Build) -> None:
    pairs = [(f"t{i}", label, f"p{i}") for i in range(80) for label in ("no", "yes")]
    parts = Counter(assign(build(pairs)))
    assert parts == {"train": 120, "validation": 20, "test": 20}


def test_parts_are_disjoint_and_complete(reviews: Corpus) -> None:
    parts = {part: split(reviews, part) for part in PARTS}
    assert parts["all"] is reviews
    ids = [e.id for part in ("train", "validation", "test") for e in parts[part]]
    assert sorted(ids) == sorted(e.id for e in reviews)
    assert {part: len(corpus) for part, corpus in parts.items()} == {
        "train": 16_981,
        "validation": 2_829,
        "test": 2_831,
        "all": 22_641,
    }
    assert {part: corpus.split for part, corpus in parts.items()} == {part: part for part in PARTS}
    for corpus in parts.values():
        assert corpus.card.labels["recommended"] / len(corpus) == pytest.approx(18_540 / 22_641, abs=5e-4)
    assert overlap(parts["test"], fingerprints(parts["train"])) == 0
    assert overlap(parts["validation"], fingerprints(parts["train"])) == 0


def test_the_split_of_the_default_corpus_does_not_change(reviews: Corpus) -> None:
    # A model trained with an earlier version must not meet its training rows in the test part of a later one.
    assert split(reviews, "test").digest == "cecad4ccae0b29d139982857379b0eb6b99367a512af160dcb562d5231677098"


def test_asking_for_what_is_not_there(build: Build) -> None:
    corpus = build(_lone(50))
    with pytest.raises(NotFound, match="did you mean 'test'"):
        split(corpus, "tset")
    test = split(corpus, "test")
    assert split(test, "test") is test
    with pytest.raises(Misconfigured, match="is its test part already"):
        split(test, "train")
    with pytest.raises(EmptyData, match="too few"):
        split(build([("a", "x"), ("b", "x")]), "test")


@settings(max_examples=20)
@given(st.integers(1, 60))
def test_one_huge_component_goes_somewhere_whole(build: Build, n: int) -> None:
    corpus = build([(f"t{i}", "x", "one person") for i in range(n)])
    assert set(assign(corpus)) == {"train"}


def test_examples_keep_everything_else() -> None:
    examples = tuple(Example(str(i), str(i), f"t{i}", "x", {"g": "a"}) for i in range(30))
    corpus = Corpus(examples, ("x",), "toy", "somewhere", licence="CC0-1.0", positive_label="x")
    part = split(corpus, "train")
    assert all(example in examples for example in part)
    assert (part.source, part.licence, part.positive_label) == ("somewhere", "CC0-1.0", "x")
