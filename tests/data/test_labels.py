from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from workbench.data.corpus import Corpus
from workbench.data.labels import align, parse_label_map
from workbench.errors import LabelMismatch, Misconfigured, NotFound

Build = Callable[..., Corpus]


def aligned(corpus: Corpus, labels: tuple[str, ...], label_map: dict[str, str] | None = None) -> list[str]:
    result = align(corpus, labels, label_map or {})
    assert result.labels == labels
    assert result.inputs == corpus.inputs
    assert [e.id for e in result] == [e.id for e in corpus]
    return [e.label for e in result]


def toy(build: Build, *labels: str) -> Corpus:
    return build([(f"t{i}", label) for i, label in enumerate(labels)])


def test_names_in_another_order(build: Build) -> None:
    assert aligned(toy(build, "yes", "no"), ("yes", "maybe", "no")) == ["yes", "no"]
    assert list(align(toy(build, "yes", "no"), ("yes", "maybe", "no"), {}).label_ids) == [0, 2]


def test_whole_numbers_are_label_ids(build: Build) -> None:
    assert aligned(toy(build, "0", "1", "0"), ("bad", "good")) == ["bad", "good", "bad"]
    assert aligned(toy(build, "0", "1"), ("0", "1")) == ["0", "1"]


def test_numbers_that_are_names(build: Build) -> None:
    stars = ("1", "2", "3", "4", "5")
    assert aligned(toy(build, "1", "5"), stars) == ["1", "5"], "5 is no id, so these are names"
    with pytest.raises(LabelMismatch, match=r"is ambiguous.*--label-map 1=1 --label-map 2=2"):
        align(toy(build, "1", "2"), stars, {})
    assert aligned(toy(build, "1", "2"), stars, {"1": "1", "2": "2"}) == ["1", "2"]
    with pytest.raises(LabelMismatch):
        align(toy(build, "0", "1"), ("1", "other"), {})
    with pytest.raises(LabelMismatch):
        align(toy(build, "0", "1"), ("0", "2"), {})


def test_names_that_count_otherwise_than_ids(build: Build) -> None:
    stars = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
    corpus = toy(build, "1", "2", "3", "4")
    with pytest.raises(LabelMismatch, match=r"ambiguous.*'1 star' has the id 0.*as ids: .*as the numbers in") as caught:
        align(corpus, stars, {})
    ids, numbers = str(caught.value).split("as ids: ")[1].split("; as the numbers in the names: ")
    assert aligned(corpus, stars, parse_label_map(shlex.split(ids)[1::2])) == list(stars[1:])
    assert aligned(corpus, stars, parse_label_map(shlex.split(numbers)[1::2])) == list(stars[:4])
    with pytest.raises(LabelMismatch, match=r"--label-map '5=5 stars'$"):
        align(toy(build, "2", "5"), stars, {})
    assert aligned(toy(build, "0", "1"), ("LABEL_0", "LABEL_1")) == ["LABEL_0", "LABEL_1"]


NEITHER = [("2", "0"), ("-1", "1"), ("00", "1"), ("0", "good"), ("0.5", "1"), ("9" * 5_000, "1")]


@pytest.mark.parametrize("labels", NEITHER, ids=lambda labels: labels[0][:4])
def test_what_is_neither_all_names_nor_all_ids(build: Build, labels: tuple[str, ...]) -> None:
    with pytest.raises(LabelMismatch):
        align(toy(build, *labels), ("bad", "good"), {})


def test_the_map_goes_first_and_may_merge(build: Build) -> None:
    corpus = toy(build, "1", "2", "3")
    assert aligned(corpus, ("bad", "good"), {"1": "bad", "2": "bad", "3": "good"}) == ["bad", "bad", "good"]
    assert aligned(toy(build, "x", "0", "1"), ("bad", "good"), {"x": "good"}) == ["good", "bad", "good"]
    assert aligned(toy(build, "bad", "good"), ("bad", "good"), {"bad": "good", "good": "bad"}) == ["good", "bad"]


def test_the_positive_label_follows(build: Build) -> None:
    corpus = build([("a", "no"), ("b", "yes")], positive_label="yes")
    assert align(corpus, ("LABEL_0", "LABEL_1"), {"no": "LABEL_0", "yes": "LABEL_1"}).positive_label == "LABEL_1"
    assert align(corpus, ("no", "yes"), {}).positive_label == "yes"


def test_a_mismatch_lists_both_sides_and_its_advice_works(build: Build) -> None:
    corpus = toy(build, "Very Negative", "POSITIVE", "it's fine = ok")
    model = ("positive", "neutral", "very negative")
    with pytest.raises(LabelMismatch) as caught:
        align(corpus, model, {})
    message = str(caught.value)
    assert all(repr(label) in message for label in (*corpus.labels, *model))
    words = shlex.split(message[message.index("--label-map ") :])
    assert words[0::2] == ["--label-map"] * 3
    mapping = parse_label_map(words[1::2])
    assert mapping == {"Very Negative": "very negative", "POSITIVE": "positive", "it's fine = ok": "neutral"}
    assert aligned(corpus, model, mapping) == ["very negative", "positive", "neutral"]


def test_unknown_names_in_the_map(build: Build) -> None:
    corpus = toy(build, "yes", "no")
    with pytest.raises(NotFound, match=r"unknown data label 'yess'.*did you mean 'yes'.*no, yes"):
        align(corpus, ("a", "b"), {"yess": "a"})
    with pytest.raises(NotFound, match=r"unknown model label 'positiv'.*did you mean 'positive'"):
        align(corpus, ("negative", "positive"), {"yes": "positiv", "no": "negative"})


def test_parsing() -> None:
    assert parse_label_map(["0=bad", "not so good=a=b"]) == {"0": "bad", "not so good": "a=b"}
    assert parse_label_map(["yes =positive"]) == {"yes ": "positive"}, "a name may begin or end with a space"
    assert parse_label_map([r"a\=b=c=d", r"x\y=z"]) == {"a=b": "c=d", r"x\y": "z"}
    assert parse_label_map([]) == {}
    assert parse_label_map(["a=b", "a=b"]) == {"a": "b"}
    for wrong in ("nonsense", "=b", "a=", ""):
        with pytest.raises(Misconfigured, match="DATA=MODEL"):
            parse_label_map([wrong])
    with pytest.raises(Misconfigured, match="two meanings"):
        parse_label_map(["a=b", "a=c"])
