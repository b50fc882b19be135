"""Unicode's table of characters that look alike, as the package confusable-homoglyphs has it."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1)
def look_alikes() -> dict[str, list[str]]:
    """Return the characters that look like each letter of the English alphabet, in Unicode's order."""
    from confusable_homoglyphs.confusables import confusables_data

    letters = [chr(code) for first in "aA" for code in range(ord(first), ord(first) + 26)]
    found = {
        letter: [one["c"] for one in confusables_data.get(letter, []) if len(one["c"]) == 1 and not one["c"].isascii()]
        for letter in letters
    }
    return {letter: alike for letter, alike in found.items() if alike}
