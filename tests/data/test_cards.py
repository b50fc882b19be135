"""The figures in the cards under datasets/ are those of the data."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from workbench.data.corpus import Corpus
from workbench.data.manifest import carrier_file, manifests
from workbench.data.readers import read_table
from workbench.data.sources import load_corpus
from workbench.data.splits import assign

NAMES = ("reviews", "rotten-tomatoes", pytest.param("imdb", marks=pytest.mark.slow))
Rows = dict[str, list[str]]


def tables(card: Path) -> dict[str, Rows]:
    """Return the tables of a card: heading of the first column -> first cell -> other cells."""
    found: dict[str, Rows] = {}
    current: Rows | None = None
    for line in card.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            current = None
            continue
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        if current is None:
            current = found.setdefault(first, {})
        elif not set(first) <= {"-"}:
            current[first] = others
    return found


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


@pytest.fixture(scope="module", params=NAMES)
def corpus(request: pytest.FixtureRequest, reviews: Corpus) -> Corpus:
    return reviews if request.param == "reviews" else load_corpus(request.param)


def test_a_card_agrees_with_its_corpus(corpus: Corpus, checkout: Path) -> None:
    path = checkout / "datasets" / f"{corpus.name}.md"
    told, card = tables(path), corpus.card
    parts = Counter(assign(corpus))
    assert {key: number(row[0]) for key, row in told["examples"].items()} == {
        "all": len(corpus),
        "dropped": sum(d.n for d in corpus.dropped),
        **parts,
    }
    assert {key: number(row[0]) for key, row in told["label"].items()} == card.labels
    assert set(told) == {"examples", "label", *corpus.attributes}
    for attribute in corpus.attributes:
        assert {key: number(row[0]) for key, row in told[attribute].items()} == card.groups[attribute]
        groups = corpus.group_of(attribute)
        for group, (_, share) in told[attribute].items():
            labels = [e.label for e, its in zip(corpus, groups, strict=True) if its == group]
            assert share == f"{labels.count('recommended') / len(labels):.1%}"
    text = path.read_text(encoding="utf-8")
    lengths = f"median text has {card.words_median:.0f} words, the longest {card.words_max:,}"
    assert re.search(lengths.replace(" ", r"\s+") + r"\b", text)
    assert manifests()[corpus.name].examples == len(corpus)


def test_the_card_of_adult_agrees_with_its_table(checkout: Path) -> None:
    manifest = manifests()["adult"]
    table = read_table(carrier_file(manifest, manifest.files[0]), format="parquet")
    told = tables(checkout / "datasets" / "adult.md")
    assert number(told["examples"]["all"][0]) == table.n == manifest.examples
    income = table.texts("income")
    assert {key: number(row[0]) for key, row in told["income"].items()} == Counter(income)
    for column in ("gender", "race"):
        values = table.texts(column)
        assert {key: number(row[0]) for key, row in told[column].items()} == Counter(values)
        for group, (_, share) in told[column].items():
            rich = [i == ">50K" for i, value in zip(income, values, strict=True) if value == group]
            assert share == f"{sum(rich) / len(rich):.1%}"


def test_every_manifest_has_a_card_that_names_harms_and_misuse(checkout: Path) -> None:
    for name, manifest in manifests().items():
        card = (checkout / "datasets" / f"{name}.md").read_text(encoding="utf-8")
        assert card.startswith(f"# {name}\n")
        for section in ("**Origin**", "**Licence**", "known harms", "## Not for"):
            assert section.lower() in card.lower(), (name, section)
        assert f"`{manifest.package}` {manifest.version}" in card


def test_the_folder_is_no_package(checkout: Path) -> None:
    assert not list((checkout / "datasets").rglob("*.py"))
