"""Searching on a faster twin: what it finds is confirmed, what it misses is estimated; planted faults are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from workbench.audit.probe import RepeatingProbe, Setting
from workbench.audit.profiles import gains_from_twin, profile
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.runner import Run, run_probes
from workbench.audit.store import Store
from workbench.data.corpus import Corpus, Example
from workbench.engines.local import Threads
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.intervals import wilson
from workbench.evidence.record import Measured
from workbench.models.engine import Engine, engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import FloatArray
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
BRITTLE = {"lovely": 4.0}
"""Positive exactly where 'lovely' is spelled right."""


class Castable(LinearTextClassifier):
    """A model with a twin of the test's choosing."""

    twin: LinearTextClassifier

    def cast(self, precision: str) -> LinearTextClassifier:
        self.twin.precision = precision  # type: ignore[attr-defined]
        return self.twin


def engine(weights: dict[str, float], twin: LinearTextClassifier) -> Engine:
    model = Castable.binary(weights, bias=-2.0)
    assert isinstance(model, Castable)
    model.twin = twin
    return engine_for(model, precision="bfloat16")


def corpus(n: int) -> Corpus:
    rows = tuple(Example(f"{i:03d}", f"p{i}", f"a lovely dress number {i}", "positive") for i in range(n))
    return Corpus(rows, ("negative", "positive"), "toy", "test")


def attacked(engine: Engine, n: int, store: Store | None = None) -> Measured:
    with engine:
        run = Run(engine, corpus(n), SETTING, store, "key", lambda step: None, Threads())
        _, (evidence,) = run_probes(run, [AttackProbe(examples=n)])
    assert isinstance(evidence.result, Measured), evidence.result
    return evidence.result


def rewrites(measured: Measured) -> list[Rewrite]:
    return [exhibit for exhibit in measured.exhibits if isinstance(exhibit, Rewrite)]


def found(measured: Measured) -> dict[str, Any]:
    return {one.name.partition(".")[2]: one for one in measured.measurements}


def notes(measured: Measured) -> str:
    return " ".join(exhibit.text for exhibit in measured.exhibits if isinstance(exhibit, Note))


def test_a_twin_that_agrees_finds_everything(textattack: Any) -> None:
    measured = attacked(engine(BRITTLE, LinearTextClassifier.binary(BRITTLE, bias=-2.0)), 8)
    assert found(measured)["attack_success_rate"].value == 1
    assert {one.search_precision for one in rewrites(measured)} == {"bfloat16"}
    assert "search_missed_rate" not in found(measured), "nothing resisted, so nothing was searched again"
    assert "Searches ran in bfloat16; every success was confirmed in float32." in notes(measured)


def test_a_blind_twin_is_found_out(textattack: Any) -> None:
    """The planted fault: a twin that never sees a success. All of a small sample is searched again and found."""
    measured = attacked(engine(BRITTLE, LinearTextClassifier.binary({}, bias=3.0)), 12)
    assert found(measured)["search_missed_rate"].value == 1
    assert found(measured)["search_missed_rate"].interval == wilson(12, 12)
    assert found(measured)["attack_success_rate"].value == 1, "what float32 finds stands"
    assert {one.repeated for one in rewrites(measured)} == {"missed"}
    said = "12 texts that resisted in bfloat16, drawn at random, were searched again in float32: 12 of them fell"
    assert said in notes(measured)


def test_of_many_that_resisted_a_tenth_and_at_least_twenty_are_searched_again(textattack: Any) -> None:
    probe = AttackProbe()
    assert isinstance(probe, RepeatingProbe)
    one = Rewrite(
        example="e", recipe="r", outcome="resisted", label="positive", original="o", rewritten=None,
        predicted_before="positive", predicted_after=None, probability_before=0.9, queries=3, words=1,
        search_precision="bfloat16",
    )  # fmt: skip

    def chosen(n: int, **changes: Any) -> Sequence[int]:
        return probe.repeats([one.model_copy(update={"example": f"e{i}", **changes}) for i in range(n)], SETTING)

    assert len(chosen(7)) == 7
    assert len(chosen(150)) == 20
    assert len(chosen(411)) == 42
    assert list(chosen(150)) == sorted(chosen(150))
    assert chosen(150) != list(range(20)), "drawn at random"
    assert chosen(150, outcome="succeeded") == []
    assert chosen(150, search_precision="float32") == []
    assert len(chosen(30, outcome="exhausted")) == 20


def test_false_successes_are_searched_again_in_float32(textattack: Any) -> None:
    """A twin that falls for 'dress' leads to rewrites that the model does not fall for."""
    measured = attacked(engine({"lovely": 4.0}, LinearTextClassifier.binary({"dress": 4.0}, bias=-2.0)), 6)
    assert {(one.outcome, one.unconfirmed, one.search_precision) for one in rewrites(measured)} == {
        ("succeeded", True, "float32")
    }
    assert all("lovely" not in str(one.rewritten) for one in rewrites(measured))
    assert "6 successes of the bfloat16 search were not confirmed in float32" in notes(measured)


def test_a_twin_that_decides_otherwise_to_begin_with_is_not_searched(textattack: Any) -> None:
    measured = attacked(engine(BRITTLE, LinearTextClassifier.binary({}, bias=-3.0)), 4)
    assert {(one.outcome, one.search_precision) for one in rewrites(measured)} == {("succeeded", "float32")}


def test_without_a_twin_nothing_is_said_of_one(textattack: Any) -> None:
    measured = attacked(engine_for(LinearTextClassifier.binary(BRITTLE, bias=-2.0)), 4)
    assert {one.search_precision for one in rewrites(measured)} == {"float32"}
    assert "bfloat16" not in notes(measured)


def test_only_profiles_that_search_much_may_gain_from_a_twin() -> None:
    assert not gains_from_twin(profile("quick"))
    assert not gains_from_twin(profile("standard")), "of 100 texts too many are searched again"
    assert gains_from_twin(profile("full"))


@dataclass(frozen=True)
class Interrupted:
    """A store that ends the process, as it were, after so many items."""

    store: Store
    left: list[int]

    def get(self, key: str) -> str | None:
        return self.store.get(key)

    def put(self, key: str, value: str) -> None:
        if not self.left[0]:
            raise KeyboardInterrupt
        self.left[0] -= 1
        self.store.put(key, value)


@pytest.mark.parametrize("after", [3, 14, 19])
def test_an_audit_killed_in_either_stage_ends_the_same(textattack: Any, tmp_path: Any, after: int) -> None:
    def fresh() -> Engine:
        return engine(BRITTLE, LinearTextClassifier.binary({}, bias=3.0))

    whole = attacked(fresh(), 12)
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        attacked(fresh(), 12, Interrupted(store, [after]))  # type: ignore[arg-type]
    kept = len(store)
    assert kept == after
    assert attacked(fresh(), 12, store) == whole


class Slow(LinearTextClassifier):
    """Remembers how many texts it was asked about at once."""

    calls: list[int]

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        self.calls.append(len(inputs))
        return super().predict_proba(inputs)


def test_many_attacks_at_once_are_the_attacks_one_by_one(textattack: Any) -> None:
    from workbench.models.engine.workers import OneByOne

    weights = {"lovely": 3.0, "dress": 1.0, "number": -0.5}
    results, calls = [], []
    for workers in (OneByOne(), Threads(2), Threads(32)):
        model = Slow.binary(weights, bias=-2.0)
        assert isinstance(model, Slow)
        model.calls = []
        with engine_for(model) as engine:
            run = Run(engine, corpus(16), SETTING, None, "key", lambda step: None, workers)
            results.append(run_probes(run, [AttackProbe(examples=16)])[1][0].result)
        calls.append(len(model.calls))
    assert results[0] == results[1] == results[2]
    assert calls[2] < calls[0] / 2, "they share batches, even on a machine that is busy"
