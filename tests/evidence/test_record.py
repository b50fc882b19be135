"""The record: nothing undefended gets in, its schema is published, `VOLATILE` is all that may differ."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from workbench.evidence.cards import CorpusCard, ModelCard
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import TokenScores
from workbench.evidence.measurement import EXACT, Interval, Measurement
from workbench.evidence.names import NAMES
from workbench.evidence.record import (
    VOLATILE,
    AuditRecord,
    AuditSettings,
    Environment,
    Evidence,
    Failed,
    Finding,
    Measured,
    NotApplicable,
    repeated,
    stable,
)


def measurement(name: str = "performance.accuracy", value: float = 0.9, **changes: Any) -> Measurement:
    given = {
        "name": name,
        "value": value,
        "unit": "proportion",
        "better": "higher",
        "n": 10,
        "interval": Interval(low=value - 0.1, high=value + 0.1, method="Wilson"),
    }
    return Measurement(**{**given, **changes})


def record(**changes: Any) -> AuditRecord:
    timed = measurement("cost.latency_p50", 0.01, unit="seconds", better="lower")
    finding = Finding(
        criterion="fast",
        severity="warn",
        verdict="pass",
        because="It is.",
        why="Speed.",
        measurement="cost.latency_p50",
        where={},
        bound="at most 1",
        evidence=timed,
        probe="performance.cost@1",
    )
    given = {
        "model": ModelCard(
            name="m",
            digest="d",
            files={},
            architecture="A",
            base=None,
            task="text-classification",
            labels=("no", "yes"),
            max_length=None,
            parameters=1,
            bytes=4,
        ),
        "training": None,
        "corpus": CorpusCard(
            name="c",
            digest="e",
            source="s",
            licence="l",
            split="all",
            n=10,
            people=10,
            labels={"no": 5, "yes": 5},
            groups={},
        ),
        "environment": Environment(
            python="3.11", platform="p", device="cpu", processor="x", threads=2, versions={}, code="0"
        ),
        "audit": AuditSettings(
            seed=0,
            profile="quick",
            split="all",
            limit=None,
            decision=Decision(),
            positive_label="yes",
            label_map={},
            precision="float32",
            policy="default",
            policy_digest="f",
            date="2026-01-01",
            ledger_count=1,
        ),
        "evidence": (
            Evidence(
                probe="performance.classification@1",
                params={},
                seed=0,
                seconds=1.0,
                result=Measured(measurements=(measurement(),)),
            ),
            Evidence(
                probe="performance.cost@1", params={}, seed=0, seconds=1.0, result=Measured(measurements=(timed,))
            ),
            Evidence(
                probe="fairness.groups@1", params={}, seed=0, seconds=1.0, result=NotApplicable(reason="no groups")
            ),
            Evidence(probe="robustness.attack@1", params={}, seed=0, seconds=1.0, result=Failed(error="it crashed")),
        ),
        "findings": (finding,),
    }
    return AuditRecord(**{**given, **changes})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.9x"])
def test_a_measurement_is_a_finite_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        Measurement(
            name="performance.accuracy",
            value=value,
            unit="proportion",
            better="higher",
            n=1,
            interval=Interval(low=0, high=1, method="Wilson"),
        )


def test_a_measurement_rests_on_something() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        measurement(n=0)


def test_only_exact_quantities_come_without_interval() -> None:
    with pytest.raises(ValidationError, match="has no interval"):
        measurement(interval=None)
    for name in EXACT:
        assert measurement(name, interval=None).interval is None


def test_an_interval_is_ordered_and_says_its_method() -> None:
    with pytest.raises(ValidationError, match="lies above"):
        Interval(low=1, high=0, method="Wilson")
    with pytest.raises(ValidationError, match="method"):
        Interval(low=0, high=1)  # type: ignore[call-arg]


def test_nothing_stored_can_be_changed_or_extended() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        measurement().value = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        measurement(verdict="pass")


def test_token_scores_align() -> None:
    with pytest.raises(ValidationError, match="equal length"):
        TokenScores(
            example="e",
            text="a b",
            method="m",
            target="yes",
            output="logit",
            probability=0.5,
            tokens=("a", "b"),
            spans=((0, 1),),
            scores=(0.1, 0.2),
            passes=1,
        )


def test_an_explanation_from_before_signs_and_reading_were_stored_can_still_be_read() -> None:
    held = TokenScores(
        example="e", text="a b", method="m@1", target="yes", output="logit", probability=0.5,
        tokens=("a",), spans=((0, 1),), scores=(0.1,), passes=1,
    )  # fmt: skip
    old = held.model_dump(exclude={"signed", "read"})
    assert TokenScores.model_validate(old) == held
    assert (held.signed, held.read, held.span_read) == (True, None, (0, 3))


def test_a_record_survives_the_file() -> None:
    written = record()
    assert AuditRecord.model_validate_json(written.model_dump_json()) == written


def evidence(*measurements: Measurement) -> Evidence:
    return Evidence(probe="p.q@1", params={}, seed=0, seconds=1.0, result=Measured(measurements=measurements))


@pytest.mark.parametrize(
    "twice",
    [
        (evidence(measurement(), measurement(value=0.8)),),
        (evidence(measurement(where={"b": "1", "a": "2"})), evidence(measurement(where={"a": "2", "b": "1"}))),
    ],
    ids=["by one probe", "by two"],
)
def test_a_name_and_its_facets_are_measured_once(twice: tuple[Evidence, ...]) -> None:
    with pytest.raises(ValidationError, match=r"performance\.accuracy .* is measured twice"):
        record(evidence=twice, findings=())


def test_facets_tell_measurements_apart() -> None:
    apart = evidence(measurement(), measurement(where={"a": "1"}), measurement(where={"a": "2"}))
    held = record(evidence=(apart, evidence(measurement("performance.macro_f1"))), findings=())
    assert repeated(held.evidence) is None
    assert repeated([*held.evidence, apart]) == measurement()


def test_volatile_is_all_that_may_differ() -> None:
    later = record()
    settings = later.audit.model_copy(update={"date": "2027-01-01", "ledger_count": 9, "command": "again"})
    slower = [e.model_copy(update={"seconds": 99.0}) for e in later.evidence]
    timed = measurement("cost.latency_p50", 0.5, unit="seconds", better="lower")
    slower[1] = slower[1].model_copy(update={"result": Measured(measurements=(timed,))})
    judged = later.findings[0].model_copy(update={"verdict": "warn", "evidence": timed, "because": "It is not."})
    later = later.model_copy(update={"audit": settings, "evidence": tuple(slower), "findings": (judged,)})
    assert later != record()
    assert stable(later) == stable(record())


@pytest.mark.parametrize(
    "change",
    [
        {"audit": {"seed": 1}},
        {"audit": {"policy_digest": "other"}},
        {"model": {"digest": "other"}},
        {"corpus": {"digest": "other"}},
        {"environment": {"threads": 1}},
    ],
)
def test_everything_else_must_not_differ(change: dict[str, dict[str, Any]]) -> None:
    ((part, update),) = change.items()
    changed = record().model_copy(update={part: getattr(record(), part).model_copy(update=update)})
    assert stable(changed) != stable(record())


def test_every_volatile_entry_is_a_path_or_a_measurement() -> None:
    plain = record().model_dump(mode="json")
    for entry in VOLATILE:
        head, _, rest = entry.partition(".")
        assert entry in NAMES or head in plain, entry
        assert rest


def test_the_published_schema_is_current_and_admits_a_record() -> None:
    published = json.loads((files("workbench.evidence") / "audit.schema.json").read_text(encoding="utf-8"))
    assert published == AuditRecord.model_json_schema(), "run: workbench schema > workbench/evidence/audit.schema.json"
    jsonschema.validate(json.loads(record().model_dump_json()), published)
    broken = json.loads(record().model_dump_json())
    broken["evidence"][0]["result"]["outcome"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, published)


def test_decision_rules() -> None:
    import numpy as np

    rows = np.array([[0.3, 0.7], [0.5, 0.5], [0.8, 0.2]])
    assert Decision().decide(rows, 1).tolist() == [1, 0, 0]
    assert Decision(rule="threshold", threshold=0.2).decide(rows, 1).tolist() == [1, 1, 1]
    assert Decision(rule="threshold", threshold=0.75).decide(rows, 0).tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match="two labels"):
        Decision(rule="threshold", threshold=0.5).decide(np.ones((1, 3)) / 3, 0)
    with pytest.raises(ValidationError, match="needs a threshold"):
        Decision(rule="threshold")
