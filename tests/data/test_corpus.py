"""What a corpus knows of its examples and their people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.data.corpus import MISSING, Corpus, Example
from workbench.errors import BadInput, NotFound

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


def grouped() -> Corpus:
    groups = ({"sex": "f", "region": "north"}, {"sex": "m"}, {"sex": "f", "region": "south"}, {})
    examples = tuple(Example(str(i), str(i), f"text {i}", "yes", held) for i, held in enumerate(groups))
    return Corpus(examples, ("no", "yes"), "toy", "made in the test")


def test_crossed_attributes_are_every_combination_and_leave_the_data_as_they_were() -> None:
    corpus = grouped()
    both = corpus.crossed(("sex", "region"))
    assert both.attributes == ("region", "sex", "sex x region")
    assert both.group_of("sex x region") == ("f & north", f"m & {MISSING}", "f & south", f"{MISSING} & {MISSING}")
    assert both.card.groups["sex x region"]["f & north"] == 1
    assert both.digest == corpus.digest, "the same data: comparable, and counted as looked at again"
    assert both.canonical()[1:].crossings == ("sex x region",)
    assert both.group_of("sex") == corpus.group_of("sex")


@pytest.mark.parametrize(
    ("attributes", "error", "says"),
    [
        (("sex",), BadInput, "two or more different ones; got \\['sex'\\]"),
        (("sex", "sex"), BadInput, "two or more different"),
        (("sex", "regoin"), NotFound, "region"),
        (("sex", ""), NotFound, "region"),
    ],
)
def test_what_cannot_be_crossed_is_refused(attributes: tuple[str, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        grouped().crossed(attributes)


def test_intersections_of_one_name_are_refused_and_not_merged() -> None:
    groups = [{"sex": "a", "region": "b & c"}, {"sex": "a & b", "region": "c"}]
    examples = tuple(Example(str(i), str(i), f"text {i}", "yes", held) for i, held in enumerate(groups))
    with pytest.raises(BadInput, match="two intersections would have one name"):
        Corpus(examples, ("no", "yes"), "toy", "made in the test").crossed(("sex", "region"))


def test_nothing_is_crossed_twice() -> None:
    with pytest.raises(BadInput, match="has an attribute 'sex x region' already"):
        grouped().crossed(("sex", "region")).crossed(("sex", "region"))
