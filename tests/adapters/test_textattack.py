import importlib.util
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from workbench.adapters.textattack import search
from workbench.errors import MissingResource
from workbench.models.linear import LinearTextClassifier

MODEL = LinearTextClassifier.binary({"lovely": 3.0, "soft": 1.0}, bias=-0.5)
TEXT = "The fabric is lovely and quite soft on the skin"


def attack(text=TEXT, label=1, *, model=MODEL, budget=500, seed=0):
    return search("DeepWordBugGao2018", model.predict_proba, text, label, budget=budget, seed=seed)


def test_finds_the_decisive_words(textattack):
    found = attack()
    assert found.rewritten is not None
    assert MODEL.predict_proba([found.rewritten])[0].argmax() == 0
    changed = {old for old, new in zip(TEXT.split(), found.rewritten.split(), strict=True) if old != new}
    assert changed == {"lovely", "soft"}  # log-odds 3.5: 'lovely' alone leaves 0.5
    assert not found.exhausted
    assert 1 < found.queries < 50


def test_is_decided_by_the_seed_alone(textattack):
    random.seed(1)
    np.random.seed(1)
    one = attack(seed=7)
    random.seed(2)
    np.random.seed(2)
    assert attack(seed=7) == one
    assert len({attack(seed=seed).rewritten for seed in range(5)}) > 1


def test_gives_the_generators_back(textattack):
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    attack()
    with pytest.raises(ZeroDivisionError):
        search("DeepWordBugGao2018", lambda texts: 1 / 0, TEXT, 1, budget=5, seed=0)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_never_asks_more_than_the_budget_and_says_when_it_is_spent(textattack):
    asked = []

    def scores(texts):
        asked.extend(texts)
        return np.tile([0.1, 0.9], (len(texts), 1))

    for budget in (2, 5, 9, 30):
        asked.clear()
        found = search("DeepWordBugGao2018", scores, TEXT, 1, budget=budget, seed=0)
        assert found.rewritten is None
        assert len(asked) <= found.queries <= budget
        assert found.exhausted == (found.queries == budget)
    assert not search("DeepWordBugGao2018", scores, TEXT, 1, budget=500, seed=0).exhausted


def test_a_text_decided_otherwise_is_refused(textattack):
    with pytest.raises(ValueError, match="to begin with"):
        attack(label=0)


def test_one_call_per_step_of_the_search(textattack):
    calls = []

    def scores(texts):
        calls.append(len(texts))
        return MODEL.predict_proba(texts)

    words = " ".join(f"word{i}" for i in range(100))
    search("DeepWordBugGao2018", scores, f"{words} lovely", 1, budget=500, seed=0)
    assert calls[:2] == [1, 101]  # the text; every word masked once, in one batch


@pytest.mark.slow
def test_import_leaves_the_process_as_it_was(textattack):
    """In a fresh process, with every warning an error."""
    code = """
        import os, socket, sys, warnings
        def refuse(*_): raise OSError("reached for the network")
        socket.socket.connect = refuse
        before = dict(os.environ)
        from workbench.adapters.textattack import require_textattack
        assert "textattack" not in sys.modules
        import nltk, transformers, torch
        filters = list(warnings.filters)
        require_textattack()
        changed = {k for k in before.keys() | os.environ.keys() if before.get(k) != os.environ.get(k)}
        print(sorted(changed), os.environ["TOKENIZERS_PARALLELISM"], warnings.filters == filters)
        import textattack
        assert textattack.shared.utils.install.TEXTATTACK_CACHE_DIR.startswith(os.environ["WORKBENCH_HOME"])
    """
    env = {k: v for k, v in os.environ.items() if k not in ("TOKENIZERS_PARALLELISM", "TA_CACHE_DIR", "HF_HOME")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning:importlib", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, env=env, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['TOKENIZERS_PARALLELISM'] false True"
    assert done.stderr == ""


def _fresh(code, **env):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, env={**os.environ, **env}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


REPORT = """
    from workbench.adapters.textattack import require_textattack
    from workbench.errors import MissingResource
    try:
        require_textattack()
    except MissingResource as error:
        print(error)
"""


def test_without_textattack_the_remedy_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "textattack" else real(name))
    for name in [name for name in sys.modules if name.split(".")[0] == "textattack"]:
        monkeypatch.delitem(sys.modules, name)
    from workbench.adapters.textattack import require_textattack

    with pytest.raises(MissingResource, match=r"not installed: .*--no-deps textattack==0\.3\.11"):
        require_textattack()


@pytest.mark.slow
def test_without_langdetect_the_remedy_is_named(textattack):
    block = "import sys\nsys.modules['langdetect'] = None\n"
    said = _fresh(block + textwrap.dedent(REPORT))
    assert "langdetect" in said
    assert "trust-workbench[attacks]" in said


@pytest.mark.slow
def test_without_stopwords_the_remedy_is_named(textattack, tmp_path):
    said = _fresh(REPORT, WORKBENCH_HOME=str(tmp_path), NLTK_DATA=str(tmp_path), HOME=str(tmp_path))
    assert "stopwords" in said
    assert "make setup" in said


def test_same_rewrites_as_stock_textattack(textattack, tiny_checkpoint):
    """TextAttack's own wrapper pads to the model's maximum; ours does not. The outcomes must be the same."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from workbench.models.hugging_face import load_checkpoint

    ours = load_checkpoint(tiny_checkpoint, device="cpu")
    network = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    stock = textattack.models.wrappers.HuggingFaceModelWrapper(network, AutoTokenizer.from_pretrained(tiny_checkpoint))
    texts = ["this dress is lovely and soft and it fits well", "i hated the rough dress", "very small but i loved it"]
    for number, text in enumerate(texts):
        label = int(ours.predict_proba([text])[0].argmax())
        found = search("DeepWordBugGao2018", ours.predict_proba, text, label, budget=500, seed=number)
        recipe = textattack.attack_recipes.DeepWordBugGao2018.build(stock)
        recipe.goal_function.query_budget = 500
        random.seed(number)
        np.random.seed(number)
        result = recipe.attack(text, label)
        succeeded = isinstance(result, textattack.attack_results.SuccessfulAttackResult)
        assert (found.rewritten is not None) == succeeded
        assert found.queries == result.num_queries
        if succeeded:
            assert found.rewritten == result.perturbed_text()
