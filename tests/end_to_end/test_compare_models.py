"""`compare` with models: each is audited alike on the same data, once, and then the audits are compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench import verbs
from workbench.audit.profiles import PROFILES
from workbench.cli import app
from workbench.comparing import compare
from workbench.data.sources import Columns
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.record import Failed, NotApplicable
from workbench.results import read_record, record_json
from workbench.verbs import models

PROBES = (("performance.classification@1", {"replicates": 100}),)
WORDS = ("good", "bad", "fine", "poor", "lovely", "awful", "soft", "rough")


@pytest.fixture(scope="module")
def place(build_checkpoint, tmp_path_factory) -> Path:
    """Two tiny models of the same labels, one of others, and sixty texts."""
    root = tmp_path_factory.mktemp("models")
    build_checkpoint(root / "first", seed=0)
    build_checkpoint(root / "second", seed=1)
    build_checkpoint(root / "elsewhere" / "second", seed=2)
    build_checkpoint(root / "three", labels=("negative", "positive", "neither"))
    labels = ("negative", "positive", "positive")
    rows = [f"the dress is {WORDS[i % 8]} and {WORDS[i * 3 // 8 % 8]} number {i},{labels[i % 3]}" for i in range(60)]
    (root / "data.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One fast probe in every profile."""
    for name in ("quick", "standard"):
        monkeypatch.setitem(PROFILES, name, PROBES)


@pytest.fixture
def audited(monkeypatch):
    """The folders' names of the audits that are made, in their order."""
    made = []

    def counting(*given, out, **more):
        made.append(Path(out).name)
        return verbs.audit(*given, out=out, **more)

    monkeypatch.setattr(models, "audit", counting)
    return made


def run(*given: object):
    return CliRunner().invoke(app, ["compare", *map(str, given)])


def pair(place: Path, out: Path, *more: object):
    return run(place / "first", place / "second", "--data", place / "data.csv", "--out", out, *more)


def test_both_models_are_audited_and_compared(place, tmp_path, audited):
    out = tmp_path / "out"
    done = pair(place, out, "--json", tmp_path / "more.json")
    assert audited == ["first", "second"]
    found = compare(out / "first", out / "second")
    worse = any(one.word == "worse" for one in found.sides[0].changes)
    assert done.exit_code == (1 if worse else 3 if found.sides[0].lacking else 0), done.output
    held = json.loads((out / "comparison.json").read_text())
    assert held == json.loads((tmp_path / "more.json").read_text())
    assert [held["base"]["name"], held["models"][0]["name"]] == ["first", "second"]
    (accuracy,) = (one for one in held["models"][0]["changes"] if one["name"] == "performance.accuracy")
    values = [read_record(out / name).find("performance.accuracy").value for name in ("first", "second")]
    assert values[0] != values[1], "else nothing is shown"
    assert accuracy["change"] == pytest.approx(values[1] - values[0])
    assert (accuracy["paired"], len(held["models"][0]["newly_failing"])) == (True, len(found.sides[0].failing))
    assert "fails anew" in (out / "comparison.html").read_text() or "fail anew" in (out / "comparison.html").read_text()
    assert (out / "first" / "index.html").exists()
    assert f"Page: {out / 'comparison.html'}".replace("\n", "") in done.output.replace("\n", "")


def test_what_is_finished_is_not_audited_again_unless_something_changed(place, tmp_path, audited):
    out, copy = tmp_path / "out", shutil.copytree(place / "second", tmp_path / "second")

    def again(*more: object) -> list[str]:
        audited.clear()
        done = run(place / "first", copy, "--data", place / "data.csv", "--out", out, *more)
        assert done.exit_code in (0, 1, 3), done.output
        return list(audited)

    assert again() == ["first", "second"]
    before = [(out / name / "audit.json").read_bytes() for name in ("first", "second")]
    assert again() == []
    assert before == [(out / name / "audit.json").read_bytes() for name in ("first", "second")]
    (out / "second" / "index.html").unlink()
    assert again() == ["second"], "an audit that was interrupted"
    (out / "first" / "audit.json").write_text("{")
    assert again() == ["first"], "a damaged record"
    shutil.copytree(place / "elsewhere" / "second", copy, dirs_exist_ok=True)
    assert again() == ["second"], "other weights"
    for more in (
        ("--limit", 40), ("--seed", 3), ("--profile", "standard"), ("--positive-label", "negative"),
        ("--threshold", 0.4), ("--policy", "internal"),
    ):  # fmt: skip
        assert again(*more) == ["first", "second"], more
        assert again(*more) == [], more


def test_an_audit_that_lacks_something_or_rests_on_something_else_is_made_again(place, tmp_path, audited):
    out = tmp_path / "out"

    def again(**changes: object) -> list[str]:
        """What is audited once the second record has changed so."""
        record = read_record(out / "second")
        evidence = tuple(one.model_copy(update=changes.get("evidence", {})) for one in record.evidence)
        settings = record.audit.model_copy(update=changes.get("audit", {}))
        changed = record.model_copy(update={"evidence": evidence, "audit": settings})
        (out / "second" / "audit.json").write_text(record_json(changed), encoding="utf-8")
        audited.clear()
        pair(place, out)
        return list(audited)

    pair(place, out)
    assert again() == []
    assert again(evidence={"result": Failed(error="MemoryError")}) == ["second"]
    assert again(evidence={"result": NotApplicable(reason="No dictionary.", missing=True)}) == ["second"]
    assert again(audit={"rests_on": "0" * 64}) == ["second"], "another membership list, say"
    assert again() == []


def test_groups_are_crossed_and_terms_of_ones_own_are_looked_for_in_every_audit(place, tmp_path, audited, monkeypatch):
    monkeypatch.setitem(PROFILES, "quick", (*PROBES, ("fairness.counterfactual@1", {"examples": 4})))
    data, lexicon, out = tmp_path / "grouped.csv", tmp_path / "mine.toml", tmp_path / "out"
    kept = (place / "data.csv").read_text().splitlines()[1:]
    rows = [f"{row},{'ns'[i % 2]},{'fm'[i // 2 % 2]}" for i, row in enumerate(kept)]
    data.write_text("\n".join(["text,label,region,sex", *rows]) + "\n")
    terms = 'name = "mine"\ndescription = "d"\n[[axes]]\nid = "mood"\ngroups = ["a", "b"]\nsource = "s"\nrows = [{}]\n'
    lexicon.write_text(terms.format('["good", "bad"]'))
    columns = ("--group-column", "sex", "--group-column", "region")

    def again(*more: object, models: tuple = (place / "first", place / "second"), to: Path = out) -> list[str]:
        audited.clear()
        done = run(*models, "--data", data, "--out", to, *columns, *more)
        assert done.exit_code in (0, 1, 3), (done.output, done.exception)
        return list(audited)

    asked = ("--cross", "sex, region", "--lexicon", lexicon)
    assert again() == ["first", "second"]
    assert again(*asked) == ["first", "second"]
    assert again(*asked) == []
    record = read_record(out / "second")
    assert record.audit.crossed == ("sex x region",)
    assert record.evidence[-1].params["lexicon"] == "mine"
    lexicon.write_text(terms.format('["good", "bad"], ["fine", "poor"]'))
    assert again(*asked) == ["first", "second"], "other terms under the same name"
    assert again("--lexicon", lexicon) == ["first", "second"], "not crossed"
    verbs.audit(
        place / "first",
        data,
        out=tmp_path / "base",
        columns=Columns(groups=("sex", "region")),
        cross=[("sex", "region")],
    )
    assert again(models=(tmp_path / "base", place / "second"), to=tmp_path / "more") == ["second"]
    assert read_record(tmp_path / "more" / "second").audit.crossed == ("sex x region",), "as the finished audit was"


def test_a_finished_audit_among_models_says_how(place, tmp_path, audited):
    data = place / "data.csv"
    base = tmp_path / "base"
    verbs.audit(place / "first", data, out=base, profile="standard", limit=50, seed=3, threshold=0.4)
    done = run(base, place / "second", "--data", data, "--out", tmp_path / "out")
    assert done.exit_code in (0, 1, 3), done.output
    assert audited == ["second"]
    settings = read_record(tmp_path / "out" / "second").audit
    assert (settings.profile, settings.limit, settings.seed, settings.decision.threshold) == ("standard", 50, 3, 0.4)
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["base"]["name"] == "first"
    audited.clear()
    done = run(base, place / "second", "--data", data, "--out", tmp_path / "more", "--limit", 20)
    assert isinstance(done.exception, Misconfigured)
    assert "other examples than with" in str(done.exception)
    assert audited == []


def test_models_of_one_name_go_to_folders_of_their_own(place, tmp_path, audited):
    out = tmp_path / "out"
    run(place / "second", place / "elsewhere" / "second", "--data", place / "data.csv", "--out", out)
    assert audited == ["second", "second-2"]
    digests = [read_record(out / name).model.digest for name in audited]
    assert digests[0] != digests[1]


def test_no_audit_is_written_over_another_that_is_compared(place, build_checkpoint, tmp_path, audited):
    """Neither over that of a model called like the next number, nor over a finished one among those given."""
    build_checkpoint(place / "third" / "second-2", seed=3)
    out = tmp_path / "out"
    models = [place / "second", place / "elsewhere" / "second", place / "third" / "second-2"]
    run(*models, "--data", place / "data.csv", "--out", out)
    assert audited == ["second", "second-2", "second-2-2"]
    assert len({read_record(out / name).model.digest for name in audited}) == 3
    audited.clear()
    before = (out / "second" / "audit.json").read_bytes()
    run(models[1], out / "second", "--data", place / "data.csv", "--out", out)
    assert "second" not in audited
    assert (out / "second" / "audit.json").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (("first", "second", "--out", "o.html"), Misconfigured, "is a model, not a finished audit: give --data"),
        (("first", "second", "--out", "o.html", "--limit", "3"), Misconfigured, "give --data"),
        (("base", "base", "--out", "o.html", "--limit", "3"), Misconfigured, "--limit is about how to audit"),
        (("base", "base", "--out", "o.html", "--cross", "a,b"), Misconfigured, "--cross is about how to audit"),
        (("base", "base", "--out", "o.html", "--precision", "float32"), Misconfigured, "--precision is about how"),
        (("base", "base", "--out", "o.html", "--text-column", "a"), Misconfigured, "--…-column is about how to audit"),
        (("base", "base", "--data", "data.csv", "--out", "o"), Misconfigured, "nothing to audit; leave it out"),
        (("first", "second", "--data", "data.csv", "--out", "o.html"), Misconfigured, "name a folder"),
        (("first", "second", "--data", "data.csv", "--out", "base"), Misconfigured, "holds an audit of its own"),
        (("first", "second", "--data", "data.csv", "--out", "."), Misconfigured, "would be written into it"),
        (("first", "--data", "data.csv", "--out", "o"), Misconfigured, "at least one other model"),
        (("first", "three", "--data", "data.csv", "--out", "o"), Misconfigured, "other labels than with first"),
        (("first", "nowhere", "--data", "data.csv", "--out", "o"), NotFound, "nowhere"),
        (("first", "second", "--data", "nowhere.csv", "--out", "o"), (BadInput, NotFound), "nowhere.csv"),
        (("first", "second", "--data", "data.csv", "--out", "o", "--policy", "relase"), NotFound, "release"),
        (("nowhere", "second", "--out", "o.html"), Misconfigured, "give --data"),
        (("nowhere", "base", "--out", "o.html"), NotFound, "no audit record at nowhere"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) and isinstance(one[0], str) else None,
)
def test_what_cannot_be_is_refused_before_any_audit(place, tmp_path, audited, monkeypatch, given, error, told):
    here = shutil.copytree(place, tmp_path / "here")
    (here / "base").mkdir()
    (here / "base" / "audit.json").write_text("{}")
    if given[:2] == ("base", "base") and "--data" in given:
        monkeypatch.setattr(models, "read_record", lambda _: None)
    monkeypatch.chdir(here)
    done = run(*given)
    assert isinstance(done.exception, error), done.output
    assert told in str(done.exception)
    assert audited == []
