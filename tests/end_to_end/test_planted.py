"""Whole audits of models whose fate is known: one that hangs on a word's spelling, one that never changes its mind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import workbench as wb
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example, Task
from workbench.evidence.cards import ModelCard
from workbench.evidence.exhibits import Curve, Note, Rewrite
from workbench.evidence.record import AuditRecord
from workbench.models.protocols import FloatArray
from workbench.report.summary import summary
from workbench.results import Audited
from workbench.verdict.policy import Policy, parse_policy

pytestmark = pytest.mark.slow
LABELS = ("negative", "positive")
THINGS = ("coat", "dress", "shirt", "skirt", "hat", "scarf")
GATES = """
[[criteria]]
id = "accuracy"
measurement = "performance.accuracy"
at_least = 0.3
why = "So low that every model here meets it."

[[criteria]]
id = "attack"
measurement = "robustness.attack_success_rate"
where = { recipe = "RECIPE" }
at_most = 0.5
why = "Misspelt words must not decide."
"""

ATTACKED = next(params["examples"] for name, params in PROFILES["quick"] if name == "robustness.attack@1")
"""Texts that the quick profile attacks by its first recipe."""


@dataclass(frozen=True)
class Planted:
    """Positive with probability 0.9 where `rule` holds of a text, else 0.1."""

    name: str
    rule: Callable[[str], bool]
    labels: tuple[str, ...] = LABELS
    task: Task = Task.TEXT_CLASSIFICATION

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name=self.name, digest="0" * 64, files={}, architecture="Planted", base=None, task=self.task,
            labels=self.labels, max_length=None, parameters=1, bytes=8,
        )  # fmt: skip

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        p = np.array([0.9 if self.rule(text) else 0.1 for text in inputs], dtype=np.float64)
        return np.stack([1 - p, p], axis=1)


def policy(recipe: str = "*") -> Policy:
    return parse_policy(GATES.replace("RECIPE", recipe), name="gates", where="the test")


def corpus(positive: int) -> Corpus:
    """Sixty texts: 'lovely' and an exclamation mark where they are positive, and neither where they are not."""
    rows = [
        (f"A lovely {THINGS[i % 6]} for the summer, number {i}!", "positive")
        if i < positive
        else (f"A dull {THINGS[i % 6]} for nobody, number {i}.", "negative")
        for i in range(60)
    ]
    examples = tuple(Example(f"e{i:02}", f"p{i}", text, label) for i, (text, label) in enumerate(rows))
    return Corpus(examples, LABELS, "planted", "made in the test")


@pytest.fixture(scope="module")
def audit(textattack: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Audited]:
    def run(model: Planted, data: Corpus, gates: Policy) -> Audited:
        return wb.audit(model, data, policy=gates, out=tmp_path_factory.mktemp("planted") / model.name)

    return run


@pytest.fixture(scope="module")
def brittle(audit: Callable[..., Audited]) -> Audited:
    """Right on every text, by one word as it is spelled. Four negatives, which no misspelling makes positive."""
    return audit(Planted("brittle", lambda text: "lovely" in text), corpus(56), policy("deepwordbug@1"))


@pytest.fixture(scope="module")
def stone(audit: Callable[..., Audited]) -> Audited:
    """Positive, whatever the text."""
    return audit(Planted("stone", lambda text: True), corpus(30), policy())


@pytest.fixture(scope="module")
def steady(audit: Callable[..., Audited]) -> Audited:
    """Right on every text, by what no attack of the profile changes."""
    return audit(Planted("steady", lambda text: "!" in text), corpus(30), policy())


def rewrites(record: AuditRecord, recipe: str) -> list[Rewrite]:
    return [one for _, one in record.exhibits("rewrite") if isinstance(one, Rewrite) and one.recipe == recipe]


def notes(record: AuditRecord) -> str:
    return " ".join(one.text for _, one in record.exhibits("note") if isinstance(one, Note))


def verdicts(audited: Audited) -> dict[str, list[str]]:
    return {name: [one.verdict for one in audited.findings if one.criterion == name] for name in ("accuracy", "attack")}


def test_a_model_that_hangs_on_a_spelling_falls_wherever_the_word_stands(brittle: Audited) -> None:
    accuracy = brittle.record.find("performance.accuracy")
    assert accuracy is not None
    assert accuracy.value == 1
    found = rewrites(brittle.record, "deepwordbug@1")
    assert len(found) == ATTACKED
    assert {one.outcome for one in found if one.label == "positive"} == {"succeeded"}
    assert "succeeded" not in {one.outcome for one in found if one.label == "negative"}
    rate = brittle.record.find("robustness.attack_success_rate", recipe="deepwordbug@1")
    assert rate is not None
    assert rate.interval is not None
    assert rate.value == np.mean([one.label == "positive" for one in found]) > 0.85
    assert rate.interval.low > 0.7


def test_its_success_curve_ends_at_its_success_rate(brittle: Audited) -> None:
    (curve,) = [
        one
        for _, one in brittle.record.exhibits("curve")
        if isinstance(one, Curve)
        and one.name == "attack_success_by_queries"
        and one.where == {"recipe": "deepwordbug@1"}
    ]
    rate = brittle.record.find("robustness.attack_success_rate", recipe="deepwordbug@1")
    assert rate is not None
    assert curve.points[-1].y == rate.value
    assert curve.points[0].y == 0, "one query asks about the text itself"
    assert "Attack success by queries under deepwordbug@1" in brittle.html


def test_behaviours_find_it_too(brittle: Audited) -> None:
    share = 56 / 60
    capitals = brittle.record.find("robustness.failure_rate", behaviour="capitals only")
    typo = brittle.record.find("robustness.failure_rate", behaviour="one typo")
    small = brittle.record.find("robustness.failure_rate", behaviour="small letters only")
    assert capitals is not None
    assert typo is not None
    assert small is not None
    assert capitals.interval is not None
    assert typo.interval is not None
    assert capitals.value == share
    assert capitals.interval.low > 0.8
    assert 0 < typo.interval.low <= typo.value < share
    assert small.value == 0, "'lovely' is in small letters already"


def test_it_does_not_pass(brittle: Audited) -> None:
    assert verdicts(brittle) == {"accuracy": ["pass"], "attack": ["fail"]}
    assert brittle.verdict == "fail"
    assert {one.verdict for one in wb.judge(brittle.record, "default")} > {"not_established"}


def test_that_no_attack_moves_a_stone_is_not_called_robustness(stone: Audited) -> None:
    record = stone.record
    accuracy = record.find("performance.accuracy")
    assert accuracy is not None
    assert accuracy.value == 0.5
    for recipe in ("deepwordbug@1", "checklist_without_names@1", "homoglyphs@1"):
        found = rewrites(record, recipe)
        assert found
        assert "succeeded" not in {one.outcome for one in found}
        assert any(one.outcome in ("resisted", "exhausted") for one in found)
        assert record.find("robustness.attack_success_rate", recipe=recipe) is None
        under = record.find("robustness.accuracy_under_attack", recipe=recipe)
        assert under is not None
        assert under.value == np.mean([one.label == "positive" for one in found]), "what it had right, it keeps"
    assert "attack_success_rate is not given: the model decides every text of the data as 'positive'" in notes(record)
    assert not [one for _, one in record.exhibits("curve") if isinstance(one, Curve) and "attack" in one.name]


def test_nor_that_no_change_moves_it(stone: Audited) -> None:
    behaviours = {one.where["behaviour"] for _, one in stone.record.measurements() if "behaviour" in one.where}
    assert "capitals only" not in behaviours
    assert "failure_rate is not given for capitals only, " in notes(stone.record)


def test_a_gate_on_it_is_not_established_and_says_why(stone: Audited) -> None:
    assert verdicts(stone) == {"accuracy": ["pass"], "attack": ["not_established"]}
    assert stone.verdict == "not_established"
    (finding,) = [one for one in stone.findings if one.criterion == "attack"]
    assert finding.evidence is None
    assert "the model decides every text of the data as 'positive'" in finding.because
    assert "says nothing about robustness" in finding.because


def test_the_first_screen_says_that_nothing_was_seen_to_change(stone: Audited, steady: Audited) -> None:
    first = summary(stone.record, stone.findings)
    assert [
        item
        for item in first.limits
        if "decides every audited example as “positive” (0.500 of them rightly)" in item.text
    ]
    assert any("says nothing about robustness" in item.text for item in first.exceptions)
    assert "says nothing about robustness" in stone.html
    assert not [item for item in summary(steady.record, steady.findings).limits if "decides every audited" in item.text]


def test_a_model_that_resists_with_two_decisions_has_its_rate_and_passes(steady: Audited) -> None:
    rate = steady.record.find("robustness.attack_success_rate", recipe="deepwordbug@1")
    assert rate is not None
    assert (rate.value, rate.n) == (0, ATTACKED)
    assert verdicts(steady) == {"accuracy": ["pass"], "attack": ["pass"] * 3}
    assert steady.verdict == "pass"
