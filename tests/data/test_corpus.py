"""What a corpus knows of its examples and their people."""

from __future__ import annotations

from dataclasses import replace

from workbench.data.corpus import Corpus, Example

ROWS = (("c", "zoe"), ("a", "adam"), ("b", "zoe"), ("d", "mia"))


def made() -> Corpus:
    examples = tuple(Example(id_, person, f"text {id_}", "yes") for id_, person in ROWS)
    return Corpus(examples, ("no", "yes"), "toy", "made in the test")


def test_owners_tell_whose_each_example_is_whatever_the_row_order() -> None:
    corpus = made()
    assert dict(corpus.owners) == {"a": 0, "b": 2, "c": 2, "d": 1}, "numbered in order of person"
    assert [corpus.owners[one.id] for one in corpus] == corpus.people.tolist()
    assert replace(corpus, examples=corpus.examples[::-1]).owners == corpus.owners
    assert corpus.owners is corpus.owners, "made once"


def test_owners_of_a_part_are_numbered_within_it() -> None:
    assert made()[:1].owners == {"c": 0}
    assert made()[:0].owners == {}
