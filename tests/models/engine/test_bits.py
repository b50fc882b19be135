"""A text's answer is the same, bit for bit, whatever else is asked, in whatever order, by however many threads."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from workbench import home
from workbench.errors import Misconfigured
from workbench.models.engine import OutOfRoom, engine_for
from workbench.models.engine.choice import FILE, PAYS_FROM, search_precision
from workbench.models.engine.room import is_steady, rooms
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Gradients, Searchable, searcher
from workbench.models.shapes import tables

WORDS = ("the", "a", "dress", "is", "was", "good", "bad", "fine", "poor", "lovely", "awful", "not", "very", "hated")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def texts(n: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return list({" ".join(rng.choice(WORDS) for _ in range(rng.choice((0, 1, 3, 9, 20, 60)))) for _ in range(n)})


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_company_order_and_threads_change_no_bit(tiny_checkpoint: Path, precision: str, device: str) -> None:
    model = load_checkpoint(tiny_checkpoint, device=device)
    asked = texts(150)
    with engine_for(model, precision=precision, cache_entries=0, threads=1) as engine:
        alone = {text: engine.search.predict_proba([text])[0].tobytes() for text in asked}
    for seed, threads in enumerate((1, 2, 3)):
        shuffled = random.Random(seed).sample(asked, len(asked))
        pieces = [shuffled[i : i + 7] for i in range(0, len(shuffled), 7)]
        with engine_for(model, precision=precision, cache_entries=0, threads=threads) as engine:

            def one(i: int, engine: Any = engine, pieces: Any = pieces) -> np.ndarray[Any, Any]:
                with engine.item(str(i)) as view:
                    return np.asarray(view.search.predict_proba(pieces[i]))

            with ThreadPoolExecutor(16) as pool:
                rows = np.concatenate(list(pool.map(one, range(len(pieces)))))
        assert {text: row.tobytes() for text, row in zip(shuffled, rows, strict=True)} == alone


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "roberta", "electra"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_of_every_architecture_and_table(
    build_checkpoint: Callable[..., Path], tmp_path: Path, architecture: str, precision: str
) -> None:
    model = load_checkpoint(build_checkpoint(tmp_path / "model", architecture=architecture))
    model = model if precision == "float32" else model.cast(precision)
    for table in tables("cpu", model.max_length):
        assert is_steady(model, table)


def test_answers_are_close_to_those_of_each_text_alone_unpadded(tiny_checkpoint: Path) -> None:
    model = load_checkpoint(tiny_checkpoint)
    asked = texts(60)
    with engine_for(model) as engine:
        got = engine.predict_proba(asked)
    for text, row in zip(asked, got, strict=True):
        (ids,) = model.tokenise([text])
        with torch.inference_mode():
            logits = model.network(**model.encoder.inputs([ids], torch.device("cpu"))).logits
        np.testing.assert_allclose(row, torch.softmax(logits[0].double(), -1).numpy(), atol=1e-6)


def test_gradients_of_many_texts_share_batches_and_are_those_of_each_alone(tiny_checkpoint: Path) -> None:
    model = load_checkpoint(tiny_checkpoint)
    asked = texts(40)
    with engine_for(model) as engine:
        assert isinstance(engine, Gradients)

        def one(i: int) -> tuple[torch.Tensor, torch.Tensor]:
            with engine.item(str(i)) as view:
                batch = view.encode([asked[i]])
                text = view.embed(batch.input_ids)
                return view.logit_gradients(torch.cat([text, 0.5 * text]), batch.attention_mask[0], i % 2)

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(one, range(len(asked))))
        again = [one(i) for i in range(len(asked))]
        assert engine.totals.batches < 4 * len(asked)
    for i, ((logits, gradient), (same, bits)) in enumerate(zip(found, again, strict=True)):
        assert torch.equal(logits, same)
        assert torch.equal(gradient, bits)
        batch = model.encode([asked[i]])
        point = model.embed(batch.input_ids).requires_grad_()
        expected = model.logits_from(point, batch.attention_mask)
        (slope,) = torch.autograd.grad(expected[:, i % 2].sum(), point)
        torch.testing.assert_close(logits[:1], expected.detach(), atol=1e-5, rtol=0)
        torch.testing.assert_close(gradient[:1], slope, atol=1e-5, rtol=0)


def test_the_twin_searches_and_the_model_answers(tiny_checkpoint: Path) -> None:
    model = load_checkpoint(tiny_checkpoint)
    with engine_for(model, precision="bfloat16") as engine:
        assert isinstance(engine, Searchable)
        twin = searcher(engine)
        exact, fast = engine.predict_proba(WORDS), twin.predict_proba(WORDS)
        assert not np.array_equal(exact, fast)
        np.testing.assert_allclose(exact, fast, atol=0.05)
        np.testing.assert_array_equal(exact, model.predict_proba(WORDS))
        assert engine.counts.forwards == twin.counts.forwards == len(WORDS)
    with engine_for(model) as engine:
        assert searcher(engine) is engine
    with engine_for(LinearTextClassifier.binary({"good": 1.0}), precision="bfloat16") as engine:
        assert searcher(engine) is engine, "no model is cast that cannot be"
    with pytest.raises(Misconfigured, match="precision 'float8'"):
        engine_for(model, precision="float8")


# --- which shapes, which precision -----------------------------------------------------------------------------------


class Unsteady(HuggingFaceTextClassifier):
    """Gives the second row of a batch other bits, as two threads in one matrix product do."""

    def probabilities(self, rows: Any, shape: Any) -> Any:
        found = super().probabilities(rows, shape)
        if len(rows) > 1:
            found[1] = np.nextafter(found[1], 0)
        return found


def test_a_model_whose_bits_depend_on_the_place_is_asked_one_by_one(tiny_checkpoint: Path) -> None:
    model = load_checkpoint(tiny_checkpoint)
    assert [name for name in rooms(model) if name] == [table.name for table in tables("cpu", 32)]
    assert list(rooms(LinearTextClassifier.binary({}))) == [None]
    model.__class__ = Unsteady
    assert list(rooms(model)) == [tables("cpu", 32)[-1].name]
    assert model.table.shape(5).rows == 1


def test_memory_runs_out_and_the_engine_says_so(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_checkpoint(tiny_checkpoint)
    real = model.probabilities

    def greedy(rows: Any, shape: Any) -> Any:
        if shape.rows * shape.length > 128:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory")
        return real(rows, shape)

    monkeypatch.setattr(model, "probabilities", greedy)
    outcomes = []
    for name in rooms(model):
        with engine_for(model) as engine:
            try:
                engine.predict_proba(["good", "very " * 20])
                outcomes.append(name)
                break
            except OutOfRoom:
                outcomes.append(None)
    assert outcomes == [None, None, tables("cpu", 32)[2].name]


def test_auto_is_decided_once(tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    model = load_checkpoint(tiny_checkpoint)
    timed: list[float] = [PAYS_FROM + 0.5, PAYS_FROM - 0.5]
    monkeypatch.setattr("workbench.models.engine.choice.speed_up", lambda model: timed.pop(0))
    first = search_precision(model, "auto")
    assert (first, search_precision(model, "auto")) == (first, first), "the second is not timed"
    assert first.precision == "bfloat16"
    assert "4.50 times" in first.because
    assert len(json.loads((home.home() / FILE).read_text())) == 1
    assert search_precision(model, "auto", worthwhile=False).precision == "float32"
    (tmp_path / FILE).write_text("damaged")
    assert search_precision(model, "auto").precision == "float32", "timed anew: too little to gain"
    assert search_precision(model, "bfloat16").precision == "bfloat16"
    with pytest.raises(Misconfigured, match="unknown precision 'half'"):
        search_precision(model, "half")


def test_a_choice_that_cannot_be_kept_is_float32(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("workbench.models.engine.choice.speed_up", lambda model: 9.0)
    assert search_precision(load_checkpoint(tiny_checkpoint), "auto").precision == "float32"


def test_threads_that_come_later_compute_as_before(tiny_checkpoint: Path) -> None:
    def later() -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(torch.get_num_threads).result()

    before, mine = later(), torch.get_num_threads()
    with engine_for(load_checkpoint(tiny_checkpoint)) as engine:
        engine.predict_proba(["good"])
    assert (later(), torch.get_num_threads()) == (before, mine)


def test_timing_finds_a_speed(tiny_checkpoint: Path) -> None:
    from workbench.models.engine.choice import speed_up

    threads = torch.get_num_threads()
    assert speed_up(load_checkpoint(tiny_checkpoint)) > 0
    assert torch.get_num_threads() == threads
    assert search_precision(LinearTextClassifier.binary({}), "auto").precision == "float64"


def test_an_open_engine_leaves_the_threads_of_others_alone(tiny_checkpoint: Path) -> None:
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with engine_for(model) as engine:
            engine.predict_proba(texts(3))
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(torch.get_num_threads).result() == 3
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
