"""A table as it was read: named columns of raw values, and the one way in which a value becomes text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from workbench.errors import BadInput, NotFound

_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")


@dataclass(frozen=True)
class Table:
    """Columns of equal length, read on demand."""

    name: str
    """File name or hub id, for messages."""
    columns: tuple[str, ...]
    n: int
    read: Callable[[str], Sequence[object]]
    """Column name -> raw values, (n,)."""
    source: str
    """Where it came from, for the record: never a path of somebody's machine."""

    def texts(self, column: str) -> list[str | None]:
        """Return the values of `column` as text, verbatim; None where there is nothing but white space."""
        return [as_text(value, f"column {column!r} of {self.name}, row {i}") for i, value in self._rows(column)]

    def names(self, column: str) -> list[str | None]:
        """Return the values of `column` as names (labels, groups, ids): trimmed, and whole numbers without '.0'.

        A column that gained '.0' on its way (whole numbers beside an empty cell, saved by pandas) gives the same
        names as the original. It applies only where every value of the column is a whole number. Raises `BadInput` for
        a name with a NUL character: numpy's texts end at it, so that two groups would be compared as one.
        """
        values = [None if text is None else text.strip() for text in self.texts(column)]
        if odd := next((i for i, value in enumerate(values, start=1) if value is not None and "\0" in value), None):
            raise BadInput(
                f"column {column!r} of {self.name}, row {odd}: {values[odd - 1]!r} holds a NUL character, which no "
                "name can; repair the column"
            )
        if all(value is None or _WHOLE.fullmatch(value) for value in values):
            return [None if value is None else value.split(".")[0] for value in values]
        return values

    def require(self, column: str, what: str) -> str:
        """Return `column`, or raise `NotFound` with the columns there are and the nearest."""
        if column in self.columns:
            return column
        error = NotFound.among(f"{what} column", column, self.columns, where=self.name)
        raise NotFound(f"{error}{self._hint()}")

    def _rows(self, column: str) -> Sequence[tuple[int, object]]:
        return list(enumerate(self.read(column), start=1))

    def _hint(self) -> str:
        if len(self.columns) == 1 and (sign := next((s for s in ";\t|" if s in self.columns[0]), None)):
            return f"; the file seems to be separated by {sign!r}: save it separated by ',' (.csv) or tabs (.tsv)"
        return ""


def as_text(value: object, where: str) -> str | None:
    """Return a raw value as text: strings verbatim, 1.0 as '1', True as 'true'; None if missing or only white space.

    Booleans become the words that JSON uses and never '1': as a number a label could be taken for a model's label id.
    Words such as 'NA' and 'null' in a text file are text. Raises `BadInput` for lists, records and bytes.
    """
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal | date | datetime | time):
        return str(value)
    raise BadInput(f"{where} holds a {type(value).__name__}; text, a number or true/false is needed")


def distinct_columns(columns: Sequence[str], name: str) -> tuple[str, ...]:
    """Return `columns` after checking that no name occurs twice."""
    if len(set(columns)) < len(columns):
        twice = next(column for i, column in enumerate(columns) if column in columns[:i])
        raise BadInput(f"{name}: the column {twice!r} occurs twice; rename one of them")
    return tuple(columns)
