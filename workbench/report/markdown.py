"""Markdown and YAML from texts that are not trusted: none becomes a tag, a link, a cell or a key of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.report.text import visible

_MARKS = re.compile(r"[\\`*_\[\]|~$#]|^(?=[-+=])|(?<=^\d)(?=[.)])")
"""What Markdown, and what the hub adds to it, reads as more than itself within a line, or at its beginning."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=@)(?=[A-Za-z])", re.IGNORECASE)
"""Where addresses, and names of people, are made links unasked; an empty comment keeps that apart."""


def plain(text: str) -> str:
    """Return `text` in one line as Markdown that shows just it, also within a table."""
    line = " ".join(visible(text).split())
    safe = "".join(_ENTITIES.get(char, char) for char in line)
    return _LINKS.sub("<!-- -->", _MARKS.sub(lambda found: f"\\{found[0]}", safe))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; every cell is made plain here."""
    lines = [columns, ["---"] * len(columns)]
    head = [f"| {' | '.join(plain(name) for name in lines[0])} |", f"| {' | '.join(lines[1])} |"]
    return "\n".join([*head, *(f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows)])


def yaml(value: Any, indent: int = 0) -> str:
    """Return plain values as YAML in which every text is quoted, so that none means anything but itself.

    Keys are ours. Numbers are written so that YAML 1.1 and 1.2 read the same float.
    """
    space = "  " * indent
    match value:
        case Mapping():
            return "\n".join(f"{space}{key}:{_after(one, indent)}" for key, one in value.items())
        case list() | tuple():
            return "\n".join(f"{space}-{_item(one, indent)}" for one in value)
        case _:
            return f"{space}{_scalar(value)}"


def _after(value: Any, indent: int) -> str:
    nested = isinstance(value, Mapping | list | tuple) and len(value) > 0
    return f"\n{yaml(value, indent + 1)}" if nested else f" {_scalar(value)}"


def _item(value: Any, indent: int) -> str:
    nested = isinstance(value, Mapping | list | tuple) and len(value) > 0
    return f" {yaml(value, indent + 1).lstrip()}" if nested else f" {_scalar(value)}"


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            digits, exponent, power = repr(value).partition("e")
            return f"{digits if '.' in digits else digits + '.0'}{exponent}{power}"
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            line = " ".join(visible(str(value)).split())
            return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'
