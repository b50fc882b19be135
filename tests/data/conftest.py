"""Corpora and files for the tests of the data room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.data.corpus import Corpus, Example
from workbench.data.sources import load_corpus

Write = Callable[[str, str | bytes], str]
Build = Callable[..., Corpus]


@pytest.fixture(scope="session")
def reviews() -> Corpus:
    return load_corpus("reviews")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into an empty working folder and return its name."""
    monkeypatch.chdir(tmp_path)

    def to(name: str, content: str | bytes) -> str:
        (tmp_path / name).write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return name

    return to


@pytest.fixture(scope="session")
def build() -> Build:
    """Make a corpus of (text, label) or (text, label, person) rows; ids are row numbers unless given."""

    def corpus(rows: list[tuple[str, ...]], *, labels: tuple[str, ...] | None = None, **more: object) -> Corpus:
        examples = tuple(
            Example(str(i), row[2] if len(row) > 2 else str(i), row[0], row[1], named=len(row) > 2)
            for i, row in enumerate(rows)
        )
        found = labels or tuple(sorted({row[1] for row in rows}))
        return Corpus(examples, found, "toy", "made by a test", **more)  # type: ignore[arg-type]

    return corpus
