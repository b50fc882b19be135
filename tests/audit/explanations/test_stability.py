"""What hangs on its seed, or on a space, is found; what does not is steady."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from workbench.audit.explanations.attributor import Attribution, attributors
from workbench.audit.explanations.stability import StabilityProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.engines.local import Threads
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams
from workbench.text.words import words

SETTING = Setting(Streams(5), Decision(), "positive")
MODEL = LinearTextClassifier.binary({f"w{i}": float(np.sin(i)) for i in range(30)})


@dataclass(frozen=True)
class _Odd:
    """Scores that hang on the seed, and on whether there are double spaces."""

    seeded: ClassVar[bool] = True

    def attribute(self, model: Any, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        found = words(text)
        rng = np.random.default_rng([seed, "  " in text])
        return Attribution(
            tokens=tuple(word.text for word in found),
            spans=tuple((word.start, word.stop) for word in found),
            scores=rng.normal(size=len(found)),
            output="",
            completeness_gap=None,
            baseline=None,
            passes=0,
        )


@pytest.fixture(scope="module", autouse=True)
def registered():
    attributors._table["odd@1"] = _Odd
    yield
    del attributors._table["odd@1"]


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    examples = [
        Example(id=f"{i}", person=f"{i}", input=" ".join(rng.choice(list(MODEL._weights), 12)) + ".", label="positive")
        for i in range(20)
    ]
    corpus = Corpus(tuple(examples), MODEL.labels, "steady", "here", "test")
    probe = StabilityProbe(methods=("occlusion@1", "odd@1", "saliency@1"), examples=20)
    with engine_for(MODEL) as engine:
        _, evidence = run_probes(Run(engine, corpus, SETTING, None, "", lambda step: None, Threads()), [probe])
    return evidence[-1].result


def test_a_steady_method_is_steady_and_needs_no_seed(result):
    found = {(m.name, m.where["attributor"]): m for m in result.measurements}
    assert found["explanations.edit_stability", "occlusion@1"].value == pytest.approx(1)
    assert found["explanations.edit_stability", "occlusion@1"].interval.low < 1
    assert ("explanations.seed_stability", "occlusion@1") not in found
    notes = " ".join(one.text for one in result.exhibits)
    assert "seed_stability does not apply to occlusion@1, saliency@1: without chance" in notes


def test_what_hangs_on_seed_or_spaces_is_found(result):
    found = {(m.name, m.where["attributor"]): m for m in result.measurements}
    seeds = found["explanations.seed_stability", "odd@1"]
    assert abs(seeds.value) < 0.3
    assert seeds.interval.low < seeds.value < seeds.interval.high
    # Half of the edits leave it as it is (the final point), half do not (the spaces); there are no commas.
    assert found["explanations.edit_stability", "odd@1"].value == pytest.approx(0.5, abs=0.2)


def test_a_method_that_cannot_explain_is_left_out_not_counted_as_unsteady(result):
    assert not [m for m in result.measurements if m.where["attributor"] == "saliency@1"]
    assert any(one.text.startswith("saliency@1: no explanation of 20 of 20 texts") for one in result.exhibits)


def test_bad_parameters_are_refused():
    with pytest.raises(Misconfigured, match="examples"):
        StabilityProbe(examples=0)
    with pytest.raises(Misconfigured, match="moves"):
        StabilityProbe(moves=-1)


def test_sensitivity_is_that_of_methods_that_read_embeddings(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    texts = [
        "this dress is good",
        "a bad dress. too small",
        "lovely and soft",
        "it is rough, poor and bad",
        "i love it",
        "not for me",
    ]
    examples = tuple(Example(id=f"{i}", person=f"{i}", input=one, label=model.labels[0]) for i, one in enumerate(texts))
    corpus = Corpus(examples, model.labels, "tiny", "here", "test")
    setting = Setting(Streams(5), Decision(), model.labels[1])

    def measured(moves, batched):
        probe = StabilityProbe(
            methods=("input_x_gradient_l2@1", "integrated_gradients@1", "saliency@1", "occlusion@1"), moves=moves
        )
        with engine_for(model) as engine:
            asked = engine if batched else model
            items = [probe.item(asked, one, setting) for one in corpus]
        return probe.gather(items, corpus, setting)

    found = measured(4, batched=True)
    values = {m.where["attributor"]: m for m in found.measurements if m.name == "explanations.sensitivity_median"}
    assert set(values) == {"input_x_gradient_l2@1", "integrated_gradients@1", "saliency@1"}
    assert all(0 < one.interval.low <= one.value <= one.interval.high and one.n == 6 for one in values.values())
    notes = " ".join(one.text for one in found.exhibits)
    assert "sensitivity_median does not apply to occlusion@1" in notes
    alone = measured(4, batched=False)
    again = {m.where["attributor"]: m.value for m in alone.measurements if m.name == "explanations.sensitivity_median"}
    assert again == pytest.approx({name: one.value for name, one in values.items()}, rel=1e-3)
    assert not [m for m in measured(0, batched=True).measurements if m.name == "explanations.sensitivity_median"]
