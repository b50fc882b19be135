"""The runner: no crash looks clean, finished work is kept, row order and interruption change nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from workbench.audit.probe import Setting
from workbench.audit.runner import Run, Step, describe, run_probes
from workbench.audit.store import Store
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import MissingResource, Unwritable
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Classifier, Differentiable
from workbench.seeds import Streams


def corpus(n: int = 6) -> Corpus:
    examples = tuple(
        Example(f"e{i}", f"p{i}", f"good text {i}" if i % 2 else f"bad text {i}", "yes" if i % 2 else "no")
        for i in range(n)
    )
    return Corpus(examples, ("no", "yes"), "toy", "made in the test")


def model() -> LinearTextClassifier:
    return LinearTextClassifier({"good": (0.0, 2.0), "bad": (2.0, 0.0)}, labels=("no", "yes"))


def run(store: Store | None = None, *, data: Corpus | None = None, steps: list[Step] | None = None) -> Run:
    seen = [] if steps is None else steps
    return Run(engine_for(model()), data or corpus(), Setting(Streams(0), Decision(), "yes"), store, "key", seen.append)


class _Text:
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type] = Classifier


@dataclass(frozen=True)
class Count(_Text):
    name: ClassVar[str] = "toy.count@1"
    scale: float = 1.0

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured:
        value = float(model.predict_proba(corpus.inputs)[:, 1].sum()) * self.scale
        interval = Interval(low=value, high=value, method="none: a test")
        return Measured(
            measurements=(
                Measurement(
                    name="toy.count", value=value, unit="count", better="neither", n=len(corpus), interval=interval
                ),
            )
        )


@dataclass(frozen=True)
class Crash(_Text):
    name: ClassVar[str] = "toy.crash@1"

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured:
        raise ZeroDivisionError("planted")


@dataclass(frozen=True)
class Lacking(_Text):
    name: ClassVar[str] = "toy.lacking@1"

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured:
        raise MissingResource("needs the planted resource; get it by planting it")


@dataclass(frozen=True)
class Images(_Text):
    name: ClassVar[str] = "toy.images@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.IMAGE_CLASSIFICATION})

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured:
        raise AssertionError("must not be called")


@dataclass(frozen=True)
class Gradients(Images):
    name: ClassVar[str] = "toy.gradients@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type] = Differentiable


@dataclass(frozen=True)
class Each(_Text):
    """An item probe that counts how often it really worked."""

    name: ClassVar[str] = "toy.each@1"
    worked: ClassVar[list[str]] = []
    stop_at: ClassVar[str | None] = None

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example]:
        return tuple(corpus)

    def item(self, model: Classifier, example: Example, setting: Setting) -> Rewrite:
        if example.id == self.stop_at:
            raise KeyboardInterrupt
        self.worked.append(example.id)
        draw = float(setting.streams.stream(self.name, example.id).random())
        return Rewrite(
            example=example.id,
            recipe="toy@1",
            outcome="resisted",
            label=example.label,
            original=example.input,
            rewritten=None,
            predicted_before=example.label,
            predicted_after=None,
            probability_before=draw,
            queries=1,
            words=3,
        )

    def gather(self, items: Sequence[Rewrite], corpus: Corpus, setting: Setting) -> Measured:
        return Measured(measurements=(), exhibits=tuple(items))


def test_a_crash_becomes_failed_and_the_audit_goes_on() -> None:
    _, (crashed, counted) = run_probes(run(), [Crash(), Count()])
    assert isinstance(crashed.result, Failed)
    assert "ZeroDivisionError: planted" in crashed.result.error
    assert "test_runner.py, line" in crashed.result.error, "the place, without anybody's path"
    assert isinstance(counted.result, Measured)


def test_a_measurement_that_nothing_tells_from_an_earlier_one_is_a_failure() -> None:
    steps: list[Step] = []
    _, (first, crashed, second) = run_probes(run(steps=steps), [Count(), Crash(), Count(scale=2.0)])
    assert isinstance(first.result, Measured)
    assert "planted" in getattr(crashed.result, "error", "")
    assert isinstance(second.result, Failed)
    assert "toy.count (without facets) has been measured already in this audit" in second.result.error
    assert second.params == {"scale": 2.0}
    assert steps[-1].outcome == describe(second.result)


def test_what_cannot_run_says_why() -> None:
    _, evidence = run_probes(run(), [Lacking(), Images(), Gradients()])
    reasons = [e.result.reason for e in evidence if isinstance(e.result, NotApplicable)]
    assert len(reasons) == 3
    assert "get it by planting it" in reasons[0]
    assert "does not judge text-classification" in reasons[1]
    assert "gradients" in reasons[2]


def test_params_are_recorded_and_rebuild_the_probe() -> None:
    _, (evidence,) = run_probes(run(), [Count(scale=3.0)])
    assert evidence.params == {"scale": 3.0}
    assert Count(**evidence.params) == Count(scale=3.0)


def test_an_interrupted_audit_continues_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, (whole,) = run_probes(run(), [Each()])
    Each.worked.clear()
    monkeypatch.setattr(Each, "stop_at", "e3")
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_probes(run(store), [Each()])
    store.close()
    assert Each.worked == ["e0", "e1", "e2"]

    Each.worked.clear()
    monkeypatch.setattr(Each, "stop_at", None)
    _, (resumed,) = run_probes(run(Store(tmp_path)), [Each()])
    assert Each.worked == ["e3", "e4", "e5"], "finished items are not done again"
    assert resumed.result == whole.result


@dataclass(frozen=True)
class Steps(_Text):
    name: ClassVar[str] = "toy.steps@1"
    stop_at: ClassVar[str | None] = None
    worked: ClassVar[list[str]] = []

    def steps(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[str] | NotApplicable:
        return ("one", "two", "three") if len(corpus) > 1 else NotApplicable(reason="too few")

    def step(self, name: str, model: Classifier, corpus: Corpus, setting: Setting) -> str:
        if name == self.stop_at:
            raise KeyboardInterrupt
        self.worked.append(name)
        return json.dumps([name, float(model.predict_proba(corpus.inputs)[:, 1].sum())])

    def conclude(
        self, found: Mapping[str, str], model: Classifier, corpus: Corpus, setting: Setting
    ) -> Measured | NotApplicable:
        return Measured(measurements=(), exhibits=tuple(Note(text=f"{name}: {one}") for name, one in found.items()))

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        raise AssertionError("the runner takes the steps")


def test_a_probe_of_long_steps_keeps_each_and_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Step] = []
    _, (whole,) = run_probes(run(steps=told), [Steps()])
    assert [one.text.partition(":")[0] for one in whole.result.exhibits] == ["one", "two", "three"]
    assert [(one.done, one.total) for one in told if one.name == Steps.name] == [
        (0, None), (0, 3), (1, 3), (2, 3), (1, 1),
    ]  # fmt: skip

    Steps.worked.clear()
    monkeypatch.setattr(Steps, "stop_at", "three")
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_probes(run(store), [Steps()])
    store.close()
    assert Steps.worked == ["one", "two"]

    Steps.worked.clear()
    monkeypatch.setattr(Steps, "stop_at", None)
    _, (resumed,) = run_probes(run(Store(tmp_path)), [Steps()])
    assert Steps.worked == ["three"], "finished steps are not taken again"
    assert resumed.result == whole.result

    _, (none,) = run_probes(run(data=corpus(1)), [Steps()])
    assert none.result == NotApplicable(reason="too few")


def test_a_failed_probe_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    _, (failed,) = run_probes(run(store), [Crash()])
    assert isinstance(failed.result, Failed)
    monkeypatch.setattr(Crash, "measure", Count.measure)
    monkeypatch.setattr(Crash, "scale", 1.0, raising=False)
    _, (mended,) = run_probes(run(store), [Crash()])
    assert isinstance(mended.result, Measured)


def test_what_lacked_a_resource_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    _, (lacking,) = run_probes(run(store), [Lacking()])
    assert isinstance(lacking.result, NotApplicable)
    monkeypatch.setattr(Lacking, "measure", Count.measure)
    monkeypatch.setattr(Lacking, "scale", 1.0, raising=False)
    _, (supplied,) = run_probes(run(store), [Lacking()])
    assert isinstance(supplied.result, Measured), "the resource may have been supplied since"


def test_a_second_audit_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.put("key", "value")
    with pytest.raises(Unwritable, match="another audit is writing"):
        Store(tmp_path)
    first.close()
    again = Store(tmp_path)
    assert again.get("key") == "value"
    again.discard()
    assert not list(tmp_path.iterdir())


def test_a_damaged_store_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "audit.sqlite").write_bytes(b"not a database at all, but long enough to be read as one" * 10)
    with pytest.raises(Unwritable, match="remove that file"):
        Store(tmp_path)


def test_stored_predictions_are_the_same_bits(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, _ = run_probes(run(store), [])
    again = run(store)
    second, _ = run_probes(again, [])
    assert np.array_equal(first, second)
    assert again.engine.predict_proba(corpus().inputs).tobytes() == first.tobytes()
    assert first == pytest.approx(model().predict_proba(corpus().inputs), abs=0)


def test_row_order_changes_nothing() -> None:
    shuffled = Corpus(tuple(reversed(corpus().examples)), ("no", "yes"), "toy", "made in the test")
    _, one = run_probes(run(), [Count(), Each()])
    _, two = run_probes(run(data=shuffled.canonical()), [Count(), Each()])
    assert [e.result for e in one] == [e.result for e in two]


def test_progress_names_every_step_and_its_outcome() -> None:
    steps: list[Step] = []
    run_probes(run(steps=steps), [Count(), Crash()])
    ended = {step.name: step.outcome for step in steps if step.outcome}
    assert ended["predictions"] == "measured"
    assert ended["toy.count@1"] == "measured"
    assert ended["toy.crash@1"].startswith("failed: ZeroDivisionError")


def test_a_full_disk_stops_the_audit_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put("kept", "value")
    store._connection.execute("PRAGMA max_page_count = 4")
    with pytest.raises(Unwritable, match="free some space and run the same command again"):
        store.put("large", "x" * 100_000)
    assert store.get("kept") == "value"


def test_describe_says_each_outcome() -> None:
    assert describe(Measured(measurements=(), exhibits=(Note(text="x"),))) == "measured"
    assert describe(NotApplicable(reason="no groups")) == "not applicable: no groups"
    assert describe(Failed(error="E")) == "failed: E"
