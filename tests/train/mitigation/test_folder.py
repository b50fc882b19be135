"""A model that decides by group as a folder: nothing pickled, part of its digest, refused where no group is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.audit.privacy.statement import Statement
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example
from workbench.data.splits import split
from workbench.errors import BadInput, NotFound, Unsupported, Unwritable
from workbench.evidence.cards import PrivacyCard
from workbench.evidence.decision import Decision
from workbench.evidence.record import NotApplicable
from workbench.models.group_aware import RULE
from workbench.seeds import Streams
from workbench.train.loop import Trained, train
from workbench.train.recipe import Recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(toy: Corpus) -> Corpus:
    """The toy's texts eight times over, for as many people of two groups."""
    rows = [
        Example(
            f"{one.id}-{k}", f"{one.id}-{k}", f"{one.input} {chr(107 + k)}", one.label, {"sex": "ab"[(i + k) % 3 % 2]}
        )
        for i, one in enumerate(toy)
        for k in range(8)
    ]
    return Corpus(tuple(rows), toy.labels, "toy", "made for the tests", positive_label="positive")


@pytest.fixture(scope="module")
def base(quick: Recipe, data: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(
        quick.but(epochs=1, limit=200, validation_limit=50), data, tmp_path_factory.mktemp("by group") / "base"
    )


@pytest.fixture(scope="module")
def mitigated(base: Trained, data: Corpus) -> Path:
    out = base.classifier.folder.parent / "by-sex"
    wb.mitigate(base.classifier.folder, data, attribute="sex", out=out)
    return out


def test_it_reads_back_as_it_was_and_decides_as_its_rule_says(base: Trained, mitigated: Path, data: Corpus) -> None:
    model = wb.group_aware(mitigated)
    assert not list(mitigated.glob("*.pkl")) + list(mitigated.glob("*.bin"))
    assert model.card.digest != base.classifier.card.digest
    assert {name for name in model.card.files if name not in base.classifier.card.files} == {RULE}
    test = split(data, "test")
    scores = base.classifier.predict_proba(test.inputs)
    np.testing.assert_array_equal(model.scores.predict_proba(test.inputs), scores)
    chances = model.predict_proba(test.inputs, test.group_of("sex"))
    np.testing.assert_array_equal(chances[:, 1], model.rule.positive(scores[:, 1], test.group_of("sex")))
    assert model.mitigation is not None
    assert model.mitigation.base_digest == base.classifier.card.digest
    assert model.mitigation.held_out.corpus.digest == test.canonical().digest
    assert model.mitigation.held_out.corpus.in_training == 0


def test_no_text_alone_is_decided(mitigated: Path, base: Trained, data: Corpus) -> None:
    with pytest.raises(Unsupported, match="decides by somebody's sex"):
        wb.load(mitigated)
    with pytest.raises(Unsupported, match="decides by somebody's sex"):
        wb.explain(mitigated, "a good dress")
    with pytest.raises(BadInput, match="decides without groups"):
        wb.group_aware(base.classifier.folder)
    with pytest.raises(Unwritable):
        wb.mitigate(base.classifier.folder, data, attribute="sex", out=mitigated)
    with pytest.raises(NotFound, match="group column 'gender'"):
        wb.mitigate(base.classifier.folder, data, attribute="gender")


def test_the_examples_that_thresholds_were_fitted_on_count_as_seen(
    mitigated: Path, base: Trained, data: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.audit import profiles

    monkeypatch.setitem(profiles.PROFILES, "quick", (("performance.classification@1", {"replicates": 20}),))
    seen = [wb.audit(model, data, split="validation").record.corpus for model in (base.classifier.folder, mitigated)]
    assert seen[0].in_training == 0, "else this shows nothing"
    assert seen[1].in_training == seen[1].n
    assert wb.audit(mitigated, data, split="test").record.corpus.in_training == 0


def test_a_rule_that_was_tampered_with_changes_the_digest_or_is_refused(mitigated: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(mitigated, copy)
    before = wb.group_aware(copy).card.digest
    rule = json.loads((copy / RULE).read_text(encoding="utf-8"))
    rule["overall"] = 0.6
    (copy / RULE).write_text(json.dumps(rule), encoding="utf-8")
    assert wb.group_aware(copy).card.digest != before
    (copy / RULE).write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="decision rule by group"):
        wb.group_aware(copy)


def test_audits_say_it_and_compare_shows_the_change(
    mitigated: Path, base: Trained, data: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.audit import profiles

    cheap = tuple(one for one in profiles.PROFILES["quick"] if one[0] in ("performance.classification@1", "fairness.groups@1", "explanations.attribution@1"))  # noqa: E501  # fmt: skip
    monkeypatch.setitem(profiles.PROFILES, "quick", cheap)
    folders = [tmp_path / "base", tmp_path / "by-sex"]
    before, after = (
        wb.audit(model, data, split="test", out=folder)
        for model, folder in zip((base.classifier.folder, mitigated), folders, strict=True)
    )
    assert after.record.mitigation is not None
    assert after.record.audit.decision.rule == "by_group"
    assert [one.probe for one in after.record.evidence if isinstance(one.result, NotApplicable)] == [
        "explanations.attribution@1"
    ]
    assert "Every decision needs the person" in after.html
    assert "Trade-off between accuracy and the gap" in after.html
    assert "Every decision needs the person" in (folders[1] / "model_card.md").read_text(encoding="utf-8")
    name = "fairness.demographic_parity_difference"
    both = [one.record.find(name, attribute="sex") for one in (before, after)]
    assert None not in both
    found = wb.compare(*folders)
    assert any("decision rule: argmax in the base's, thresholds by sex" in note for note in found.sides[0].notes)
    (gaps,) = [one for one in found.sides[0].changes if one.name == name]
    assert gaps.paired
    assert gaps.interval is not None
    assert gaps.interval.low <= gaps.change <= gaps.interval.high
    assert wb.audit(mitigated, data, split="test").record.evidence[0].result == after.record.evidence[0].result


def test_a_private_model_loses_its_statement_unless_the_examples_are_public(base: Trained, data: Corpus) -> None:
    privacy = PrivacyCard(
        epsilon=1.84, delta=1e-5, unit="example", units=10_000, neighbours="one more", sampling="Poisson",
        sample_rate=0.01, units_public=True, batch=100, noise_multiplier=1.0, max_grad_norm=1.0, steps=1_000,
        clipping="bookkeeping", noise="os.urandom", accountants=(), trainable=770, runs=1, checks=(), not_covered=(),
    )  # fmt: skip
    training = base.card.model_copy(update={"privacy": privacy})
    place = base.classifier.folder / "training.json"
    kept = place.read_text(encoding="utf-8")
    try:
        place.write_text(training.model_dump_json(), encoding="utf-8")
        for public, stated in ((None, False), ("made up for the tests", True)):
            card = wb.mitigate(base.classifier.folder, data, attribute="sex", public=public).card
            setting = Setting(Streams(0), Decision(), "positive", training=training, mitigation=card)
            found = Statement().measure(None, data, setting)  # type: ignore[arg-type]
            assert isinstance(found, NotApplicable) is not stated
            if not stated:
                assert "its account does not cover" in found.reason
    finally:
        place.write_text(kept, encoding="utf-8")
