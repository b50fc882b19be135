"""From columns of text to a corpus: rows without text or label are dropped and counted, ids are made."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from workbench.data.columns import Columns
from workbench.data.corpus import Corpus, Example
from workbench.data.table import Table
from workbench.errors import BadInput, EmptyData, NotFound
from workbench.evidence.cards import Dropped

Cells = Sequence[str | None]

JOIN = "\n"
"""Between text columns: a line break, for anything else would be punctuation that nobody wrote."""

MANY_LABELS = 100
"""More labels than this, and more than half as many as rows: a column of texts, ids or measurements."""


@dataclass(frozen=True)
class Rows:
    """The cells that matter, each of length n; None where there is nothing."""

    texts: Cells
    labels: Cells
    groups: Mapping[str, Cells] = field(default_factory=dict)
    ids: Cells | None = None
    people: Cells | None = None


def rows_of(table: Table, columns: Columns) -> Rows:
    """Return what `columns` names in `table`. Raises `NotFound` for a column that is not there."""
    texts = [table.require(column, "text") for column in columns.text or (_default(table, "text"),)]
    label = label_column(table, columns)
    groups = [table.require(column, "group") for column in dict.fromkeys(columns.groups)]
    id_column = None if columns.id is None else table.require(columns.id, "id")
    person = None if columns.person is None else table.require(columns.person, "person")
    return Rows(
        texts=joined([table.texts(column) for column in texts]),
        labels=table.names(label),
        groups={column: table.names(column) for column in groups},
        ids=None if id_column is None else table.names(id_column),
        people=None if person is None else table.names(person),
    )


def label_column(table: Table, columns: Columns) -> str:
    """Return the column of `table` that holds the labels. Raises `NotFound` where there is none."""
    return table.require(columns.label or _default(table, "label"), "label")


def joined(parts: Sequence[Cells], *, by: str = JOIN) -> list[str | None]:
    """Return the rows' texts: the parts that are there, joined; None where there is none."""
    return [by.join(part for part in row if part is not None) or None for row in zip(*parts, strict=True)]


def assemble(
    rows: Rows,
    *,
    name: str,
    source: str,
    licence: str = "unknown",
    labels: Sequence[str] | None = None,
    positive: str | None = None,
    no_text: str = "no text",
) -> Corpus:
    """Return the corpus of `rows`; those without text or label are dropped and counted.

    Without `labels` the labels are those that occur: whole numbers by size, else by name. A row's id is its cell in
    the id column, else a hash of its content (text, label, groups, person) and the number of its occurrence: it does
    not depend on the order of rows, nor on other rows but equal ones.

    Raises:
        BadInput: an id twice or missing, or a label column that holds no labels.
        EmptyData: no row has text and label.
    """
    examples: list[Example] = []
    dropped: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for i, (text, label) in enumerate(zip(rows.texts, rows.labels, strict=True)):
        if text is None or label is None:
            dropped[no_text if text is None else "no label"] += 1
            continue
        groups = {name: group for name, cells in rows.groups.items() if (group := cells[i]) is not None}
        person = None if rows.people is None else rows.people[i]
        if rows.ids is None:
            content = _content(text, label, groups, person)
            seen[content] += 1
            id_ = f"{content}-{seen[content]}"
        else:
            id_ = _unique(rows.ids[i], seen, f"{name}, row {i + 1}")
        examples.append(Example(id_, person or id_, text, label, MappingProxyType(groups), person is not None))
    left_out = tuple(Dropped(reason=reason, n=n) for reason, n in sorted(dropped.items()))
    if not examples:
        reasons = ", ".join(f"{d.n} with {d.reason}" for d in left_out)
        raise EmptyData(
            f"nothing is left of {name}: {len(rows.texts)} rows, {reasons}; are the columns the right ones?"
        )
    return Corpus(
        examples=tuple(examples),
        labels=_ordered({example.label for example in examples}, len(examples), name) if labels is None else (*labels,),
        name=name,
        source=source,
        licence=licence,
        dropped=left_out,
        positive_label=positive,
    )


def _content(text: str, label: str, groups: Mapping[str, str], person: str | None) -> str:
    told = json.dumps([text, label, sorted(groups.items()), person], ensure_ascii=True)
    return hashlib.sha256(told.encode("ascii")).hexdigest()[:16]


def _unique(id_: str | None, seen: Counter[str], where: str) -> str:
    if id_ is None:
        raise BadInput(f"{where} has no id; fill the id column, or leave out --id-column")
    seen[id_] += 1
    if seen[id_] > 1:
        raise BadInput(
            f"{where}: the id {id_!r} occurs twice; ids must be unique. "
            "(Whose record a row is, is named with --person-column)"
        )
    return id_


def _ordered(found: set[str], n: int, name: str) -> tuple[str, ...]:
    if len(found) > MANY_LABELS and 2 * len(found) > n:
        raise BadInput(
            f"the label column of {name} has {len(found):,} different values in {n:,} rows, such as "
            f"{min(found)[:60]!r}: that is no set of labels; name another with --label-column"
        )
    if all(len(label) < 20 and re.fullmatch(r"[+-]?\d+", label) for label in found):
        return tuple(sorted(found, key=lambda label: (int(label), label)))
    return tuple(sorted(found))


def _default(table: Table, what: str) -> str:
    """Return the column called `what`, in whatever case; raise an error that says how to name one."""
    fitting = [column for column in table.columns if column.casefold() == what]
    if len(fitting) == 1:
        return fitting[0]
    try:
        return table.require(what, what)
    except NotFound as error:
        raise NotFound(f"{error}; name it with --{what}-column") from None
