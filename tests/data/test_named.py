from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from workbench.data.named import load_named
from workbench.data.schema import Manifest
from workbench.errors import Misconfigured

CONTENT = """kind,title,body,score,age,sex,who
x,T,one,0,17,m,p1
x,,two,1,40,f,p1
y,,other,1,1,f,
x,T,,1,99,,p2
x,,four,2,,f,
"""
BANDS = [{"name": "young", "low": 0, "high": 39}, {"name": "old", "low": 40}]
MEANINGS = [{"value": "2", "name": "good"}, {"value": "1", "name": "good"}, {"value": "0", "name": "bad"}]


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """A manifest that uses every rule, for a package made here."""
    file = tmp_path / "carriers" / "toy" / "data.csv"
    file.parent.mkdir(parents=True)
    file.write_text(CONTENT)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return Manifest.model_validate(
        {
            "name": "toy", "kind": "corpus", "task": "text-classification", "summary": "s", "package": "toy-package",
            "version": "1", "examples": 3, "licence": "CC0-1.0", "origin": "o", "citation": "c", "alternative": "a",
            "files": [{"path": "toy/data.csv", "sha256": hashlib.sha256(CONTENT.encode()).hexdigest()}],
            "table": {
                "format": "csv", "only": {"kind": "x"}, "text": ["title", "body"], "join": " | ", "required": ["body"],
                "label": "score", "positive": "good", "person": "who",
                "labels": MEANINGS,
                "groups": {
                    "age": {"column": "age", "bands": BANDS},
                    "sex": {"column": "sex", "rename": {"m": "male"}},
                },
            },
        }
    )  # fmt: skip


def test_every_rule(manifest: Manifest) -> None:
    corpus = load_named(manifest)
    assert corpus.inputs == ("T | one", "two", "four")
    assert corpus.labels == ("good", "bad")
    assert [e.label for e in corpus] == ["bad", "good", "good"]
    assert corpus.group_of("age") == ("young", "old", "(missing)")
    assert corpus.group_of("sex") == ("male", "f", "f")
    assert [e.person for e in corpus] == ["p1", "p1", corpus[2].id]
    assert [(d.reason, d.n) for d in corpus.dropped] == [("no body", 1)], "rows of other corpora are not dropped rows"
    assert corpus.licence == "CC0-1.0"
    assert corpus.positive_label == "good"


def test_a_value_without_a_meaning_is_an_error(manifest: Manifest) -> None:
    assert manifest.table is not None
    two = manifest.table.model_copy(update={"labels": manifest.table.labels[1:]})
    with pytest.raises(Misconfigured, match="holds '2'"):
        load_named(manifest.model_copy(update={"table": two}))
    young = manifest.table.groups["age"].model_copy(update={"bands": manifest.table.groups["age"].bands[:1]})
    table = manifest.table.model_copy(update={"groups": {"age": young}})
    with pytest.raises(Misconfigured, match="none of the bands"):
        load_named(manifest.model_copy(update={"table": table}))
