"""Quotations of texts that must not be told, wherever a sentence holds them."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

_QUOTED = 20
"""A text counts as quoted where so many characters of its beginning stand in a sentence, or all of a shorter one."""
_LEAST = 8
"""Shorter texts are words: they cannot be told from our own."""

_FREE = frozenset({"params", "recipe"})
"""Fields that hold whatever somebody chose."""


class Quotations:
    """Finds the beginnings of known texts in other strings."""

    def __init__(self, texts: Set[str], *, needed: Set[str]) -> None:
        self._needed = needed
        self._by_start: dict[str, list[str]] = {}
        for text in sorted(texts - needed, key=len, reverse=True):
            if len(text) >= _LEAST:
                self._by_start.setdefault(text[:_LEAST], []).append(text)

    def withheld_in(self, value: Any, *, free: bool = False) -> Any:
        """Return plain JSON values with every quotation replaced in sentences, and in any word where it is `free`."""
        if isinstance(value, str):
            return self._swept(value) if (free or " " in value) and value not in self._needed else value
        if isinstance(value, list):
            return [self.withheld_in(one, free=free) for one in value]
        if isinstance(value, dict):
            return {key: self.withheld_in(one, free=free or key in _FREE) for key, one in value.items()}
        return value

    def _swept(self, text: str) -> str:
        parts, start, i = [], 0, 0
        while i <= len(text) - _LEAST:
            length = max((_common(text, i, one) for one in self._by_start.get(text[i : i + _LEAST], ())), default=0)
            if length:
                parts += [text[start:i], "[withheld]"]
                start = i = i + length
            else:
                i += 1
        return "".join([*parts, text[start:]])


def _common(text: str, at: int, secret: str) -> int:
    """Return how much of the beginning of `secret` stands at `at`; 0 where that is too little to be a quotation."""
    length = next(
        (k for k, (a, b) in enumerate(zip(text[at : at + len(secret)], secret, strict=False)) if a != b),
        min(len(secret), len(text) - at),
    )
    return length if length >= min(len(secret), _QUOTED) else 0
