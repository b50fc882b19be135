"""How many audited examples the model was trained on: hashes of texts and persons, stored beside the weights.

The hashes tell nobody a text they do not know, but whoever has a text can test whether it was trained on: a model
trained on confidential records should be passed on without its fingerprints, and the overlap is then unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from workbench.data.corpus import Corpus, Example
from workbench.errors import BadInput, Unwritable
from workbench.text.words import normalise


def fingerprints(corpus: Corpus) -> tuple[str, ...]:
    """Return the hashes of all normalised texts and of all persons whom the data names, sorted, each once."""
    return tuple(sorted({mark for example in corpus for mark in _marks(example, corpus.name)}))


def overlap(corpus: Corpus, fingerprints: Collection[str]) -> int:
    """Return how many examples share their text with `fingerprints`, or, in a corpus of that name, their person."""
    known = frozenset(fingerprints)
    return sum(not known.isdisjoint(_marks(example, corpus.name)) for example in corpus)


def write_fingerprints(path: Path, marks: Collection[str]) -> None:
    """Write `marks` to a text file, one a line, sorted. Raises `Unwritable`."""
    try:
        path.write_text("".join(f"{mark}\n" for mark in sorted(set(marks))), encoding="ascii")
    except OSError as error:
        raise Unwritable(f"cannot write {path}: {error.strerror or error}") from error


def read_fingerprints(path: Path) -> frozenset[str]:
    """Return the marks in the file `path`. Raises `BadInput`."""
    try:
        return frozenset(path.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the fingerprints {path}: {error}") from error


def _marks(example: Example, corpus: str) -> tuple[str, ...]:
    """Return the example's text mark, and its person's where the data says whose it is. 64 bits each.

    A text is the same everywhere; a person only within the corpus of that name: many files number theirs from 1.
    """
    text = _mark("text", normalise(example.input))
    return (text, _mark("person", f"{corpus}\0{example.person}")) if example.named else (text,)


def _mark(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}\0{what}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
