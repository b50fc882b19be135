"""What is written beside a record or in its stead: model card, redacted files, PDF."""

import shutil

import pytest
from typer.testing import CliRunner

from workbench.cli.root import app
from workbench.errors import BadInput, MissingResource, Unsupported
from workbench.results import CARD, put_card_aside, record_json, write_card
from workbench.verbs import publishing
from workbench.verbs.publishing import save_redacted, write_pdf


@pytest.fixture(scope="module")
def record(request):
    import importlib.util

    from workbench.verdict.judge import judge

    spec = importlib.util.spec_from_file_location("golden_record", request.config.rootpath / "tests/golden/record.py")
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    held = golden.rich()
    return held.model_copy(update={"findings": judge(held, golden.POLICY)})


@pytest.fixture
def folder(record, tmp_path):
    place = tmp_path / "base"
    place.mkdir()
    (place / "audit.json").write_text(record_json(record), encoding="utf-8")
    return place


def run(*arguments):
    import workbench.cli  # noqa: F401

    return CliRunner().invoke(app, [str(one) for one in arguments])


def secret(record):
    return next(case.text for _, exhibit in record.exhibits("cases") for case in exhibit.cases if len(case.text) > 60)


def test_report_writes_page_and_card(folder, record):
    done = run("report", folder, "--model-card")
    assert done.exit_code == 0, done.output
    assert {one.name for one in folder.iterdir()} == {"audit.json", "index.html", CARD}
    assert secret(record)[:60] in (folder / "index.html").read_text(encoding="utf-8")


def test_a_redacted_report_has_a_folder_of_its_own_without_the_texts(folder, record):
    done = run("report", folder, "--redact")
    assert done.exit_code == 0, done.output
    written = folder / "redacted"
    assert {one.name for one in written.iterdir()} == {"audit.json", "index.html", "junit.xml", CARD}
    assert all(secret(record)[:40] not in one.read_text(encoding="utf-8") for one in written.iterdir())
    assert secret(record)[:40] in (folder / "audit.json").read_text(encoding="utf-8")
    again = run("report", written, "--out", written / "again.html")  # it is a record like any other
    assert again.exit_code == 0
    assert (written / "again.html").read_bytes() == (written / "index.html").read_bytes()


@pytest.mark.parametrize("out", ["index.html", "sub/../index.html"])
def test_the_whole_record_is_never_overwritten_by_the_redacted_one(folder, out):
    before = (folder / "audit.json").read_bytes()
    (folder / "sub").mkdir()
    done = run("report", folder / "audit.json", "--redact", "--out", folder / out)
    assert isinstance(done.exception, BadInput)
    assert "holds the whole record" in str(done.exception)
    assert (folder / "audit.json").read_bytes() == before
    assert not (folder / "index.html").exists()


@pytest.mark.parametrize("name", ["predictions.parquet", "comparison.html", "comparison.json"])
def test_nothing_redacted_is_put_beside_what_tells_of_single_examples(folder, tmp_path, name):
    other = tmp_path / "other"
    other.mkdir()
    (other / name).write_text("x")
    done = run("report", folder, "--redact", "--out", other / "index.html")
    assert isinstance(done.exception, BadInput)
    assert name in str(done.exception)
    assert [one.name for one in other.iterdir()] == [name]


def test_another_name_for_a_redacted_page_is_refused(folder, tmp_path):
    done = run("report", folder, "--redact", "--out", tmp_path / "x" / "page.html")
    assert isinstance(done.exception, BadInput)
    assert "call the page index.html" in str(done.exception)


def test_what_cannot_be_redacted_is_not_written_at_all(record, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.report.redact.RULES", {})
    with pytest.raises(Unsupported):
        save_redacted(record, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_card_that_nobody_touched_is_replaced_and_one_with_words_of_somebody_is_kept(record, tmp_path):
    write_card(record, tmp_path)
    write_card(record, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [CARD]
    for i in range(2):
        (tmp_path / CARD).write_text(f"# mine {i}\n")
        write_card(record, tmp_path)
    kept = sorted(one.name for one in tmp_path.iterdir())
    assert kept == [CARD, "previous-model_card-2.md", "previous-model_card.md"]
    assert (tmp_path / kept[2]).read_text() == "# mine 0\n"
    assert (tmp_path / kept[1]).read_text() == "# mine 1\n"
    put_card_aside(tmp_path)
    assert not (tmp_path / CARD).exists()


def test_without_a_browser_a_pdf_is_refused_before_anything_is_written(folder, monkeypatch):
    monkeypatch.setattr(publishing, "BROWSERS", ("no-such-browser",))
    done = run("report", folder, "--pdf", folder / "r.pdf")
    assert isinstance(done.exception, MissingResource)
    assert "apt-get install chromium" in str(done.exception)
    assert [one.name for one in folder.iterdir()] == ["audit.json"]


@pytest.mark.parametrize("script", ["exit 1", "exit 0"])
def test_a_browser_that_does_not_print_leaves_no_file(tmp_path, monkeypatch, script):
    fake = tmp_path / "bin" / "chromium"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    page = tmp_path / "page.html"
    page.write_text("<p>x")
    with pytest.raises(MissingResource, match="did not print"):
        write_pdf(page, tmp_path / "out" / "r.pdf")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def audit(tmp_path, monkeypatch):
    """Audit a tiny model on 40 texts of nonsense words into a folder of the name given."""
    from workbench.audit.profiles import PROFILES
    from workbench.data.corpus import Corpus, Example
    from workbench.models.linear import LinearTextClassifier
    from workbench.verbs import audit as audited

    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(PROFILES, "quick", (("performance.classification@1", {"replicates": 100}),))
    texts = [f"{'good' if i % 2 else 'bad'} qzx{i}a qzx{i}b qzx{i}c" for i in range(40)]
    examples = tuple(Example(f"qzx{i}id", f"p{i}", text, ("yes", "no")[i % 2]) for i, text in enumerate(texts))
    corpus = Corpus(examples, ("no", "yes"), "toy", "made in the test")
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=("no", "yes"))
    return lambda name, **more: audited(model, corpus, out=tmp_path / name, **more)


def test_a_redacted_audit_writes_no_text_and_no_predictions_and_returns_all(audit, tmp_path):
    done = audit("bare", redact=True)
    written = {one.name: one.read_text(encoding="utf-8") for one in (tmp_path / "bare").iterdir()}
    assert set(written) == {"audit.json", "index.html", "junit.xml", CARD}
    assert not [name for name, text in written.items() if "qzx" in text]
    assert "qzx" in done.record.model_dump_json()  # every text is decided wrongly, so cases quote some


def test_a_whole_audit_writes_a_card_beside_the_record(audit, tmp_path):
    from workbench.report.model_card import is_untouched, model_card

    done = audit("whole")
    card = (tmp_path / "whole" / CARD).read_text(encoding="utf-8")
    assert card == model_card(done.record, done.findings)
    assert is_untouched(card)
    with pytest.raises(BadInput, match=r"predictions\.parquet"):
        audit("whole", redact=True)


def test_redact_and_baseline_exclude_each_other(tmp_path):
    done = run("audit", "m", "--data", "d", "--out", tmp_path / "o", "--redact", "--baseline", tmp_path)
    assert "ask for one only" in str(done.exception)
    assert not (tmp_path / "o").exists()


@pytest.mark.browser
def test_the_pdf_has_the_verdict_and_room_to_sign(folder):
    done = run("report", folder, "--pdf", folder / "r.pdf")
    assert done.exit_code == 0, done.output
    data = (folder / "r.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(data) > 50_000
    if shutil.which("pdftotext"):
        import subprocess

        text = subprocess.run(["pdftotext", folder / "r.pdf", "-"], capture_output=True, text=True, check=True).stdout
        assert "Sign-off" in text
