"""Which of many explanations are of one text."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.evidence.exhibits import TokenScores


def numbered(scores: Iterable[TokenScores]) -> list[int]:
    """Return for each explanation the number of its text, from 0: they stand text by text.

    Another text begins where the words are others, or where a method comes again: the same text may be asked twice.
    """
    found: list[int] = []
    text, number, seen = "", -1, set[str]()
    for one in scores:
        if number < 0 or one.text != text or one.method in seen:
            text, number, seen = one.text, number + 1, set()
        seen.add(one.method)
        found.append(number)
    return found
