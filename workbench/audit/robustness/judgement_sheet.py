"""The sheet on which people judge rewrites: a CSV file for any spreadsheet, written and read back without loss."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple, cast

from workbench.data.readers import format_of, read_table
from workbench.errors import BadInput, EmptyData
from workbench.evidence.exhibits import Rewrite

Answer = Literal["yes", "no", "unsure"]

COLUMNS = ("recipe", "example", "label", "original", "rewritten", "label_kept", "judge", "comment")
"""The last three are for the judge. `label_kept`: does a person still give `rewritten` the label?"""
_NEEDED = ("recipe", "example", "rewritten", "label_kept")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""What a spreadsheet may run as a formula (OWASP, "CSV Injection"), and what was kept from it already: with the
apostrophes before it in the pattern, one apostrophe more or less is always undone."""


class Row(NamedTuple):
    """One rewrite as one person judged it."""

    place: str
    """File and row, as a spreadsheet counts: the header is row 1."""
    recipe: str
    example: str
    rewritten: str
    label_kept: Answer
    judge: str
    comment: str


class Sheet(NamedTuple):
    """The judged rows of one file."""

    source: str
    """File name and sha256."""
    rows: tuple[Row, ...]


def sheet(rewrites: Iterable[Rewrite]) -> str:
    """Return the text of a file that asks about `rewrites`, in this order, with a byte order mark for Excel."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)  # else a lone carriage return ends a row
    writer.writerow(COLUMNS)
    for one in rewrites:
        told = (one.recipe, one.example, one.label, one.original, one.rewritten or "")
        writer.writerow([*map(harmless, told), "", "", ""])
    return f"\ufeff{file.getvalue()}"


def read_sheet(path: str | Path) -> Sheet:
    """Return the rows of the CSV (or .tsv) file at `path` that somebody judged; the others are passed over.

    Raises:
        BadInput: no such file, not a table, a column is missing, or an answer is neither yes, no nor unsure.
        EmptyData: no row is judged.
    """
    file = Path(path)
    table = read_table(file, format="tsv" if format_of(file) == "tsv" else "csv")
    for column in _NEEDED:
        table.require(column, "judgement")
    cells = {name: [as_it_was(str(cell)) for cell in table.read(name)] for name in COLUMNS if name in table.columns}
    rows = []
    for i in range(table.n):
        held = {name: column[i] for name, column in cells.items()}
        answer = held["label_kept"].strip().lower()
        if not answer:
            continue
        place = f"{file.name}, row {i + 2}"
        if answer not in ("yes", "no", "unsure"):
            raise BadInput(f"{place}: label_kept is {held['label_kept']!r:.40}; write yes, no or unsure, or nothing")
        rows.append(
            Row(
                place,
                held["recipe"].strip(),
                held["example"],  # white space at an end may be all that tells two ids apart
                held["rewritten"],
                cast(Answer, answer),
                held.get("judge", "").strip() or file.name,
                held.get("comment", "").strip(),
            )
        )
    if not rows:
        raise EmptyData(f"{file.name}: no row is judged; write yes, no or unsure into the column label_kept")
    return Sheet(table.source, tuple(rows))


def harmless(cell: str) -> str:
    """Return `cell` with an apostrophe before whatever a spreadsheet might run."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_it_was(cell: str) -> str:
    """Return what `harmless` made `cell` of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
