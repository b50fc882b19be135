"""Texts in pairs that differ in the terms of two groups only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from workbench.audit.fairness.lexicon import NAME, Axis
from workbench.data.corpus import Corpus, Example, hashed
from workbench.seeds import Streams
from workbench.text.terms import Change, Choose, Swapped, Vocabulary


class Pair(NamedTuple):
    """A text and its counterpart."""

    first: int
    second: int
    """The two groups of the axis, first < second."""
    example: str
    person: int
    before: str
    after: str
    direction: int
    """1 where `before` mentions the first group, -1 where it mentions the second, 0 where it mentions both."""
    changes: tuple[Change, ...]
    added: bool
    """The terms stand in a sentence put before the text."""


class Pairs(NamedTuple):
    """Every pair that one axis gives."""

    pairs: tuple[Pair, ...]
    mentioning: int
    """Texts of the whole corpus that mention any group."""
    unclear: dict[str, int]
    """Term -> texts left out, because what it would become cannot be told from its place."""


def pairs_of(axis: Axis, corpus: Corpus, streams: Streams, *, most: int, minimum: int) -> Pairs:
    """Return the pairs made from `corpus`.

    Of the texts that mention a group, `most` at most, those whose id hashes lowest; each with the terms of every other
    group. Where any two groups have fewer than `minimum` people, also `most` texts of the corpus with a sentence of the
    axis before them, in the terms of each group.
    """
    vocabulary = axis.vocabulary()
    mentioning = [example for example in corpus if vocabulary.mentions(example.input)]
    chosen = sorted(mentioning, key=lambda one: (hashed(one.id), one.id))[:most]
    unclear: dict[str, int] = {}
    found: list[Pair] = []
    for example in sorted(chosen, key=lambda one: one.id):
        found += _from_text(axis, vocabulary, example, corpus, streams, unclear)
    people: dict[tuple[int, int], set[int]] = {two: set() for two in combinations(range(len(axis.groups)), 2)}
    for pair in found:
        people[pair.first, pair.second].add(pair.person)
    if axis.sentences and min(map(len, people.values())) < minimum:
        for example in corpus.sample(most).canonical():
            found += _from_sentence(axis, vocabulary, example, corpus, streams)
    return Pairs(tuple(found), len(mentioning), unclear)


def _from_text(
    axis: Axis, vocabulary: Vocabulary, example: Example, corpus: Corpus, streams: Streams, unclear: dict[str, int]
) -> Iterator[Pair]:
    text = example.input
    held = {one.group for one in vocabulary.mentions(text)}
    lost: set[str] = set()
    for first, second in combinations(range(len(axis.groups)), 2):
        if not held & {first, second}:
            continue
        choose = _chooser(streams, axis, example.id, first, second)
        made = vocabulary.swapped(text, first, second, choose)
        if not isinstance(made, Swapped):
            lost.add(made.term.lower())
            continue
        direction = (first in held) - (second in held)
        yield Pair(
            first, second, example.id, corpus.owners[example.id], text, made.text, direction, made.changes, False
        )
    for term in lost:
        unclear[term] = unclear.get(term, 0) + 1


def _from_sentence(
    axis: Axis, vocabulary: Vocabulary, example: Example, corpus: Corpus, streams: Streams
) -> Iterator[Pair]:
    choose = _chooser(streams, axis, example.id)
    sentence = choose(axis.sentences, "")
    if axis.names:
        lists = choose(tuple(str(i) for i in range(len(axis.names))), "")
        sentence = sentence.replace(NAME, choose(axis.names[int(lists)][0], NAME))
    said: list[Swapped | None] = [Swapped(sentence, ())]
    for group in range(1, len(axis.groups)):
        made = vocabulary.swapped(sentence, 0, group, choose)
        said.append(made if isinstance(made, Swapped) else None)
    for first, second in combinations(range(len(axis.groups)), 2):
        one, other = said[first], said[second]
        if one is None or other is None:
            continue
        terms = _terms(vocabulary, one.text), _terms(vocabulary, other.text)
        changes = tuple(Change(went, came, first) for went, came in zip(*terms, strict=True))
        yield Pair(
            first,
            second,
            example.id,
            corpus.owners[example.id],
            f"{one.text} {example.input}",
            f"{other.text} {example.input}",
            1,
            changes,
            True,
        )


def _terms(vocabulary: Vocabulary, sentence: str) -> Sequence[str]:
    return [sentence[one.start : one.stop] for one in vocabulary.mentions(sentence)]


def _chooser(streams: Streams, axis: Axis, example: str, *groups: int) -> Choose:
    rng = streams.stream("swap", axis.id, example, *(axis.groups[group] for group in groups))
    return lambda terms, _: terms[int(rng.integers(len(terms)))]
