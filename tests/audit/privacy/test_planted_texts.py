"""Made-up texts: what a model that memorised them shows, and one that did not."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workbench.adapters.privacy_accounting import Phase, epsilon_of
from workbench.audit.privacy.exposure_probe import Exposure
from workbench.audit.privacy.one_run_probe import OneRun
from workbench.data.corpus import Corpus, Example
from workbench.evidence.cards import CanaryRun, PaidSteps, PrivacyCard, TextCanaries
from workbench.evidence.record import Evidence, NotApplicable
from workbench.text.canaries import LETTERS, canary
from workbench.verdict.judge import judge
from workbench.verdict.policy import load_policy

LABELS = ("l0", "l1")
M = 200


class Parrot:
    """A classifier that knows some texts' labels by heart, so surely, and of any other gives what its hash says."""

    def __init__(self, known, logit):
        self.known, self.logit = known, logit

    def predict_proba(self, inputs):
        rows = []
        for text in inputs:
            rng = np.random.default_rng(sum(ord(letter) * 31**i for i, letter in enumerate(text)) % 2**63)
            logit = rng.normal() + self.logit * {"l0": -1, "l1": 1}.get(self.known.get(text), 0)
            p = 1 / (1 + np.exp(-logit))
            rows.append([1 - p, p])
        return np.array(rows)


class Claims:
    """A training card, as far as the probe reads one."""

    privacy = PrivacyCard(
        epsilon=1.0, delta=1e-5, unit="example", units=1_000, neighbours="one more", sampling="Poisson",
        sample_rate=0.1, units_public=True, batch=120, noise_multiplier=5.0, max_grad_norm=1.0, steps=100,
        clipping="bookkeeping", noise="os", accountants=(), trainable=10, runs=1, checks=(), not_covered=(),
    )  # fmt: skip


@pytest.fixture
def planted(bench):
    """planted(logit): a model that memorised the included half so surely, an empty corpus, the setting."""

    def make(logit):
        rng = np.random.default_rng(0)
        texts = tuple(canary(rng) for _ in range(M))
        labels = tuple(LABELS[int(i)] for i in rng.integers(0, 2, M))
        included = tuple((rng.random(M) < 0.5).tolist())
        held = TextCanaries(texts=texts, labels=labels, included=included, guesses=60)
        known = {t: label for t, label, coin in zip(texts, labels, included, strict=True) if coin}
        corpus = Corpus((Example("e", "e", "text", "l0"),), LABELS, "made", "test")
        return Parrot(known, logit), corpus, replace(bench[2](), text_canaries=held)

    return make


def test_a_memorised_text_is_exposed_and_one_left_out_is_not(planted):
    model, corpus, setting = planted(8.0)
    found = Exposure(replicates=200).measure(model, corpus, setting)
    (mean,) = found.measurements
    assert mean.interval.low > 8, "of log2 1000 = 9.97 bits"
    assert mean.n == sum(setting.text_canaries.included)
    note = found.exhibits[0].text
    assert "has memorised" in note
    # Nothing looks like log2 e = 1.44 bits; 100 ranks that are uniform have a mean within 0.5 of it.
    left_out = float(note.partition("never saw: ")[2].split()[0])
    assert left_out == pytest.approx(1.44, abs=0.5)


def test_what_was_not_memorised_looks_like_nothing(planted):
    model, corpus, setting = planted(0.0)
    found = Exposure(replicates=200).measure(model, corpus, setting)
    (mean,) = found.measurements
    assert mean.interval.low < 1.44 < mean.interval.high
    assert "nothing shows" in found.exhibits[0].text


@pytest.mark.parametrize(("logit", "refuted"), [(8.0, True), (0.0, False)])
def test_a_claim_is_refuted_by_the_texts_that_a_finished_model_knows(planted, logit, refuted):
    model, corpus, setting = planted(logit)
    found = OneRun().measure(model, corpus, replace(setting, training=Claims()))
    by = {one.name: one for one in found.measurements}
    margin = by["privacy.claim_margin"]
    assert margin.where == {"canaries": "text", "confidence": "0.95"}
    assert (margin.value < 0) == refuted
    assert f"{M} text canaries" in found.exhibits[0].text
    assert by["privacy.epsilon_lower_bound"].value == pytest.approx(1.0 - margin.value)


def test_texts_are_held_against_the_steps_that_they_were_in(planted):
    """What made the backbone was before them, and its epsilon would hide a broken run."""
    model, corpus, setting = planted(8.0)
    card = Claims.privacy
    own = epsilon_of((Phase(card.noise_multiplier, card.sample_rate, card.steps),), card.delta, accountant="prv")
    before = (PaidSteps(noise_multiplier=0.6, sample_rate=0.1, steps=100),)
    claims = SimpleNamespace(privacy=card.model_copy(update={"epsilon": 20.0, "before": before}))
    by = {
        one.name: one.value for one in OneRun().measure(model, corpus, replace(setting, training=claims)).measurements
    }
    assert own < 3
    assert by["privacy.claim_margin"] == pytest.approx(own - by["privacy.epsilon_lower_bound"])


@pytest.fixture(scope="module")
def rich():
    """A whole record."""
    spec = importlib.util.spec_from_file_location("golden_record", Path(__file__).parents[2] / "golden" / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rich()


def gradients(n, *, right=None):
    """Gradient canaries for a claim of 8 at 1e-5, all guessed, `right` of the coins rightly."""
    coins = np.random.default_rng(0).random(n) < 0.5
    told = np.where(np.arange(n) < (n if right is None else right), coins, ~coins)
    return CanaryRun(
        kind="gradient", included=tuple(coins.tolist()), scores=tuple(told.astype(float).tolist()),
        positive_guesses=int(told.sum()), negative_guesses=int((~told).sum()), epsilon=8.0, delta=1e-5, steps=300,
    )  # fmt: skip


def judged(rich, found):
    """Return what the shipped policy for a release says of the claim of a private model with this evidence."""
    evidence = (Evidence(probe=OneRun.name, params={}, seed=0, seconds=1.0, result=found),)
    training = rich.training.model_copy(update={"privacy": Claims.privacy.model_copy(update={"epsilon": 8.0})})
    record = rich.model_copy(update={"training": training, "evidence": evidence})
    return {one.verdict for one in judge(record, load_policy("release")) if one.criterion == "privacy-claim"}


def test_an_audit_that_could_not_have_failed_passes_nothing(bench, rich):
    found = OneRun().measure(None, None, replace(bench[2](), canaries=gradients(20)))
    assert [one.name for one in found.measurements] == ["privacy.epsilon_lower_bound"]
    assert judged(rich, found) == {"not_established"}


def test_canaries_that_could_not_have_failed_do_not_silence_those_that_could(planted, rich):
    model, corpus, setting = planted(0.0)
    claims = SimpleNamespace(privacy=Claims.privacy.model_copy(update={"epsilon": 8.0}))
    for run, verdict in ((gradients(20_000, right=10_000), "pass"), (gradients(20_000), "fail")):
        found = OneRun().measure(model, corpus, replace(setting, training=claims, canaries=run))
        margins = [one.where for one in found.measurements if one.name == "privacy.claim_margin"]
        assert margins == [{"confidence": "0.95"}], "60 texts cannot refute an epsilon of 8"
        assert "so few could not have refuted it" in found.exhibits[1].text
        assert judged(rich, found) == {verdict}


def test_without_any_there_is_nothing_to_say(bench, planted):
    model, corpus, setting = planted(1.0)
    for probe in (Exposure(), OneRun()):
        assert isinstance(probe.measure(model, corpus, bench[2]()), NotApplicable)
    assert isinstance(OneRun().measure(model, corpus, setting), NotApplicable), "without a claim there is no margin"


def test_made_up_texts_are_as_many_letters_and_differ():
    rng = np.random.default_rng(1)
    made = [canary(rng) for _ in range(500)]
    assert len(set(made)) == 500
    assert all(len(one.split()) == LETTERS for one in made)
