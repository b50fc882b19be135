"""Edits of a text that leave every word of it, and what it says, as they are."""

from __future__ import annotations


def without_final_punctuation(text: str) -> str:
    """Return `text` without the marks at its end; a text of nothing else stays as it is."""
    return text.rstrip(".!?… \t\n") or text


def two_spaces(text: str) -> str:
    """Return `text` with every space doubled."""
    return text.replace(" ", "  ")
