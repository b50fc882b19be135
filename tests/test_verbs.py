"""The verbs, on a model whose answers are known exactly."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench
from workbench.audit.explanations.occlusion import Occlusion
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example
from workbench.data.splits import split
from workbench.errors import BadInput, EmptyData, Misconfigured, NotFound, Unsupported
from workbench.evidence.record import Failed
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import FloatArray
from workbench.results import Explanation, read_record
from workbench.verdict.policy import parse_policy

LABELS = ("no", "yes")
POLICY = parse_policy(
    """
    name = "p"
    [[criteria]]
    id = "a"
    measurement = "performance.accuracy"
    at_least = 0.5
    severity = "fail"
    why = "A coin would do as well."
    """,
    name="p",
    where="test",
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "quick", (("performance.classification@1", {"replicates": 100}),))


@pytest.fixture
def corpus() -> Corpus:
    """Two hundred texts; every tenth label is wrong."""
    examples = []
    for i in range(200):
        says = i % 2
        label = LABELS[says if i % 10 else 1 - says]
        examples.append(Example(f"e{i:03}", f"p{i}", f"{'good' if says else 'bad'} number{i}", label))
    return Corpus(tuple(examples), LABELS, "toy", "made in the test")


@pytest.fixture
def model() -> LinearTextClassifier:
    return LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=LABELS)


def test_an_audit_finds_the_planted_accuracy(corpus: Corpus, model: LinearTextClassifier, tmp_path: Path) -> None:
    audited = workbench.audit(model, corpus, policy=POLICY, out=tmp_path)
    accuracy = audited.record.find("performance.accuracy")
    assert accuracy is not None
    assert accuracy.value == 0.9
    assert audited.verdict == "pass"
    assert read_record(tmp_path) == audited.record
    assert "pass" in repr(audited)


def test_a_record_that_measures_something_twice_is_not_read(
    corpus: Corpus, model: LinearTextClassifier, tmp_path: Path
) -> None:
    workbench.audit(model, corpus, policy=POLICY, out=tmp_path)
    told = json.loads((tmp_path / "audit.json").read_text())
    told["evidence"].append(told["evidence"][0])
    (tmp_path / "audit.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"is not an audit record: [a-z_.]+ \{.*\} is measured twice.*; audit again$"):
        read_record(tmp_path)


def test_crossed_attributes_are_audited_like_any_other(
    corpus: Corpus, model: LinearTextClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sex nor region alone shows it: of northern women and southern men fewer are decided rightly."""
    monkeypatch.setitem(PROFILES, "quick", (("fairness.groups@1", {"replicates": 100}),))
    both = [(sex, region) for sex in ("f", "m") for region in ("north", "south")]
    examples = []
    for i, one in enumerate(corpus):
        sex, region = both[i // 2 % 4]
        wrong = (sex, region) in (("f", "north"), ("m", "south")) and i % 16 < 8
        text = {"good": "bad", "bad": "good"}[one.input.split()[0]] if wrong else one.input
        examples.append(replace(one, input=text, label=LABELS[i % 2], groups={"sex": sex, "region": region}))
    found = workbench.audit(
        model, replace(corpus, examples=tuple(examples)), policy=POLICY, cross=[("sex", "region")]
    ).record
    assert found.audit.crossed == ("sex x region",)

    def accuracy(attribute: str) -> list[float]:
        of = {"attribute": attribute}
        return [
            measured.value
            for _, measured in found.measurements()
            if measured.name == "fairness.accuracy" and measured.where["attribute"] == of["attribute"]
        ]

    assert max(accuracy("sex")) - min(accuracy("sex")) < 0.1
    crossed = found.find("fairness.accuracy_difference", attribute="sex x region")
    assert crossed is not None
    assert crossed.interval is not None
    assert crossed.interval.low > 0.2
    assert len(accuracy("sex x region")) == 4


def test_a_threshold_moves_the_decision_and_is_recorded(corpus: Corpus, model: LinearTextClassifier) -> None:
    # P(yes) is 0.88 or 0.12, so from 0.9 on nobody is decided positive: accuracy is the share of 'no'.
    audited = workbench.audit(model, corpus, policy=POLICY, threshold=0.9)
    accuracy = audited.record.find("performance.accuracy")
    assert accuracy is not None
    assert accuracy.value == np.mean([example.label == "no" for example in corpus])
    assert audited.record.audit.decision.threshold == 0.9


def test_a_part_of_a_corpus_is_audited_as_it_is(corpus: Corpus, model: LinearTextClassifier) -> None:
    part = split(corpus, "test")
    record = workbench.audit(model, part, policy=POLICY).record
    assert record.corpus.n == len(part)
    assert record.audit.split == "test"
    assert workbench.audit(model, corpus, policy=POLICY, split="test").record.corpus.digest == record.corpus.digest


def test_repeated_texts_are_counted(corpus: Corpus, model: LinearTextClassifier) -> None:
    twice = Corpus(
        (*corpus.examples, *(Example(f"{e.id}b", f"{e.person}b", e.input.upper(), e.label) for e in corpus)),
        LABELS, "twice", "made in the test",
    )  # fmt: skip
    audited = workbench.audit(model, twice, policy=POLICY)
    assert audited.record.corpus.repeated == 200
    assert "200 examples repeat" in audited.html


def test_an_earlier_report_never_stands_for_an_unfinished_audit(
    corpus: Corpus, model: LinearTextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench.audit(model, corpus, policy=POLICY, out=tmp_path)
    old = (tmp_path / "audit.json").read_bytes()

    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("workbench.audit.runner.run_probes", kill)
        with pytest.raises(Killed):
            workbench.audit(model, corpus, policy=POLICY, out=tmp_path, seed=1)
    assert not (tmp_path / "index.html").exists()
    assert not (tmp_path / "audit.json").exists()
    assert (tmp_path / "previous-audit.json").read_bytes() == old, "set aside, not lost"
    workbench.audit(model, corpus, policy=POLICY, out=tmp_path, seed=1)
    written = {"index.html", "audit.json", "predictions.parquet", "junit.xml", "model_card.md"}
    assert {path.name for path in tmp_path.iterdir()} == written


class _Odd(LinearTextClassifier):
    """A classifier whose answers are not what they should be."""

    broken: object = None

    def predict_proba(self, inputs: list[str]) -> FloatArray:  # type: ignore[override]
        return self.broken(super().predict_proba(inputs))  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda rows: rows * 3, "do not sum to 1"),
        (lambda rows: rows - 1, "negative"),
        (lambda rows: rows * np.nan, "no numbers"),
        (lambda rows: rows[:, :1], "shape"),
    ],
)
def test_a_classifier_that_gives_no_distribution_is_refused(corpus: Corpus, broken: object, message: str) -> None:
    odd = _Odd.binary({"good": 2.0}, labels=LABELS)
    odd.broken = broken
    with pytest.raises(BadInput, match=message):
        workbench.audit(odd, corpus, policy=POLICY)


def test_float32_rounding_is_no_reason_to_refuse(corpus: Corpus) -> None:
    odd = _Odd.binary({"good": 2.0, "bad": -2.0}, labels=LABELS)
    odd.broken = lambda rows: rows.astype(np.float32) * np.float32(1.00001)
    audited = workbench.audit(odd, corpus, policy=POLICY)
    assert not [e for e in audited.record.evidence if isinstance(e.result, Failed)]
    assert audited.probabilities.sum(axis=1) == pytest.approx(np.ones(200), abs=1e-12)


def test_what_cannot_be_asked_for(corpus: Corpus, model: LinearTextClassifier) -> None:
    with pytest.raises(NotFound, match="did you mean 'yes'"):
        workbench.audit(model, corpus, positive_label="yess")
    with pytest.raises(Misconfigured, match="between 0 and 1"):
        workbench.audit(model, corpus, threshold=1.0)
    with pytest.raises(Misconfigured, match="at least 1"):
        workbench.audit(model, corpus, limit=0)
    with pytest.raises(BadInput, match="at least one text"):
        workbench.explain(model, [])


def test_an_audit_that_continues_is_counted_once(
    corpus: Corpus, model: LinearTextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("workbench.audit.runner.run_probes", stop)
        with pytest.raises(KeyboardInterrupt):
            workbench.audit(model, corpus, policy=POLICY, out=tmp_path)
    assert workbench.audit(model, corpus, policy=POLICY, out=tmp_path).record.audit.ledger_count == 1
    assert workbench.audit(model, corpus, policy=POLICY, out=tmp_path).record.audit.ledger_count == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "got list: []"),
        ([None], "text 1 of 1 is NoneType: None"),
        (["good", float("nan")], "text 2 of 2 is float: nan"),
        (5, "got int: 5"),
        (None, "got NoneType: None"),
        (b"good", "got bytes: b'good'"),
        ({"text": "good"}, "got dict: {'text': 'good'}"),
        (pd.DataFrame({"text": ["good"]}), "got DataFrame: text 0 good: name one of its columns"),
        (np.array([["good", "bad"]]), "got ndarray: array([['good', 'bad']], dtype='<U4'): name one of its columns"),
        (np.array("good"), "got ndarray: array('good'"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_only_texts_can_be_explained(model: LinearTextClassifier, given: object, told: str) -> None:
    with pytest.raises(BadInput, match=f"at least one text, as a string; .*{re.escape(told)}"):
        workbench.explain(model, given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "several",
    [pd.Series, lambda given: pd.Series(given, index=[7, 3], dtype="string"), np.array, tuple, iter, pd.Categorical],
    ids=["series", "string series", "array", "tuple", "iterator", "categorical"],
)
def test_anything_that_gives_texts_can_be_explained(model: LinearTextClassifier, several: object) -> None:
    found = workbench.explain(model, several(["a good dress", "a bad dress"]), methods="occlusion")  # type: ignore[operator]
    assert found == workbench.explain(model, ["a good dress", "a bad dress"], methods="occlusion")
    assert {type(one.text) for one in found} == {str}


LONG = "good " * 40


@pytest.mark.parametrize(
    ("texts", "methods", "told"),
    [
        (
            ["good", "", "fits"],
            "occlusion",
            "text 2 of 3 (''): nothing to explain: the model reads nothing in ''; leave",
        ),
        (["good", "?!"], ["lime", "occlusion"], "text 2 of 2 ('?!'), lime@1: nothing to explain: LIME finds no word"),
        (["?!", "good", "", " "], "occlusion", "(refused, too: text 3, 4)"),
        (["good", LONG], "shap_kernel", f"text 2 of 2 ('{LONG[:40]}'), shap_kernel@1: kernel SHAP is for texts of at"),
        (["good", LONG], "shap_kernel", "this one has 40; use shap_partition"),
        ("?!", ["random", "occlusion"], "random@1: nothing to explain: no word in '?!'"),
        ("?!", "occlusion", "nothing to explain: no word in '?!'"),
    ],
)
def test_a_text_that_cannot_be_explained_is_named_before_any_work(
    monkeypatch: pytest.MonkeyPatch, texts: str | list[str], methods: str | list[str], told: str
) -> None:
    model = LinearTextClassifier.binary({"good": 2.0})
    monkeypatch.setattr(LinearTextClassifier, "predict_proba", lambda self, texts: pytest.fail("it was asked"))
    with pytest.raises((EmptyData, Unsupported), match=re.escape(told)):
        workbench.explain(model, texts, methods=methods)


def test_a_text_that_a_method_gives_up_on_is_named(
    model: LinearTextClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Occlusion, "check")
    with pytest.raises(EmptyData, match=r"text 2 of 2 \('\?!'\), occlusion@1: nothing to explain.*another method"):
        workbench.explain(model, ["good", "?!"], methods="occlusion")


def test_what_a_method_refuses_whatever_the_text_is_blamed_on_no_text() -> None:
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=("no", "yes"))
    with pytest.raises(Unsupported, match=r"^saliency@1: this method needs the model's gradients"):
        workbench.explain(model, ["good", "bad"], methods=["occlusion", "saliency"])
    with pytest.raises(Unsupported, match=r"^attention_rollout@1 gives the same scores for every label"):
        workbench.explain(model, ["good", "bad"], methods=["occlusion", "attention_rollout"], target="yes", versus="no")


def test_a_text_that_is_decided_the_other_label_is_named() -> None:
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=("no", "yes"))
    with pytest.raises(
        Misconfigured, match=r"text 2 of 4 \('bad'\): .*decides 'no' here.*give target=.*'yes'.* text 4"
    ):
        workbench.explain(model, ["good", "bad", "good", "a bad one"], methods="occlusion", versus="no")
    with pytest.raises(Misconfigured, match=r"^why 'no' rather than 'no'\? The model decides 'no' here"):
        workbench.explain(model, "bad", methods="occlusion", versus="no")
    with pytest.raises(Misconfigured, match=r"^why 'no' rather than 'no'\? Choose two labels"):
        workbench.explain(model, ["good", "bad"], methods="occlusion", target="no", versus="no")
    assert len(workbench.explain(model, ["good", "bad"], methods="occlusion", target="yes", versus="no")) == 2


def test_several_methods_explain_several_texts_side_by_side(tmp_path: Path) -> None:
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0, "dress": 0.1})
    told: list[tuple[int, int]] = []
    found = workbench.explain(
        model,
        ["a good dress", "a bad, bad dress"],
        methods=["occlusion", "lime"],
        target="positive",
        seed=3,
        progress=lambda done, total: told.append((done, total)),
    )
    assert [(one.text, one.method) for one in found] == [
        ("a good dress", "occlusion@1"),
        ("a good dress", "lime@1"),
        ("a bad, bad dress", "occlusion@1"),
        ("a bad, bad dress", "lime@1"),
    ]
    assert told == [(i, 6) for i in range(1, 7)]
    assert [one.text for one in found["lime"]] == ["a good dress", "a bad, bad dress"]
    with pytest.raises(NotFound, match="did you mean 'lime@1'"):
        found["lima"]
    frame = found.to_frame()
    assert set(frame.signed) == {True}
    assert list(frame[frame.method == "lime@1"].word) == ["a", "good", "dress", "a", "bad", "bad", "dress"]
    best = frame[(frame.text == 0) & (frame.method == "occlusion@1")].sort_values("score").iloc[-1]
    assert best.word == "good"
    quality = found.quality_frame()
    assert list(quality.method) == ["occlusion@1", "lime@1", "random@1"] * 2
    first = quality[quality.text == 0].set_index("method").comprehensiveness
    assert first["occlusion@1"] > first["random@1"]
    found.save(tmp_path / "why.json")
    stored = json.loads((tmp_path / "why.json").read_text())
    assert len(stored["scores"]) == 4
    assert stored["quality"][0][0]["values"]["comprehensiveness/deletion"] == pytest.approx(first["occlusion@1"])
    assert "random@1" in found.save(tmp_path / "why.html").read_text()
    texts = ["a good dress", "a bad, bad dress"]
    assert workbench.explain(model, texts, methods=["occlusion", "lime"], target="positive", seed=3) == found


def test_part_of_an_explanation_keeps_what_it_is_worth() -> None:
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0, "dress": 0.1})
    texts = ["a good dress", "a bad, bad dress", "a bad, bad dress"]
    found = workbench.explain(model, texts, methods=["occlusion", "lime"])
    assert found[np.int64(2)] == found[2] == found.scores[2]
    assert found[-1] == found.scores[-1]
    with pytest.raises(IndexError):
        found[6]
    with pytest.raises(TypeError):
        found[1.0]  # type: ignore[call-overload]
    assert found[:] == found
    assert found[2:4] == Explanation(found.scores[2:4], found.quality[1:2])
    lime = found["lime"]
    assert [[one.attributor for one in held] for held in lime.quality] == [["lime@1", "random@1"]] * 3
    assert list(lime.quality_frame().text) == [0, 0, 1, 1, 2, 2]
    assert list(dict.fromkeys(lime.to_frame().text)) == [0, 1, 2]
    across = found[1:3]
    assert [(one.text, one.method) for one in across] == [(texts[0], "lime@1"), (texts[1], "occlusion@1")]
    assert [[one.attributor for one in held] for held in across.quality] == [
        ["lime@1", "random@1"],
        ["occlusion@1", "random@1"],
    ]
    assert list(dict.fromkeys(across.to_frame().text)) == [0, 1]
    assert across.html.count("<caption><span>What each explanation is worth") == 2
    assert [one.text for one in found[::-2]] == [texts[2], texts[1], texts[0]]
    assert len(found[0:0]) == len(found[0:0].quality) == 0
    assert not Explanation(found.scores)[1:3].quality


def test_one_method_measures_no_quality_unless_asked(model: LinearTextClassifier) -> None:
    assert not workbench.explain(model, "good", methods="occlusion").quality
    assert workbench.explain(model, "good", methods="occlusion", quality=True).quality
    with pytest.raises(Misconfigured, match="once"):
        workbench.explain(model, "good", methods=["lime", "lime@1"])
    with pytest.raises(NotFound, match="occlusion"):
        workbench.explain(model, "good", methods="oclusion")
