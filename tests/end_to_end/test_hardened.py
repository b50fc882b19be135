"""A model trained on rewritings, audited: what training saw is no test, and the attack named before it is run."""

from __future__ import annotations

import re

import pytest

import workbench as wb
from workbench.data.corpus import Corpus, Example
from workbench.evidence.exhibits import Rewrite
from workbench.train.recipe import Recipe

pytestmark = pytest.mark.slow
GATE = """
[[criteria]]
id = "attack"
measurement = "robustness.attack_success_rate"
where = { recipe = "deepwordbug@1" }
at_most = 0.999
end = "low"
why = "Met by everything, so that only what training saw can stand in the way."
"""


@pytest.fixture(scope="module")
def audited(textattack, tiny_checkpoint, tmp_path_factory):
    words = ("fine", "nice", "plain", "warm", "soft", "large")
    rows = [
        Example(f"e{i}", f"e{i}", f"the {words[i % 6]} dress {i} is {('bad', 'good')[i % 2]}", ("no", "yes")[i % 2])
        for i in range(240)
    ]
    corpus = Corpus(tuple(rows), ("no", "yes"), "made", "made for the tests")
    recipe = Recipe(
        backbone=str(tiny_checkpoint), data="made", epochs=6, batch_size=16, learning_rate=5e-3, max_length=32,
        precision="float32",
        augmentation={"kind": "edits", "edits": ["misspellings"], "primary_attack": "invisible_characters"},
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("hardened")
    wb.train(recipe, corpus, out=folder / "model")
    policy = folder / "policy.toml"
    policy.write_text(GATE)
    return wb.audit(folder / "model", corpus, split="all", limit=40, policy=policy, out=folder / "report")


def test_every_figure_says_whether_training_saw_such_edits(audited):
    marks = {
        one.where["recipe"]: one.where.get("seen_in_training")
        for _, one in audited.record.measurements()
        if one.name == "robustness.accuracy_under_attack"
    }
    assert marks["deepwordbug@1"] == "yes"
    assert marks["homoglyphs@1"] == "no"
    assert marks["invisible_characters@1"] == "no", "named before training, and in no quick profile"


def test_a_gate_on_what_training_saw_alone_is_not_established(audited):
    assert audited.verdict == "not_established"
    assert "training has seen edits of this family" in audited.findings[0].because


def test_the_report_puts_unseen_attacks_first(audited):
    page = audited.html
    headings = re.findall(r"<h3[^>]*>Attack ([^<]+)</h3>", page)
    recipes = {one.recipe for _, one in audited.record.exhibits("rewrite") if isinstance(one, Rewrite)}
    assert len(headings) == len(recipes) >= 4
    assert headings[-1] == "deepwordbug@1, whose kind of edits training has seen"
    assert "invisible_characters was named as the attack to judge it by; its figures are below" in page
    assert "Edits seen in training" in page
