from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field, replace

import pytest

from workbench.audit.performance.cost import Cost, without_engine


@dataclass
class Watched:
    """Counts what it is asked, and takes its time."""

    inner: object
    seconds: float = 0.0
    asked: list[int] = field(default_factory=list)
    distinct: list[int] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def predict_proba(self, inputs):
        self.asked.append(len(inputs))
        self.distinct.append(len(set(inputs)))
        time.sleep(self.seconds)
        return self.inner.predict_proba(inputs)


class Cached:
    """An engine that must not be timed."""

    def __init__(self, model):
        self.model = model

    def predict_proba(self, inputs):
        raise AssertionError("the cache was asked")


def test_times_the_bare_model_and_states_its_size(bench):
    _, simulate, setting = bench
    model, corpus = simulate(50)
    watched = Watched(model, seconds=0.002)
    result = Cost(calls=60, warm_up=2, batches=6, batch_size=8).measure(Cached(watched), corpus, setting())
    got = {m.name.removeprefix("cost."): m for m in result.measurements}
    assert list(got) == ["parameters", "bytes", "latency_p50", "latency_p95", "throughput", "peak_memory"]
    assert (got["parameters"].value, got["parameters"].interval) == (1234, None)
    assert (got["bytes"].value, got["bytes"].interval) == (5678, None)
    assert 0.002 <= got["latency_p50"].value <= got["latency_p95"].value
    assert got["latency_p50"].n == 60
    assert got["throughput"].value < 8 / 0.002
    assert got["throughput"].n == 6
    assert watched.asked[:3] == [8, 1, 1]
    assert watched.asked.count(1) == 62
    assert watched.asked.count(8) == 1 + 6 + 6
    for name in ("latency_p50", "latency_p95", "throughput", "peak_memory"):
        assert got[name].interval.low <= got[name].value <= got[name].interval.high
        assert "order statistics" in got[name].interval.method


def test_a_model_of_something_else_is_not_taken_for_the_model_behind_an_engine(bench):
    _, simulate, _ = bench
    model, _ = simulate(3)
    wrapper = Watched(model)
    wrapper.model = object()  # as a Hugging Face classifier holds a torch module
    assert without_engine(wrapper) is wrapper


def test_too_few_calls_for_a_tail_are_said_not_guessed(bench):
    _, simulate, setting = bench
    model, corpus = simulate(5)
    result = Cost(calls=20, batches=2, repeats=3).measure(model, corpus, setting())
    assert {m.name for m in result.measurements} == {"cost.parameters", "cost.bytes", "cost.latency_p50"}
    notes = [e.text for e in result.exhibits]
    assert "latency_p95 is not given: 20 timed calls are too few for a 95% interval." in notes
    assert any("throughput is not given" in note for note in notes)
    assert any("peak_memory is not given" in note for note in notes)


def test_an_empty_corpus_is_not_applicable(bench):
    _, simulate, setting = bench
    model, corpus = simulate(3)
    assert Cost().measure(model, corpus[:0], setting()).outcome == "not_applicable"


def test_peak_memory_sees_what_was_freed_again():
    """In a process of its own: one that ran other tests may fill 64 MB from what it holds, and shows no new peak."""
    code = """
import mmap
from workbench.audit.performance.memory import peak_memory

def loud():  # 64 MB, freed before the mark is read
    with mmap.mmap(-1, 64_000_000) as held:
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1

found = [peak_memory(work) for work in (lambda: None, loud, lambda: None)]
print(found[0].since_reset, *(peak.bytes for peak in found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    resettable, *found = done.stdout.split()
    if resettable != "True":
        pytest.skip("this system cannot reset the high-water mark")
    before, during, after = map(int, found)
    assert during - before > 50_000_000
    assert after < during - 40_000_000


def test_without_a_resettable_mark_the_highest_so_far_is_given(monkeypatch, tmp_path):
    from workbench.audit.performance import memory

    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "missing" / "clear_refs")
    found = memory.peak_memory(lambda: None)
    assert not found.since_reset
    assert found.bytes > 10_000_000


@pytest.mark.parametrize(("texts", "batch"), [(5, 5), (40, 8)])
def test_a_text_that_occurs_twice_is_timed_once(bench, texts, batch):
    _, simulate, setting = bench
    model, corpus = simulate(80)
    examples = tuple(replace(e, input=f"text {i % texts}") for i, e in enumerate(corpus.examples))
    watched = Watched(model)
    result = Cost(calls=40, batches=2, batch_size=8).measure(watched, replace(corpus, examples=examples), setting())
    assert watched.distinct == watched.asked
    assert set(watched.asked) == {1, batch}
    notes = [e.text for e in result.exhibits if "distinct" in e.text]
    assert notes == (["5 distinct texts were timed, over and over: the data hold no more."] if texts == 5 else [])


def test_a_model_that_can_serve_is_timed_serving(bench):
    _, simulate, setting = bench
    model, corpus = simulate(50)
    served = []

    class Serving(Cached):
        def __getattr__(self, name):
            return getattr(model, name)

        def serve(self, inputs):
            served.append(len(inputs))
            return model.predict_proba(inputs)

    result = Cost(calls=10, warm_up=2, batches=6, batch_size=8).measure(Serving(None), corpus, setting())
    assert result.outcome == "measured"
    assert served[:3] == [8, 1, 1]
    assert served.count(8) == 1 + 6 + 6
