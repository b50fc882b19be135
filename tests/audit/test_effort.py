"""What a step cost is counted from what really happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.audit.effort import Meter
from workbench.models.engine import OutOfRoom, engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.models.shapes import tables


def test_counts_are_those_of_the_step(tiny_checkpoint: Path) -> None:
    model, meter = load_checkpoint(tiny_checkpoint), Meter()
    with engine_for(model, precision="bfloat16") as engine:
        engine.predict_proba(["good"])
        with meter.step("first", engine, grows=True):
            engine.predict_proba(["good", "bad dress", "bad dress"])
            engine.search.predict_proba(["good"])
        with meter.step("second", engine, grows=False) as note:
            note.skipped()
    first, second = meter.efforts
    assert (first.asked, first.sequences) == (4, 2)
    assert first.tokens == 4 + 3, "with the two special tokens"
    assert first.computed_tokens == 2 * 512, "two batches, filled up"
    assert 0 < first.model_seconds <= first.seconds
    assert (first.complete, second.complete, second.asked, second.sequences) == (True, False, 0, 0)


def test_an_audit_tells_what_each_step_cost(tmp_path: Path) -> None:
    data = tmp_path / "mine.csv"
    rows = "".join(f"a good one {i},yes\na bad one {i},no\n" for i in range(30))
    data.write_text("text,label\n" + rows)
    model = LinearTextClassifier.binary({"good": 2.0, "bad": -2.0}, labels=("no", "yes"))
    record = workbench.audit(model, data).record
    by_step = {one.step: one for one in record.effort}
    assert by_step["predictions"].sequences == 60
    assert by_step["predictions"].grows
    assert not by_step["robustness.attack@1 (deepwordbug@1)"].grows
    assert not by_step["performance.cost@1"].grows
    assert by_step["performance.classification@1"].sequences == 0, "the answers are remembered"
    page = workbench.render(record)
    assert "What this audit cost, and what more data would" in page
    more = sum(one.sequences * (10 if one.grows else 1) for one in record.effort)
    assert f"it would send about {more:,} and take" in page


def test_an_audit_that_runs_out_of_memory_begins_again_in_smaller_batches(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.audit.profiles import PROFILES

    monkeypatch.setitem(PROFILES, "quick", (("performance.classification@1", {"replicates": 50}),))
    data = tmp_path / "mine.csv"
    data.write_text("text,label\n" + "".join(f"good dress {i},positive\nbad dress {i},negative\n" for i in range(20)))
    model: Any = load_checkpoint(tiny_checkpoint)
    expected = workbench.audit(model, data).record
    assert expected.audit.shapes == tables("cpu", 32)[0].name
    real = model.probabilities

    def greedy(rows: Any, shape: Any) -> Any:
        if shape.rows * shape.length > limit:
            raise MemoryError("planted")
        return real(rows, shape)

    monkeypatch.setattr(model, "probabilities", greedy)
    limit = 128
    record = workbench.audit(model, data, out=tmp_path / "out").record
    assert record.audit.shapes == tables("cpu", 32)[2].name
    accuracy = record.find("performance.accuracy")
    assert accuracy == expected.find("performance.accuracy")
    limit = 0
    with pytest.raises(workbench.errors.MissingResource, match="cannot read a single one"):
        workbench.audit(model, data, out=tmp_path / "out")
    assert not issubclass(OutOfRoom, Exception)
