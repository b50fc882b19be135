from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import Unwritable
from workbench.files import require_writable, write_text, writing


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
