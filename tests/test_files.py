from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from workbench.errors import BadInput, Misconfigured, NotFound, Unwritable
from workbench.files import parse_toml, read_toml, require_writable, write_text, writing


def test_all_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write_text(target, "old")

    def crash_midway() -> None:
        with writing(target) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash_midway()
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"], "nothing is left behind"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Unwritable, match="cannot write"):
        write_text(tmp_path / "file" / "report.html", "x")
    with pytest.raises(Unwritable, match="choose another --out"):
        require_writable(tmp_path / "file" / "folder")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A folder of two shipped files, and something else."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "strict.toml").write_text("bound = 1\n")
    (folder / "lax.toml").write_text("bound = 2\n")
    (folder / "README.md").write_text("bound")
    return folder


def test_toml_is_read_by_the_name_of_what_is_shipped_or_by_path(shipped: Path, tmp_path: Path) -> None:
    found = read_toml("strict", kind="rule", shipped=shipped)
    assert found == ({"bound": 1}, "strict", "rule strict", hashlib.sha256(b"bound = 1\n").hexdigest(), True)
    own = tmp_path / "my.own.toml"
    own.write_bytes(b'bound = "\xc3\xa9"\r\n')
    for given in (own, str(own)):
        mine = read_toml(given, kind="rule", shipped=shipped)
        assert (mine.table, mine.name, mine.where, mine.shipped) == ({"bound": "é"}, "my.own", str(own), False)
        assert mine.sha256 == hashlib.sha256(own.read_bytes()).hexdigest()


def test_a_file_does_not_take_the_place_of_what_is_shipped_under_its_name(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lax").write_text("bound = 3\n")
    assert read_toml("lax", kind="rule", shipped=shipped).table == {"bound": 2}
    assert read_toml("./lax", kind="rule", shipped=shipped).table == {"bound": 3}


def test_toml_that_cannot_be_had_says_what_and_why(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"unknown rule 'lx'; did you mean 'lax'\? \(available: lax, strict\), and"):
        read_toml("lx", kind="rule", shipped=shipped)
    with pytest.raises(NotFound, match="no file of that name"):
        read_toml(tmp_path / "none" / "x.toml", kind="rule", shipped=shipped)
    with pytest.raises(BadInput, match=r"cannot read the rule .*shipped: .*directory"):
        read_toml(shipped, kind="rule", shipped=shipped)
    (tmp_path / "latin.toml").write_bytes(b'a = "caf\xe9"')
    with pytest.raises(BadInput, match=r"cannot read the rule .*latin\.toml: 'utf-8' codec"):
        read_toml(tmp_path / "latin.toml", kind="rule", shipped=shipped)
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(Misconfigured, match=r"bad\.toml: not TOML: Invalid value"):
        read_toml(tmp_path / "bad.toml", kind="rule", shipped=shipped)
    with pytest.raises(Misconfigured, match=r"^here: not TOML"):
        parse_toml("= 1", where="here")
