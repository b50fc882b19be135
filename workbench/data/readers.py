"""Reading files into tables: CSV, TSV, JSON lines (each also gzipped) and Parquet.

Text formats are read with the standard library and not with pandas: a cell is what stands in the file, so 'NA' and
'null' stay words, '007' keeps its zeros, and a row with a cell too many is an error instead of an index column.

Double quotes may enclose a cell of CSV and TSV alike. Many TSV files have none, and a text that begins with one would
swallow rows up to the next: a cell of a TSV file with both a tab and a line break in it is an error.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.data.table import Table, distinct_columns
from workbench.errors import BadInput, EmptyData, Unsupported

FORMATS = ("csv", "tsv", "jsonl", "parquet")


def format_of(path: Path) -> str | None:
    """Return the format that the name of `path` tells, or None. `.gz` after a text format is understood."""
    suffixes = [suffix.lower().lstrip(".") for suffix in path.suffixes[-2:]]
    if not suffixes:
        return None
    if suffixes[-1] == "gz":
        return suffixes[0] if len(suffixes) == 2 and suffixes[0] in FORMATS[:3] else None
    return suffixes[-1] if suffixes[-1] in FORMATS else None


def read_table(path: Path, *, format: str | None = None) -> Table:
    """Return the table in `path`; the format is told by the name unless given.

    Raises:
        BadInput: not readable as that format; the message names the line.
        EmptyData: no row in it.
        Unsupported: a format that the workbench does not read.
    """
    kind = format or format_of(path)
    if kind is None:
        raise Unsupported(
            f"cannot tell the format of {path.name}: its name must end in "
            f"{', '.join(f'.{known}' for known in FORMATS)} (text formats also with .gz); save it as one of these"
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path.name}: {error.strerror or error}") from error
    source = f"{path.name}, sha256 {hashlib.sha256(raw).hexdigest()}"
    if not raw:
        raise EmptyData(f"{path.name} is empty (0 bytes)")
    if kind == "parquet":
        table = _parquet(raw, path.name, source)
    else:
        text = _decode(_unzip(raw, path.name) if path.name.lower().endswith(".gz") else raw, path.name)
        table = _jsonl(text, path.name, source) if kind == "jsonl" else _separated(text, kind, path.name, source)
    if not table.n:
        raise EmptyData(f"{path.name} has no rows")
    return table


def _unzip(raw: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"cannot unpack {name}: {error}; is it complete, and really gzipped?") from error


def _decode(raw: bytes, name: str) -> str:
    """Return the text of `raw`: UTF-8, or UTF-16 where its byte order mark says so; marks are removed."""
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{name}, line {line}: byte 0x{raw[error.start]:02x} is not {encoding.upper().removesuffix('-SIG')}; "
            "save the file as UTF-8"
        ) from error


def _separated(text: str, kind: str, name: str, source: str) -> Table:
    with _long_fields():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",", strict=True)
        header: tuple[str, ...] = ()
        rows: list[list[str]] = []
        line = 1
        try:
            for row in reader:
                if not row:
                    pass  # an empty line
                elif not header:
                    header = distinct_columns([column.strip() for column in row], name)
                elif len(row) != len(header):
                    raise BadInput(
                        f"{name}, line {line}: {len(row)} cells, but the header has {len(header)} columns; "
                        "a cell with a separator or line break in it must stand in double quotes"
                    )
                elif kind == "tsv" and any("\t" in cell and ("\n" in cell or "\r" in cell) for cell in row):
                    raise BadInput(
                        f"{name}, line {line}: a cell that begins with a double quote goes on to line "
                        f"{reader.line_num}, over tabs and line breaks; if these are rows of their own, that quote "
                        "is part of the text and encloses nothing: save the file as .csv or .jsonl"
                    )
                else:
                    rows.append(row)
                line = reader.line_num + 1
        except csv.Error as error:
            raise BadInput(
                f"{name}, from line {line}: {error}; a cell that begins with a double quote must end with one, "
                "and those inside it must be doubled"
            ) from error
    cells = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    return Table(name, header, len(rows), cells.__getitem__, source)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let cells be longer than the csv module's default of 131,072 characters, and put its limit back."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _jsonl(text: str, name: str, source: str) -> Table:
    records: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n"), start=1):  # never splitlines: U+2028 may stand in a string
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=lambda pairs: _record(pairs, f"{name}, line {number}"))  # noqa: B023
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadInput(
                f"{name}, line {number}: not valid JSON ({error}); each line must be one record of its own"
            ) from error
        if not isinstance(record, dict):
            raise BadInput(f'{name}, line {number}: a {type(record).__name__}; each line must be a record {{"…": …}}')
        if "\\u" in line and any(isinstance(value, str) and not _is_unicode(value) for value in record.values()):
            raise BadInput(f"{name}, line {number}: half of a surrogate pair, which is no character; repair the text")
        records.append(record)
    columns = tuple(dict.fromkeys(key for record in records for key in record))
    return Table(name, columns, len(records), lambda column: [record.get(column) for record in records], source)


def _record(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    distinct_columns([key for key, _ in pairs], where)
    return dict(pairs)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parquet(raw: bytes, name: str, source: str) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(raw))
        columns = distinct_columns(list(file.schema_arrow.names), name)
        n = int(file.metadata.num_rows)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput(f"{name} is not a readable Parquet file: {str(error).splitlines()[0]}") from error

    def read(column: str) -> Sequence[object]:
        try:
            values: list[object] = file.read(columns=[column]).column(column).to_pylist()
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{name}: cannot read column {column!r}: {str(error).splitlines()[0]}") from error
        return values

    return Table(name, columns, n, read, source)
