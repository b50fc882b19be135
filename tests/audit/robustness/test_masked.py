"""BAE with a masked language model that the user names: it proposes, the attack tries, the record says which it was."""

from __future__ import annotations

import json
import shutil

import pytest

from workbench.audit.probe import Setting
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.robustness.recipes import listed, recipes
from workbench.audit.robustness.victim import Victim
from workbench.audit.runner import Run, run_probes
from workbench.audit.store import Store
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.record import Measured, NotApplicable
from workbench.home import MASKED_LM
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.models.masked_lm import masked_lm
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
MODEL = LinearTextClassifier.binary({"lovely": 3.0, "awful": -1.0}, bias=-2.0)
TEXT = "i loved the lovely dress"
TEXTS = [f"i loved the lovely dress number {i}" for i in range(6)]


@pytest.fixture(autouse=True)
def _ready(textattack):
    """Nothing here runs without TextAttack."""


@pytest.fixture
def named(tiny_masked_lm, monkeypatch):
    monkeypatch.setenv(MASKED_LM, str(tiny_masked_lm))


def corpus():
    rows = tuple(Example(f"{i}", f"{i}", text, "positive") for i, text in enumerate(TEXTS))
    return Corpus(rows, ("negative", "positive"), "toy", "here")


def attack(model=MODEL, text=TEXT, budget=200):
    return recipes["bae@1"]().attack(Victim(model, SETTING.decision, 1), text, 1, budget=budget, seed=0)


def test_the_model_proposes_and_the_word_that_matters_goes(named):
    found = attack()
    assert found.rewritten == "i loved the awful dress"
    assert recipes["bae@1"]().broken(TEXT, found.rewritten) is None
    assert attack() == found
    assert not found.exhausted


def test_no_budget_is_exceeded(named):
    asked = 0

    class Stubborn(LinearTextClassifier):
        def predict_proba(self, inputs):
            nonlocal asked
            asked += len(inputs)
            return super().predict_proba(inputs)

    for budget in (2, 3, 7, 30):
        asked = 0
        found = attack(Stubborn.binary({"dress": 1e-3}, bias=2.0), "a very lovely dress and soft hat", budget)
        assert found.rewritten is None
        assert asked <= found.queries <= budget
        assert found.exhausted == (found.queries == budget)


@pytest.mark.parametrize("text", ["", "!", "👍", "是", "[MASK] lovely", "a [MASK] b", f"lovely {'dress ' * 60}"])
def test_odd_texts_do_not_crash_it(named, text):
    assert attack(LinearTextClassifier.binary({}, bias=2.0), text, 60).rewritten is None


def test_without_a_model_the_variable_is_named_and_what_would_do(monkeypatch):
    monkeypatch.delenv(MASKED_LM, raising=False)
    found = AttackProbe(recipe="bae@1").select(MODEL, corpus(), SETTING)
    assert isinstance(found, NotApplicable)
    assert MASKED_LM in found.reason
    assert "or use pwws@1" in found.reason
    assert AttackProbe(recipe="bae@1").uses() == {}


@pytest.mark.wordnet
def test_it_is_listed_as_running_once_a_model_is_named(named):
    assert "bae@1" in [one.name for one in listed() if one.missing is None]


def test_the_record_says_which_model_and_another_is_another_audit(tmp_path, named, tiny_masked_lm, monkeypatch):
    store = Store(tmp_path / "store")

    def audited():
        with engine_for(MODEL) as engine:
            run = Run(engine, corpus(), SETTING, store, "key", lambda step: None)
            (evidence,) = run_probes(run, [AttackProbe(recipe="bae@1", examples=6)])[1]
        assert isinstance(evidence.result, Measured), evidence.result
        return evidence.result

    first = audited()
    assert {one.rewritten.split()[3] for one in first.exhibits if isinstance(one, Rewrite)} == {"awful"}
    told = [one.text for one in first.exhibits if isinstance(one, Note)]
    assert f"Used: the masked language model tiny-mlm (sha256 {masked_lm().digest})." in told
    assert audited() == first

    other = shutil.copytree(tiny_masked_lm, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-9}))
    monkeypatch.setenv(MASKED_LM, str(other))
    again = [one.text for one in audited().exhibits if isinstance(one, Note)]
    assert masked_lm().digest not in " ".join(told)
    assert f"Used: the masked language model other (sha256 {masked_lm().digest})." in again
