from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.data.columns import Columns
from workbench.data.corpus import Corpus
from workbench.data.overlap import fingerprints, overlap, read_fingerprints, write_fingerprints
from workbench.data.sources import load_corpus
from workbench.errors import BadInput, Unwritable
from workbench.models.training_card import FINGERPRINTS
from workbench.models.training_card import read_fingerprints as read_beside_weights

Build = Callable[..., Corpus]


def test_a_shared_text_or_person_is_overlap(build: Build) -> None:
    trained = build([("A  dress", "x", "ann"), ("a shoe", "x", "bob"), ("a hat", "x")])
    marks = fingerprints(trained)
    assert len(marks) == 5, "three texts, two named persons; a row that is its own person has none"
    audited = build([("a DRESS", "x", "cy"), ("new", "x", "bob"), ("new too", "x", "dan"), ("2", "x"), ("bob", "x")])
    assert overlap(audited, marks) == 2
    assert overlap(trained, marks) == 3
    assert overlap(audited, ()) == 0


def test_ids_of_other_corpora_mean_nothing(build: Build) -> None:
    assert overlap(build([("new", "x")]), fingerprints(build([("old", "x")]))) == 0, "both rows have the id '0'"


def test_people_who_are_called_like_the_id_of_a_row(build: Build) -> None:
    trained = build([("old", "x", "0"), ("older", "x", "7")])
    assert len(fingerprints(trained)) == 4, "'0' is both the first row's id and its person"
    assert (
        overlap(build([("new", "x", "0"), ("newer", "x", "0"), ("2", "x", "7"), ("3", "x")]), fingerprints(trained))
        == 3
    )


def test_files_say_who_is_named(write: Callable[[str, str], str]) -> None:
    name = write("a.csv", "id,text,label,person\n1,a text,x,1\n2,b text,y,\n")
    assert [one.named for one in load_corpus(name, columns=Columns(id="id", person="person"))] == [True, False]
    assert [one.named for one in load_corpus(name, columns=Columns(id="id"))] == [False, False]


def test_people_are_those_of_a_corpus(build: Build) -> None:
    trained, other = (
        build([("old", "x", "1")]),
        replace(build([("new", "x", "1"), ("Old", "x", "2")]), name="unrelated"),
    )
    assert overlap(other, fingerprints(trained)) == 1, "the text; person 1 of another file is somebody else"
    assert overlap(replace(other, name=trained.name), fingerprints(trained)) == 2


def test_stored_and_read_back(build: Build, tmp_path: Path) -> None:
    marks = fingerprints(build([("b", "x", "p"), ("a", "x", "p"), ("A", "x", "q")]))
    assert marks == tuple(sorted(set(marks)))
    write_fingerprints(tmp_path / FINGERPRINTS, reversed(marks))  # type: ignore[arg-type]
    assert read_fingerprints(tmp_path / FINGERPRINTS) == frozenset(marks) == read_beside_weights(tmp_path)
    assert (tmp_path / FINGERPRINTS).read_text().split() == list(marks)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(Unwritable):
        write_fingerprints(tmp_path / "no" / "folder.txt", ())
    with pytest.raises(BadInput):
        read_fingerprints(tmp_path / "none.txt")
