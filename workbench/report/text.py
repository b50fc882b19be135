"""Texts from the data, made presentable. They are never trusted: they may be attacks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from workbench.verdict.wording import listed as listed

SHOWN = 1500
"""Characters of one text that a page shows."""

LABEL = 80
"""Characters of a label, group or column name that the report shows."""

# What steers a terminal or reverses a line (bidirectional overrides, isolates, embeddings), and what cannot be seen but
# can fool a model (zero-width space, word joiner, soft hyphen). The zero-width joiner stays: emoji and Persian need it.
_HIDDEN = (0xAD, 0x200B, 0x2028, 0x2029, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE: Mapping[int, str] = MappingProxyType(
    {code: f"⟨U+{code:04X}⟩" for code in (*range(32), *range(0x7F, 0xA0), *_HIDDEN) if chr(code) not in "\t\n"}
)


def visible(text: str) -> str:
    """Return `text` with every control and steering character spelled out, safe to encode and to read."""
    shown = text.replace("\r\n", "\n").translate(_VISIBLE)
    if shown.isascii():
        return shown
    return "".join(f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in {"Cs", "Cn"} else char for char in shown)


def short(text: str, limit: int = LABEL) -> str:
    """Return a name in one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def excerpt(text: str, limit: int = SHOWN) -> tuple[str, str]:
    """Return the beginning of `text` and a note that says so where it was cut."""
    if len(text) <= limit:
        return text, ""
    return text[:limit] + "…", cut_note(len(text), limit)


IN_RECORD = "the whole text is in audit.json"


def cut_note(length: int, limit: int = SHOWN, whole: str = IN_RECORD) -> str:
    """Return the sentence that says that a text was cut, and by `whole` where the rest of it is."""
    return f"Cut: {limit:,} of {length:,} characters are shown; {whole}."


def plural(n: int, one: str, many: str = "") -> str:
    """Return '1 example' or '2 examples'."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
