"""Splitting into train, validation and test, so that no person and no text is on two sides.

The unit is the connected component of persons and normalised texts: rows that share either stay together. Components
are ranked by a hash of their texts within strata of equal majority label, and each stratum is cut at 75, 87.5 and
100 percent of its rows.

What this gives:

- the order of rows, their ids, group columns and label *names* do not matter; texts, persons and labels do;
- label shares are those of the whole in every part, up to one component per stratum and cut;
- added or removed rows shift the two cuts of their stratum: of all other components only those ranked between the old
  and the new place of a cut change sides, about as many as rows were added. Two components that new rows connect
  become one, which may move.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from workbench.data.corpus import Corpus
from workbench.errors import EmptyData, Misconfigured, NotFound
from workbench.text.words import normalise

SHARES = {"train": 0.75, "validation": 0.125, "test": 0.125}
PARTS = (*SHARES, "all")


def split(corpus: Corpus, part: str) -> Corpus:
    """Return the part 'train', 'validation', 'test' or 'all' of `corpus`, in order.

    Raises:
        NotFound: no such part.
        Misconfigured: `corpus` is itself another part.
        EmptyData: too few examples for that part to hold any.
    """
    if part not in PARTS:
        raise NotFound.among("split", part, PARTS)
    if corpus.split == part:
        return corpus
    if corpus.split != "all":
        raise Misconfigured(f"{corpus.name} is its {corpus.split} part already; take the {part} part of the whole")
    chosen = tuple(e for e, where in zip(corpus.examples, assign(corpus), strict=True) if where == part)
    if not chosen:
        raise EmptyData(
            f"the {part} part of {corpus.name} is empty: {len(corpus)} examples are too few to be split "
            f"{', '.join(f'{share:.1%}' for share in SHARES.values())}; use more, or --split all"
        )
    return replace(corpus, examples=chosen, split=part)


def assign(corpus: Corpus) -> tuple[str, ...]:
    """Return the part of each example, in order."""
    texts = [normalise(example.input) for example in corpus]
    keys = [_key(text) for text in texts]
    members: dict[int, list[int]] = defaultdict(list)
    for row, component in enumerate(_components(texts, [example.person for example in corpus])):
        members[component].append(row)
    strata: dict[frozenset[str], list[tuple[str, list[int]]]] = defaultdict(list)
    for rows in members.values():
        counts = Counter(corpus[row].label for row in rows)
        most = max(counts.values())
        majority = frozenset(label for label, count in counts.items() if count == most)  # a tie is a stratum of its own
        strata[majority].append((min(keys[row] for row in rows), rows))
    parts = [""] * len(corpus)
    for ranked in strata.values():
        total, before = sum(len(rows) for _, rows in ranked), 0
        for _, rows in sorted(ranked):
            part = _part((before + len(rows) / 2) / total)  # where the component's middle row falls
            before += len(rows)
            for row in rows:
                parts[row] = part
    return tuple(parts)


def place(text: str) -> float:
    """Return where the ranking by hash puts `text`, in [0, 1); equal normalised texts share a place.

    A component ranks by the lowest of its texts, so in a large corpus what lies well below a cut of `SHARES` lies on
    its near side.
    """
    return int(_key(normalise(text))[:13], 16) / 16**13


def _components(texts: Sequence[str], people: Sequence[str]) -> tuple[int, ...]:
    """Return a number for each row: equal numbers are connected by persons or normalised texts they share."""
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for shared in (texts, people):
        first: dict[str, int] = {}
        for row, value in enumerate(shared):
            if (before := first.setdefault(value, row)) != row:
                parent[root(row)] = root(before)
    return tuple(root(row) for row in range(len(parent)))


def _key(text: str) -> str:
    """Return the rank of a normalised text. Salted, to be independent of the hashes that sample examples."""
    return hashlib.sha256(b"split\0" + text.encode("utf-8", "surrogatepass")).hexdigest()


def _part(position: float) -> str:
    reached = 0.0
    for part, share in SHARES.items():
        reached += share
        if position < reached:
            return part
    return part
