"""Named corpora: from a manifest to a corpus."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.data.assemble import Rows, assemble, joined
from workbench.data.corpus import Corpus
from workbench.data.manifest import carrier_file
from workbench.data.readers import read_table
from workbench.data.schema import Group, Manifest, TableRules
from workbench.data.table import Table
from workbench.errors import Misconfigured, Unsupported


def load_named(manifest: Manifest) -> Corpus:
    """Return the corpus that `manifest` describes.

    Raises:
        MissingResource: its package is not there.
        Untrusted: its file is not the one that the manifest names.
        Unsupported: a model, or a corpus of a task that cannot be audited yet.
    """
    if manifest.kind != "corpus":
        what = "a model" if manifest.kind == "model" else "a set of word vectors"
        raise Unsupported(f"{manifest.name!r} is {what}, not a corpus; 'workbench datasets' lists all")
    if manifest.table is None:
        raise Unsupported(
            f"{manifest.name!r} is for {manifest.task}, which this version cannot train or audit; "
            "use a text corpus: 'workbench datasets' lists them"
        )
    file = manifest.files[0]
    table = read_table(carrier_file(manifest, file), format=manifest.table.format)
    needed = " or ".join(manifest.table.required or manifest.table.text)
    return assemble(
        _rows(table, manifest.table, manifest.name),
        name=manifest.name,
        source=f"package {manifest.package} {manifest.version}, {file.name}, sha256 {file.sha256}",
        licence=manifest.licence,
        labels=tuple(dict.fromkeys(label.name for label in manifest.table.labels)),
        positive=manifest.table.positive,
        no_text=f"no {needed}",
    )


def _rows(table: Table, rules: TableRules, name: str) -> Rows:
    keep = [True] * table.n
    for column, wanted in rules.only.items():
        values = table.names(table.require(column, "selecting"))
        keep = [kept and value == wanted for kept, value in zip(keep, values, strict=True)]

    def kept(cells: Sequence[str | None]) -> list[str | None]:
        return [cell for cell, keeps in zip(cells, keep, strict=True) if keeps]

    parts = {column: kept(table.texts(table.require(column, "text"))) for column in rules.text}
    texts = joined(list(parts.values()), by=rules.join)
    for column in rules.required:
        texts = [None if part is None else text for text, part in zip(texts, parts[column], strict=True)]
    meaning = {label.value: label.name for label in rules.labels}
    return Rows(
        texts=texts,
        labels=[
            _known(meaning, value, rules.label, name)
            for value in kept(table.names(table.require(rules.label, "label")))
        ],
        groups={
            attribute: [_grouped(group, value, name) for value in kept(table.names(group.column))]
            for attribute, group in rules.groups.items()
        },
        people=None if rules.person is None else kept(table.names(table.require(rules.person, "person"))),
    )


def _known(meaning: dict[str, str], value: str | None, column: str, name: str) -> str | None:
    if value is None:
        return None
    if value not in meaning:
        raise Misconfigured(f"manifest {name}: column {column!r} holds {value!r}, which 'labels' does not name")
    return meaning[value]


def _grouped(group: Group, value: str | None, name: str) -> str | None:
    """Return the group of a raw value: its band, its new name, or itself."""
    if value is None:
        return None
    if not group.bands:
        return group.rename.get(value, value)
    for band in group.bands:
        if band.low <= int(value) and (band.high is None or int(value) <= band.high):
            return band.name
    raise Misconfigured(f"manifest {name}: column {group.column!r} holds {value}, which is in none of the bands")
