"""Whatever a model falls for is found, and nothing else; suites that make no sense are refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import workbench
from workbench.audit.probe import called
from workbench.audit.profiles import PROFILES
from workbench.audit.robustness import behaviours
from workbench.audit.robustness.behaviours import Behaviours
from workbench.audit.robustness.regress import ask_again, collect, read_regressions, summary
from workbench.audit.robustness.rewritings import REWRITINGS, contractions, one_number
from workbench.audit.robustness.suite import SHIPPED, combinations, read_suite
from workbench.audit.runner import Run, params_of, run_probes
from workbench.audit.store import Store
from workbench.errors import BadInput, EmptyData, Misconfigured, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.intervals import wilson
from workbench.models.engine import engine_for

SUITE = """
[lexicons]
name = ["Anna", "Omar", "Mei"]
good = ["lovely", "fine"]

[[tests]]
id = "names"
kind = "invariance"
swap = "name"

[[tests]]
id = "nothing said"
kind = "invariance"
append = ["{name} ordered it."]

[[tests]]
id = "praise"
kind = "directional"
label = "l1"
append = ["It is {good}."]
tolerance = 0.05

[[tests]]
id = "plain"
kind = "minimum functionality"
label = "l1"
templates = ["{name} says that it is {good}.", "{good}!"]

[[tests]]
id = "foreign"
kind = "minimum functionality"
label = "quite another"
templates = ["{good}"]
"""


def rates(result):
    return {one.where["behaviour"].removeprefix("mine: "): one for one in result.measurements}


def failing(result):
    return {one.behaviour.removeprefix("mine: "): one for one in result.exhibits if one.kind == "failing_cases"}


def notes(result):
    return " ".join(one.text for one in result.exhibits if one.kind == "note")


class Reads:
    """Decides by one trait of a text, or gives the probability that it says."""

    def __init__(self, inner, trait):
        self.inner, self.trait, self.asked = inner, trait, []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def predict_proba(self, inputs):
        self.asked.append(len(inputs))
        p = np.array([{True: 0.9, False: 0.1}.get(found, found) for found in map(self.trait, inputs)], dtype=float)
        return np.stack([1 - p, p], axis=1)


def praises(text):
    return "lovely" in text or "1" in text


@pytest.fixture
def setup(bench):
    _, simulate, setting = bench
    model, corpus = simulate(60)
    texts = [f"This Dress fits well, number {i}." for i in range(60)]
    examples = tuple(replace(one, input=text) for one, text in zip(corpus.examples, texts, strict=True))
    return model, replace(corpus, examples=examples), setting()


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(SUITE)
    return str(file)


@pytest.mark.parametrize(
    ("trait", "falls"),
    [
        (str.isupper, {"capitals only"}),
        (lambda text: "Dress" in text, {"capitals only", "small letters only"}),
        (lambda text: text.endswith((".", "📦", "🛍️", "🗓️")), {"no final punctuation", "an address on the web"}),
        (lambda text: "  " in text, {"two spaces between words"}),
        (lambda text: "www." in text or "http" in text, {"an address on the web"}),
        (lambda text: True, set()),
    ],
)
def test_the_shipped_suite_finds_what_the_model_falls_for(setup, trait, falls):
    model, corpus, setting = setup
    watched = Reads(model, trait)
    result = Behaviours(examples=40).measure(watched, corpus, setting)
    found = rates(result)
    assert {one for one in found if found[one].value == 1.0} == falls
    for behaviour, one in found.items():
        if behaviour not in {"one typo", *falls}:
            assert one.value == 0, behaviour
        assert one.interval.low <= one.value <= one.interval.high
        assert one.interval.low < one.interval.high
    assert len(watched.asked) == 1, "one request, so that batches are full"
    assert set(failing(result)) >= falls
    assert re.search(
        "does not apply to [^:]*another first name, [^:]*: none of the texts drawn is changed", notes(result)
    )
    praise = "clear praise added, plain praise, blame denied"
    assert f"failure_rate does not apply to {praise}: the model has no label 'recommended'" in notes(result)


def test_each_kind_fails_when_its_rule_is_broken(setup, mine):
    model, corpus, setting = setup
    corpus = replace(
        corpus, examples=tuple(replace(one, input=f"Anna says fine, number {i}.") for i, one in enumerate(corpus))
    )
    # Anna alone is believed, and every sentence more makes the model less sure.
    found = Behaviours(suite=mine, examples=60).measure(
        Reads(model, lambda text: 0.8 / text.count(".") if "Anna" in text else 0.3 * (text.count(".") > 0)),
        corpus,
        setting,
    )
    got = rates(found)
    assert got["names"].value == 1
    assert got["nothing said"].value == 1
    assert got["praise"].value == 1
    assert got["plain"].value == pytest.approx(1 - 2 / 8)  # only Anna's two of eight
    assert (got["plain"].n, got["names"].n) == (8, 60)
    assert got["plain"].interval == wilson(6, 8)
    assert "foreign" not in got
    assert "failure_rate does not apply to mine: foreign: the model has no label 'quite another'" in notes(found)
    case = failing(found)["praise"].cases[0]
    assert (case.probability_before, case.probability) == (pytest.approx(0.8), pytest.approx(0.4))
    assert case.watched == case.label == "l1"
    assert failing(found)["plain"].cases[0].before is None


def test_a_fall_within_the_tolerance_is_none(setup, mine):
    model, corpus, setting = setup
    for fall, rate in ((0.04, 0.0), (0.06, 1.0)):
        watched = Reads(model, lambda text, fall=fall: 0.8 - fall * text.count("It is"))
        assert rates(Behaviours(suite=mine).measure(watched, corpus, setting))["praise"].value == rate


def test_a_suite_of_ones_own_is_recorded_by_name_and_content_and_not_by_place(mine, tmp_path):
    probe = Behaviours(suite=mine, examples=20)
    digest = hashlib.sha256(Path(mine).read_bytes()).hexdigest()
    assert params_of(probe) == {"suite": "mine", "examples": 20, "templates": 60, "sha256": digest}
    assert called(probe) == "robustness.behaviours@1 (mine)"
    moved = tmp_path / "elsewhere" / "mine.toml"
    moved.parent.mkdir()
    shutil.copy(mine, moved)
    assert Behaviours(**{**params_of(probe), "suite": str(moved)}) == probe, "whoever has the file can rebuild it"
    assert replace(probe, examples=5) == Behaviours(suite=mine, examples=5)
    with pytest.raises(NotFound, match="unknown suite 'mine'"):
        Behaviours(**params_of(probe))
    moved.write_text(SUITE.replace("Omar", "Omara"))
    with pytest.raises(Misconfigured, match=rf"with sha256 {digest[:12]}… is asked for, and this one has"):
        Behaviours(**{**params_of(probe), "suite": str(moved)})


def test_a_shipped_suite_is_rebuilt_from_its_parameters():
    probe = Behaviours(examples=7)
    assert params_of(probe)["suite"] == "english"
    assert Behaviours(**params_of(probe)) == probe


def test_what_is_measured_is_what_was_read_when_the_probe_was_made(setup, mine):
    model, corpus, setting = setup
    probe = Behaviours(suite=mine)
    Path(mine).write_text("nothing of the kind")
    assert set(rates(probe.measure(Reads(model, praises), corpus, setting))) == {"nothing said", "praise", "plain"}


def test_finished_work_is_not_taken_for_that_of_another_suite_of_the_same_name(setup, mine, tmp_path):
    model, corpus, setting = setup
    store = Store(tmp_path / "out")

    def run():
        told = Run(engine_for(Reads(model, praises)), corpus, setting, store, "key", lambda step: None)
        _, (evidence,) = run_probes(told, [Behaviours(suite=mine)])
        return evidence

    first = run()
    assert run().seconds == first.seconds, "kept"
    Path(mine).write_text(SUITE.replace('id = "praise"', 'id = "other praise"'))
    second = run()
    assert set(rates(second.result)) == {"nothing said", "other praise", "plain"}
    assert second.params["suite"] == first.params["suite"] == "mine"


def test_no_record_or_report_tells_where_a_suite_lay(setup, mine, tmp_path, monkeypatch):
    model, corpus, _ = setup
    monkeypatch.setitem(PROFILES, "quick", (("robustness.behaviours@1", {"examples": 20}),))
    steps = []
    watched = Reads(model, praises)
    audited = workbench.audit(watched, corpus, out=tmp_path / "out", behaviours=[mine], progress=steps.append)
    record = audited.record
    assert [evidence.params["suite"] for evidence in record.evidence] == ["english", "mine"]
    for text in (record.model_dump_json(), audited.html, str(steps)):
        assert str(tmp_path) not in text
        assert "mine" in text


def test_failing_cases_are_saved_and_asked_again(setup, mine, tmp_path, monkeypatch):
    from workbench.evidence.record import Evidence

    model, corpus, setting = setup
    brittle = Reads(model, lambda text: "www." in text)
    result = Behaviours(examples=40).measure(brittle, corpus, setting)

    class Record:
        """What `collect` reads of a record."""

        redacted = False
        model = type("card", (), {"name": "m", "digest": "0" * 64})
        audit = type("audit", (), {"decision": Decision(), "positive_label": "l1"})
        held = Evidence(probe="robustness.behaviours@1", params={}, seed=0, seconds=0, result=result)

        def exhibits(self, kind):
            return [(self.held, one) for one in result.exhibits if one.kind == kind]

    held, left_out, cut = collect(Record())
    assert left_out == cut == 0
    assert {case.behaviour for case in held.cases} == {"an address on the web"}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(held.model_dump(mode="json")))
    again = read_regressions(file)
    assert again == held
    assert summary(ask_again(brittle, again)) == {"an address on the web": (len(held.cases), len(held.cases))}
    assert summary(ask_again(Reads(model, lambda text: True), again)) == {"an address on the web": (0, len(held.cases))}
    with pytest.raises(NotFound, match="regress save"):
        read_regressions(tmp_path / "none.json")
    told = json.loads(file.read_text())
    told["cases"][0]["before"] = None
    file.write_text(json.dumps(told))
    with pytest.raises(BadInput, match="compares with a text before"):
        read_regressions(file)
    file.write_text('{"cases": []}')
    with pytest.raises(BadInput, match="not a file of cases"):
        read_regressions(file)
    monkeypatch.setattr(behaviours, "KEPT", 3)
    result = Behaviours(examples=40).measure(brittle, corpus, setting)
    fewer, _, cut = collect(Record())
    assert (len(fewer.cases), cut) == (3, len(held.cases) - 3)
    result = Behaviours(examples=40).measure(Reads(model, lambda text: True), corpus, setting)
    with pytest.raises(EmptyData, match="nothing to save"):
        collect(Record())
    other = replace_label(held)
    with pytest.raises(Misconfigured, match="about the label 'happy'"):
        ask_again(brittle, other)
    by_threshold = held.model_copy(update={"decision": Decision(rule="threshold", threshold=0.6)})
    with pytest.raises(Misconfigured, match="needs a model of two labels"):
        ask_again(SimpleNamespace(labels=(*brittle.labels, "another")), by_threshold)


def replace_label(held):
    return held.model_copy(update={"positive_label": "happy"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('swap = "name"', 'swap = "nobody"'), "lexicon 'nobody'"),
        (lambda text: text.replace('swap = "name"', 'change = "shout"'), "unknown change 'shout'; there are capitals"),
        (lambda text: text.replace('swap = "name"', 'swap = "name"\nchange = "capitals"'), "exactly one of"),
        (lambda text: text.replace('id = "praise"', 'id = "names"'), "used twice"),
        (lambda text: text.replace('kind = "directional"', 'kind = "invariance"'), "the decision must stay"),
        (lambda text: text.replace('label = "l1"\nappend', "append"), "needs a label"),
        (lambda text: text.replace("tolerance = 0.05", "tolerance = 2"), "less than 1"),
        (lambda text: text + "\nx = ", "not TOML"),
        (lambda text: "name = 'empty'", "tests"),
        (lambda text: text.replace("[[tests]]", "[[checks]]"), "checks"),
    ],
)
def test_a_suite_that_makes_no_sense_is_refused(tmp_path, change, said):
    file = tmp_path / "bad.toml"
    file.write_text(change(SUITE))
    with pytest.raises(Misconfigured) as error:
        read_suite(file)
    assert said in str(error.value)
    assert "bad.toml" in str(error.value)


def test_shipped_suites_are_sound_and_others_are_not_found():
    for file in SHIPPED.glob("*.toml"):
        assert read_suite(file.stem).suite.tests
        assert read_suite(file.stem).shipped
    with pytest.raises(NotFound, match="english"):
        read_suite("englsh")


def test_templates_hold_the_same_word_in_the_same_slot():
    assert combinations("{a} and {a} or {b}", {"a": ["x", "y"], "b": ["1"]}) == ["x and x or 1", "y and y or 1"]
    suite = read_suite("english").suite
    (plain,) = [one for one in suite.tests if one.id == "plain praise"]
    few = suite.texts(plain, most=7, rng=np.random.default_rng(0))
    assert len(few) == 7
    assert len(set(few)) == 7


def test_rewritings_keep_to_what_they_say():
    rng = np.random.default_rng(0)
    assert contractions("It's fine and I don't mind", rng) == "It is fine and I do not mind"
    assert contractions("It’s fine and I DON’T mind", rng) == "It is fine and I DO NOT mind"
    assert contractions("It is fine. I CANNOT say", rng) == "It's fine. I CAN'T say"
    assert contractions(contractions("they're odd, it doesn't fit", rng), rng) == "they're odd, it doesn't fit"
    for seed in range(20):
        found = one_number("size 12 of 1.5 kg, 4.", np.random.default_rng(seed))
        assert found in {
            "size 11 of 1.5 kg, 4.",
            "size 13 of 1.5 kg, 4.",
            "size 12 of 1.5 kg, 3.",
            "size 12 of 1.5 kg, 5.",
        }
    assert one_number("no number, size 1, b52, 1.5", rng) == "no number, size 1, b52, 1.5"
    typo = REWRITINGS["typo"]
    for seed in range(20):
        text = "Lovely FABRIC, isn't it? 😀 but it runs small"
        written = typo(text, np.random.default_rng(seed))
        differ = [i for i, (a, b) in enumerate(zip(text, written, strict=True)) if a != b]
        assert len(differ) == 2
        assert differ[1] == differ[0] + 1
        assert sorted(text) == sorted(written)
        assert written == typo(text, np.random.default_rng(seed))
    assert typo("a an 12345 ooooo 😀", rng) == "a an 12345 ooooo 😀"
    for change in REWRITINGS.values():
        assert change("", rng) == ""


def test_row_order_changes_nothing(setup):
    model, corpus, setting = setup
    turned = replace(corpus, examples=corpus.examples[::-1])
    watched = Reads(model, lambda text: "the" in text.lower())
    one, two = (Behaviours(examples=30).measure(watched, held, setting).model_dump_json() for held in (corpus, turned))
    assert one == two


@pytest.mark.parametrize(
    ("trait", "told"),
    [
        # One probability; one that moves, and rises with praise; a decision that does change after all.
        (lambda text: 0.7, {"plain"}),
        (lambda text: 0.6 + 0.1 * ("lovely" in text or "fine" in text), {"plain", "praise"}),
        (lambda text: 0.9 - 0.8 * ("ordered" in text), {"plain", "nothing said"}),
    ],
)
def test_one_decision_for_every_text_passes_no_test_that_needs_none_other(setup, mine, trait, told):
    model, corpus, setting = setup
    one_decision = replace(setting, only_decision="l1")
    with_two, with_one = (
        Behaviours(suite=mine).measure(Reads(model, trait), corpus, chosen) for chosen in (setting, one_decision)
    )
    assert set(rates(with_two)) == {"nothing said", "praise", "plain"}
    assert set(rates(with_one)) == told
    left_out = [f"mine: {name}" for name in ("nothing said", "praise") if name not in told]
    reason = "the model decides every text of the data as 'l1', so a decision that stays says nothing about robustness"
    assert (f"failure_rate is not given for {', '.join(left_out)}: {reason}" in notes(with_one)) is bool(left_out)
