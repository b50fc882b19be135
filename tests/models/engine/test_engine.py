from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import Misconfigured
from workbench.models.engine import Engine, engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Classifier, Differentiable, FloatArray, Truncating


class Recording(LinearTextClassifier):
    """Remembers what it was asked."""

    asked: list[list[str]]

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        self.asked.append(list(inputs))
        return super().predict_proba(inputs)


@pytest.fixture
def model() -> Recording:
    made = Recording({"good": (0.0, 1.0), "bad": (0.0, -1.0)}, ("no", "yes"))
    made.asked = []
    return made


def test_asks_once_per_text(model: Recording) -> None:
    engine = engine_for(model)
    texts = ["good", "bad dress", "good", ""]
    np.testing.assert_array_equal(engine.predict_proba(texts), LinearTextClassifier.predict_proba(model, texts))
    engine.predict_proba(["bad dress", "good good"])
    assert sorted(text for asked in model.asked for text in asked) == ["", "bad dress", "good", "good good"]
    assert engine.counts == (6, 4, 2)


def test_order_does_not_change_what_the_model_sees(model: Recording) -> None:
    engine_for(model).predict_proba(["b", "a", "ccc"])
    engine_for(model).predict_proba(["ccc", "b", "a"])
    assert model.asked[0] == model.asked[1]


def test_memory_is_bounded_and_forgets_the_least_recent(model: Recording) -> None:
    engine = engine_for(model, cache_entries=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        engine.predict_proba([text])
    assert model.asked == [["a"], ["b"], ["c"], ["b"]]


def test_no_memory(model: Recording) -> None:
    engine = engine_for(model, cache_entries=0)
    engine.predict_proba(["a", "a"])
    engine.predict_proba(["a"])
    assert model.asked == [["a"], ["a"]]


def test_more_texts_than_memory(model: Recording) -> None:
    texts = [f"good {i}" for i in range(700)]
    got = engine_for(model, cache_entries=10).predict_proba(texts)
    np.testing.assert_array_equal(got, LinearTextClassifier.predict_proba(model, texts))


def test_remembers_what_it_is_told(model: Recording) -> None:
    engine = engine_for(model)
    engine.remember(["good"], np.array([[0.25, 0.75]]))
    np.testing.assert_array_equal(engine.predict_proba(["good"]), [[0.25, 0.75]])
    assert model.asked == []


def test_answers_cannot_be_changed_from_outside(model: Recording) -> None:
    engine = engine_for(model)
    first = engine.predict_proba(["good"])
    expected = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(engine.predict_proba(["good"]), expected)


def test_progress_of_a_long_request(model: Recording) -> None:
    seen: list[tuple[int, int]] = []
    engine = engine_for(model, on_progress=lambda done, total: seen.append((done, total)))
    engine.predict_proba([str(i) for i in range(600)])
    assert seen == [(0, 600), (512, 600), (600, 600)]


def test_nothing_asked(model: Recording) -> None:
    assert engine_for(model).predict_proba([]).shape == (0, 2)
    assert model.asked == []


def test_errors_reach_the_caller_and_are_not_remembered(model: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_for(model)
    with monkeypatch.context() as patch:
        patch.setattr(model, "predict_proba", lambda inputs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            engine.predict_proba(["good"])
    assert engine.predict_proba(["good"]).shape == (1, 2)


def test_an_error_early_in_a_long_request_gives_up_the_rest(model: Recording) -> None:
    class Picky(Recording):
        def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
            if "a" in inputs:
                raise ZeroDivisionError("planted")
            return super().predict_proba(inputs)

    picky = Picky({}, ("no", "yes"))
    picky.asked = []
    with engine_for(picky) as engine:
        with pytest.raises(ZeroDivisionError):
            engine.predict_proba(["a", *(f"good {i}" for i in range(3000))])
        assert sum(map(len, picky.asked)) <= 1024 + 512
        assert engine.predict_proba(["good"]).shape == (1, 2)


def test_threads_may_share_it(model: Recording) -> None:
    engine = engine_for(model, cache_entries=50)
    texts = [f"good {i % 120}" for i in range(2_000)]
    with ThreadPoolExecutor(8) as pool:
        got = np.concatenate(list(pool.map(lambda i: engine.predict_proba(texts[i : i + 20]), range(0, 2_000, 20))))
    np.testing.assert_array_equal(got, LinearTextClassifier.predict_proba(model, texts))
    assert engine.counts.queries == 2_000


def test_protocols_are_those_of_the_model(model: Recording, tiny_checkpoint: Path) -> None:
    black, white = engine_for(model), engine_for(load_checkpoint(tiny_checkpoint))
    for engine in (black, white):
        assert isinstance(engine, Engine)
        assert isinstance(engine, Classifier)
    assert not isinstance(black, Differentiable)
    assert not isinstance(black, Truncating)
    assert isinstance(white, Differentiable)
    assert isinstance(white, Truncating)
    batch = white.encode(["good dress"])
    logits = white.logits_from(white.embed(batch.input_ids), batch.attention_mask)
    probabilities = logits.double().softmax(-1).detach().numpy()
    np.testing.assert_allclose(probabilities, white.predict_proba(["good dress"]), atol=1e-6)
    assert white.truncated(["a " * 100]) == 1
    assert white.card == white.model.card


def test_negative_memory_is_refused(model: Recording) -> None:
    with pytest.raises(Misconfigured, match="cache_entries"):
        engine_for(model, cache_entries=-1)
