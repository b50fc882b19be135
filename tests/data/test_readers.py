from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from workbench.data.readers import format_of, read_table
from workbench.data.table import as_text
from workbench.errors import BadInput, EmptyData, Unsupported, WorkbenchError

Write = Callable[[str, str | bytes], str]


def cells(name: str, column: str = "text") -> list[str | None]:
    return read_table(Path(name)).texts(column)


def test_words_that_look_like_nothing_stay_words(write: Write) -> None:
    name = write("a.csv", "text,label\nNA,1\nnull,1\nNaN,1\nNone,1\n007,1\n1.0,1\n True ,1\n,1\n  ,1\n")
    assert cells(name) == ["NA", "null", "NaN", "None", "007", "1.0", " True ", None, None]


def test_quotes_separators_and_line_breaks_inside_cells(write: Write) -> None:
    name = write("a.csv", 'text,"the ""label"", maybe"\r\n"said ""no"", twice\r\nand left",1\r\n\r\nplain,2\r\n')
    table = read_table(Path(name))
    assert table.columns == ("text", 'the "label", maybe')
    assert table.texts("text") == ['said "no", twice\r\nand left', "plain"]


def test_quoted_cells_of_a_tsv_file(write: Write) -> None:
    assert cells(write("a.tsv", 'text\tlabel\n"a\tb"\t1\n"c\nd"\t0\nsaid "no"\t1\n')) == ["a\tb", "c\nd", 'said "no"']


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_byte_order_marks(write: Write, ending: str, encoding: str) -> None:
    name = write("a.tsv", ending.join(["text\tlabel", "größer 👗\t1", "فستان\t0", ""]).encode(encoding))
    assert cells(name) == ["größer 👗", "فستان"]
    assert read_table(Path(name)).columns == ("text", "label")


def test_long_cells_and_the_readers_limit_put_back(write: Write) -> None:
    before = csv.field_size_limit()
    name = write("a.csv", "text,label\n" + "word " * 100_000 + ",1\n")
    assert len(cells(name)[0] or "") == 500_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "error", "told"),
    [
        ("a.csv", "text,label\na,1\nb,2,3\n", BadInput, "a.csv, line 3: 3 cells, but the header has 2 columns"),
        ("a.csv", 'text,label\n"a\nb",1\nc\n', BadInput, "a.csv, line 4: 1 cells"),
        ("a.csv", 'text,label\na,1\n"b,1\nc,1\n', BadInput, "a.csv, from line 3"),
        ("a.csv", 'text,label\n"b" c,1\n', BadInput, "double quote"),
        ("a.tsv", 'text\tlabel\n"so\t1\nbad\t0\nthe end"\t1\nfine\t0\n', BadInput, "a.tsv, line 2: a cell that begins"),
        ("a.tsv", 'label\ttext\n0\tfine\n1\t"so\r0\tthe end"\n', BadInput, "line 3: a cell that begins with a double"),
        ("a.csv", "text,label,text\na,1,b\n", BadInput, "the column 'text' occurs twice"),
        ("a.csv", b"text,label\nfine,1\ncaf\xe9,1\n", BadInput, "a.csv, line 3: byte 0xe9 is not UTF-8"),
        ("a.csv", "", EmptyData, "a.csv is empty"),
        ("a.csv", "text,label\n\n", EmptyData, "a.csv has no rows"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', BadInput, "a.jsonl, line 2: not valid JSON"),
        ("a.jsonl", '\n["a"]\n', BadInput, "a.jsonl, line 2: a list"),
        ("a.jsonl", '{"text": "a", "text": "b"}\n', BadInput, "line 1: the column 'text' occurs twice"),
        ("a.jsonl", '{"text": "\\ud83d"}\n', BadInput, "line 1: half of a surrogate pair"),
        ("a.parquet", "text,label\na,1\n", BadInput, "a.parquet is not a readable Parquet file"),
        ("a.csv.gz", "text,label\na,1\n", BadInput, "cannot unpack a.csv.gz"),
        ("a.csv.gz", gzip.compress(b"text,label\n" * 99, mtime=0)[:-9], BadInput, "cannot unpack a.csv.gz"),
        ("a.xlsx", "PK", Unsupported, "a.xlsx"),
        ("a.parquet.gz", "PK", Unsupported, ".jsonl"),
    ],
)
def test_broken_files(write: Write, name: str, content: str | bytes, error: type[WorkbenchError], told: str) -> None:
    with pytest.raises(error) as caught:
        read_table(Path(write(name, content)))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value), "one line"


def test_json_lines(write: Write) -> None:
    lines = [json.dumps({"text": "a\u2028b", "x": 1}, ensure_ascii=False), json.dumps({"text": "ok 👗"})]
    assert "\u2028" in lines[0]
    assert "\\ud83d" in lines[1], "a whole surrogate pair"
    name = write("a.jsonl", "\n".join(lines) + "\r\n\n")
    assert cells(name) == ["a\u2028b", "ok 👗"]
    assert read_table(Path(name)).texts("x") == ["1", None], "a key that a record lacks is missing"


def test_compressed_is_the_same(write: Write) -> None:
    content = "text,label\na,1\n"
    assert cells(write("a.csv", content)) == cells(write("b.csv.gz", gzip.compress(content.encode())))


def test_parquet_values(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "text": ["NA", None, "x"],
            "whole": pyarrow.array([1, None, 3], pyarrow.int64()),
            "real": [1.0, float("nan"), 2.5],
            "truth": [True, None, False],
            "category": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
            "list": [["a"], [], None],
            "bytes": [b"a", None, b"b"],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet")
    assert read.texts("text") == ["NA", None, "x"]
    assert read.texts("whole") == ["1", None, "3"]
    assert read.texts("real") == ["1", None, "2.5"]
    assert read.texts("truth") == ["true", None, "false"]
    assert read.texts("category") == ["a", "b", "a"]
    for column, kind in (("list", "list"), ("bytes", "bytes")):
        with pytest.raises(BadInput, match=f"column '{column}' of a.parquet, row 1 holds a {kind}"):
            read.texts(column)


def test_whole_numbers_lose_a_stray_point_only_where_all_are_whole(write: Write) -> None:
    name = write("a.csv", "stars,version,mixed\n1.0,1.0,1\n2.0,1.5, two \n,2.0,3.0\n")
    table = read_table(Path(name))
    assert table.names("stars") == ["1", "2", None]
    assert table.names("version") == ["1.0", "1.5", "2.0"]
    assert table.names("mixed") == ["1", "two", "3.0"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "text,sex\na,f\na,f\0\n"), ("a.jsonl", '{"sex": "f"}\n{"sex": "f\\u0000"}\n')],
)
def test_a_name_that_ends_in_nul_would_be_taken_for_another_and_is_refused(
    write: Write, name: str, content: str
) -> None:
    with pytest.raises(BadInput, match=rf"column 'sex' of {name}, row 2: 'f\\x00' holds a NUL character"):
        read_table(Path(write(name, content))).names("sex")


def test_the_source_names_file_and_bytes_but_no_folder(write: Write, tmp_path: Path) -> None:
    import hashlib

    content = "text,label\na,1\n"
    source = read_table(tmp_path / write("a.csv", content)).source
    assert source == f"a.csv, sha256 {hashlib.sha256(content.encode()).hexdigest()}"
    assert str(tmp_path) not in source


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.csv", "csv"), ("a.CSV", "csv"), ("a.b.tsv.gz", "tsv"), ("a.jsonl.gz", "jsonl"), ("a.gz", None), ("a", None),
     ("csv", None), ("a.json", None), ("reviews.v2.parquet", "parquet")],
)  # fmt: skip
def test_format_of_a_name(name: str, format: str | None) -> None:
    assert format_of(Path("some.folder") / name) == format


@given(st.text())
def test_text_is_verbatim_or_missing(text: str) -> None:
    assert as_text(text, "here") == (text if text.strip() else None)
