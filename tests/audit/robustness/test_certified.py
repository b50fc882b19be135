"""Certificates of models whose votes are known exactly, and what the probe makes of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

import workbench
from workbench.audit.probe import Item, Setting, probes
from workbench.audit.profiles import PROFILES, profile
from workbench.audit.robustness.certified import MOST_CHARACTERS, Certified
from workbench.audit.runner import params_of
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Certificate, Note
from workbench.evidence.intervals import wilson
from workbench.evidence.record import NotApplicable
from workbench.models.ablation import delta, lower_bound, radius
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.models.smoothed import Smoothed
from workbench.results import read_record
from workbench.seeds import Streams

LABELS = ("no", "yes")
SETTING = Setting(Streams(0), Decision(), "yes")
YES = LinearTextClassifier.binary({}, bias=1.0, labels=LABELS)
"""Says yes, whatever is left of a text."""
FIRST = LinearTextClassifier.binary({"first": 4.0}, bias=-2.0, labels=LABELS)
"""Says yes where it sees the word 'first'."""
TEN = "one two three four five six seven eight nine ten"
LONG = " ".join(f"w{i}" for i in range(60))


def corpus_of(texts, label="yes"):
    labels = [label] * len(texts) if isinstance(label, str) else label
    examples = (
        Example(f"{i:03d}", f"p{i}", text, its) for i, (text, its) in enumerate(zip(texts, labels, strict=True))
    )
    return Corpus(tuple(examples), LABELS, "toy", "test")


def run(probe, model, corpus, setting=SETTING):
    chosen = probe.select(model, corpus, setting)
    assert not isinstance(chosen, NotApplicable), chosen.reason
    return probe.gather([probe.item(model, example, setting) for example in chosen], corpus, setting)


def certify(probe, model, text, label="yes", seed=0):
    return probe.item(model, Example("e", "p", text, label), Setting(Streams(seed), Decision(), "yes"))


def accuracies(measured):
    return {int(one.where["radius"]): one for one in measured.measurements}


def notes(measured):
    return " ".join(one.text for one in measured.exhibits if isinstance(one, Note))


def test_votes_that_all_agree_reach_as_far_as_the_draws_allow():
    probe = Certified(keep=0.1)
    found = certify(probe, YES, LONG)
    bound = 0.05 ** (1 / 500)  # Clopper and Pearson's, where all of 500 agree
    assert found.lower == pytest.approx(bound)
    assert (found.decided, found.words, found.kept, found.draws, found.exact) == ("yes", 60, 6, 550, False)
    # Delta(r) for 6 of 60 words: 0.100, 0.191, 0.273, 0.348, 0.415, 0.476, 0.531: six words leave 0.518.
    assert bound - float(delta(60, 6, 6)) > 0.5 > bound - float(delta(60, 6, 7))
    assert found.radius == 6


def test_few_words_are_certified_without_chance():
    # One of ten words kept: 'first' is the one in a draw of ten, so 9 of 10 votes are no, and 4 more could turn.
    found = certify(Certified(keep=0.1), FIRST, TEN.replace("three", "first"), "no")
    assert (found.decided, found.lower, found.exact, found.draws) == ("no", 0.9, True, 10)
    assert found.radius == 3 == radius(Fraction(9, 10), 10, 1)
    assert [found.holds(r) for r in (0, 3, 4)] == [True, True, False]


def test_no_majority_is_no_decision_and_counts_against_it():
    # Half of the ways to keep one of two words keep 'first'.
    found = certify(Certified(keep=0.5), FIRST, "first dress")
    assert (found.decided, found.radius, found.lower) == (None, None, 0.5)
    assert not found.holds(0)
    measured = run(Certified(keep=0.5), FIRST, corpus_of(["first dress"] * 3 + ["first"] * 5))
    held = accuracies(measured)
    assert (held[0].value, held[0].n, held[0].interval) == (5 / 8, 8, wilson(5, 8))
    assert set(held) == {0}, "one of two words, or the only one: no vote could certify these at radius 1"
    assert "Of 8 texts drawn by hash of their id, 3 got no decision" in notes(measured)


def test_a_text_without_words_is_decided_as_it_is_and_reaches_no_further():
    for text in ("", "?!"):
        found = certify(Certified(), YES, text)
        assert (found.decided, found.words, found.kept, found.radius, found.draws) == ("yes", 0, 0, 0, 1)
    assert (certify(Certified(), YES, "one").radius, certify(Certified(), YES, "one").draws) == (0, 1)


def test_certified_accuracy_falls_with_the_radius_and_counts_wrong_decisions():
    texts = [TEN] * 6 + [LONG] * 6
    measured = run(Certified(keep=0.1), YES, corpus_of(texts, ["yes"] * 3 + ["no"] * 3 + ["yes"] * 5 + ["no"]))
    held = accuracies(measured)
    # TEN: one of ten kept, all agree, exactly: radius 4. LONG: radius 6. Four of twelve are decided wrongly.
    assert {r: one.value for r, one in held.items()} == {0: 8 / 12, 1: 8 / 12, 2: 8 / 12, 3: 8 / 12, 5: 5 / 12}
    assert all(one.interval == wilson(one.value * 12, 12) and one.n == 12 for one in held.values())
    assert all(one.name == "robustness.certified_accuracy" and one.better == "higher" for one in held.values())
    certificates = [one for one in measured.exhibits if isinstance(one, Certificate)]
    assert [one.radius for one in certificates] == [4] * 6 + [6] * 6
    assert sum(one.decided != one.label for one in certificates) == 4


def test_what_a_reader_must_know_is_said():
    measured = run(Certified(keep=0.3), YES, corpus_of([TEN, LONG, "one"]))
    said = notes(measured)
    for sentence in (
        "those of a smoothed model, not of the model itself",
        "shown 30% of a text's words",
        "Words put in, left out, joined or split are not covered",
        "The chance that it is wrong is at most 0.05",
        "2 of 3 texts are so short that every way to draw their words was asked about",
        "0 got no decision",
        "certified accuracy is the smoothed model's accuracy",
        "certified_accuracy is not given where no vote reaches: with 30% of the words kept, not even votes that all "
        "agree certify any of these texts at radius 2, 3, 5.",
        f"asked {(120 + 550 + 1) / 3:,.0f} times per text",
        "not trained on masked texts",
        "Decided: yes 3. Whoever always says the same is certified at every radius, and saying yes would be right "
        "about 3 of these 3 texts: compare with that. Here every decision was yes",
    ):
        assert sentence in said
    assert set(accuracies(measured)) == {0, 1}, "what no vote could reach is absent, not 0"
    assert "is not given" not in notes(run(Certified(keep=0.1), YES, corpus_of([LONG])))
    both = notes(run(Certified(keep=0.1), FIRST, corpus_of(["first", TEN, "?"], ["yes", "no", "no"])))
    assert "Decided: no 2, yes 1." in both
    assert "saying no would be right about 2 of these 3 texts" in both
    assert "every decision" not in both
    assert "no certificate rests on chance" in both


def test_radii_that_nothing_could_reach_are_not_measured():
    found = run(Certified(keep=0.5, radii=(1, 2)), YES, corpus_of([TEN]))
    assert isinstance(found, NotApplicable)
    assert "with 50% of the words kept, not even votes that all agree" in found.reason


def test_a_wrong_certificate_is_as_rare_as_it_claims():
    # Five of ten words are kept, in 252 ways; 'first' is among them in exactly half. Whatever is certified is wrong.
    probe = Certified(keep=0.5, samples=100, alpha=0.2)
    wrong = [certify(probe, FIRST, TEN.replace("one", "first"), seed=seed).radius is not None for seed in range(400)]
    assert sum(wrong) <= stats.binom.ppf(0.999, 400, 0.2)
    # Had the same draws chosen the label and bounded its share, nearly twice as many would be.
    rng = np.random.default_rng(0)
    counts = rng.binomial(100, 0.5, size=400)
    same = [lower_bound(int(max(n, 100 - n)), 100, 0.2) > 0.5 for n in counts]
    assert sum(same) > stats.binom.ppf(0.999, 400, 0.2)


def test_the_two_samples_are_not_the_same_and_depend_on_the_example_only():
    asked: list[list[str]] = []

    class Listening(LinearTextClassifier):
        def predict_proba(self, inputs):
            asked.append(list(inputs))
            return super().predict_proba(inputs)

    model = Listening({}, LABELS)
    certify(Certified(samples=50), model, LONG)
    one, other = asked
    assert len(one) == len(other) == 50
    assert not set(one) & set(other)
    certify(Certified(samples=50), model, LONG)
    assert asked[2:] == [one, other]
    certify(Certified(samples=50), model, LONG, seed=1)
    assert asked[4] != one


def test_row_order_changes_nothing():
    corpus = corpus_of([f"{LONG} {'first' if i % 3 else 'dress'}" for i in range(8)], ["yes", "no"] * 4)
    turned = Corpus(corpus.examples[::-1], corpus.labels, "toy", "test").canonical()
    probe = Certified(examples=5, keep=0.5, samples=100)
    assert run(probe, FIRST, corpus).model_dump_json() == run(probe, FIRST, turned).model_dump_json()


def test_the_vote_is_among_decisions_by_the_audits_rule():
    # 'first' or not, P(yes) is 0.88 or 0.12: at 0.05 every draw is a yes.
    low = Setting(Streams(0), Decision(rule="threshold", threshold=0.05), "yes")
    example = Example("e", "p", TEN, "yes")
    assert Certified(keep=0.1).item(FIRST, example, SETTING).decided == "no"
    found = Certified(keep=0.1).item(FIRST, example, low)
    assert (found.decided, found.radius) == ("yes", 4)


def test_people_with_several_texts_count_once():
    texts = [TEN if i % 3 else "one" for i in range(36)]
    held = accuracies(run(Certified(keep=0.1, examples=36), YES, corpus_of(texts)))
    assert held[1].n == 36
    corpus = corpus_of(texts)
    paired = Corpus(
        tuple(Example(e.id, f"p{i // 3}", e.input, e.label) for i, e in enumerate(corpus)), LABELS, "toy", "test"
    )
    held = accuracies(run(Certified(keep=0.1, examples=36), YES, paired))
    assert held[1].n == 12
    assert "people" in held[1].interval.method


def test_the_examples_are_a_sample_and_endless_texts_are_left_out():
    texts = [TEN] * 50 + ["x " * MOST_CHARACTERS]
    measured = run(Certified(examples=7, samples=20), YES, corpus_of(texts))
    assert accuracies(measured)[0].n == 7
    assert f"1 of 51 texts have more than {MOST_CHARACTERS:,} characters" in notes(measured)
    refused = Certified().select(YES, corpus_of(texts[-1:]), SETTING)
    assert isinstance(refused, NotApplicable)
    assert "every text has more than" in refused.reason


def test_under_a_threshold_the_certified_model_can_be_made():
    setting = Setting(Streams(0), Decision(rule="threshold", threshold=0.8), "yes")  # YES gives 'yes' 0.73
    probe = Certified(keep=0.1)
    found = probe.item(YES, Example("e", "p", TEN, "no"), setting)
    assert (found.decided, found.exact) == ("no", True)
    model = workbench.smoothed(YES, keep=0.1, threshold=0.8, positive_label="yes")
    assert model.labels[model.predict_proba([TEN])[0].argmax()] == found.decided
    told = "A vote is for yes where the model gives it 0.8 or more"
    assert told in notes(run(probe, YES, corpus_of([TEN] * 3), setting))
    assert "A vote is for" not in notes(run(probe, YES, corpus_of([TEN] * 3)))


def test_a_smoothed_model_is_not_smoothed_again():
    model = Smoothed(YES, keep=0.1, samples=7)
    refused = Certified().select(model, corpus_of([TEN]), SETTING)
    assert isinstance(refused, NotApplicable)
    assert "asking another 7 times about each text" in refused.reason
    with engine_for(model) as engine:
        assert Certified().select(engine, corpus_of([TEN]), SETTING) == refused


def test_parameters_are_checked_and_rebuild_the_probe():
    for wrong, message in (
        ({"keep": 0.0}, "keep must lie"),
        ({"examples": 0}, "examples must be at least 1"),
        ({"samples": 0}, "samples must be at least 1"),
        ({"selection": 0}, "selection must be at least 1"),
        ({"alpha": 0.5}, "alpha must lie"),
        ({"samples": 4}, "nothing could be shown"),  # 0.05 to the power of 1/4 is 0.47
        ({"radii": ()}, "radii must be"),
        ({"radii": (2, 1)}, "radii must be"),
        ({"radii": (-1,)}, "radii must be"),
    ):
        with pytest.raises(Misconfigured, match=message):
            Certified(**wrong)
    probe = Certified(keep=0.3, radii=(0, 4))
    assert probes["robustness.certified@1"](**params_of(probe)) == probe


def test_a_certificate_is_stored_and_read_as_what_it_is():
    found = certify(Certified(keep=0.1), YES, LONG)
    assert TypeAdapter(Item).validate_json(found.model_dump_json()) == found
    with pytest.raises(ValidationError, match="a decision has a radius"):
        Certificate(**{**found.model_dump(), "radius": None})


def test_only_the_full_profile_pays_for_it():
    having = [name for name in PROFILES if any(one.name == "robustness.certified@1" for one in profile(name))]
    assert having == ["full"]


def test_two_smoothed_models_are_told_apart_in_one_audit(monkeypatch, tmp_path):
    sizes = {"examples": 4, "radii": (0, 1)}
    monkeypatch.setitem(
        PROFILES, "quick", tuple(("robustness.certified@1", {**sizes, "keep": keep}) for keep in (0.1, 0.3))
    )
    workbench.audit(YES, corpus_of([TEN] * 6, ["yes", "no"] * 3), out=tmp_path)
    record = read_record(tmp_path)
    found = [one for _, one in record.measurements()]
    assert [one.where for one in found] == [
        {"keep": keep, "radius": radius} for keep in ("0.1", "0.3") for radius in ("0", "1")
    ]
    page = workbench.render(record)
    for keep in ("0.1", "0.3"):
        assert f"by radius (keep: {keep})" in page
        assert f"the smoothed model&#39;s decision (keep {keep})" in page, "their certificates are not counted together"


def test_the_same_model_certified_twice_is_told_as_a_failure(monkeypatch, tmp_path):
    both = ({"examples": 4}, {"examples": 5})
    monkeypatch.setitem(PROFILES, "quick", tuple(("robustness.certified@1", params) for params in both))
    record = workbench.audit(YES, corpus_of([TEN] * 6, ["yes", "no"] * 3), out=tmp_path).record
    first, second = (one.result for one in record.evidence)
    assert first.outcome == "measured"
    assert second.outcome == "failed"
    assert "robustness.certified_accuracy (keep 0.2, radius 0) has been measured already" in second.error


def test_an_audit_shows_the_certificates(monkeypatch, tmp_path, tiny_checkpoint):
    monkeypatch.setitem(PROFILES, "quick", (("robustness.certified@1", {"examples": 6, "samples": 40, "keep": 0.2}),))
    labels = ("negative", "positive")
    texts = [f"the dress is {word} and {other}" for word in ("good", "bad", "fine") for other in ("soft", "rough")]
    corpus = Corpus(
        tuple(Example(f"{i}", f"p{i}", text, labels[i % 2]) for i, text in enumerate(texts)), labels, "toy", "test"
    )
    audited = workbench.audit(load_checkpoint(tiny_checkpoint, device="cpu"), corpus, out=tmp_path)
    record = read_record(tmp_path)
    certificates = [one for _, one in record.exhibits("certificate")]
    assert len(certificates) == 6
    assert {(one.words, one.kept, one.draws, one.exact) for one in certificates} == {(6, 2, 15, True)}
    accuracy = record.find("robustness.certified_accuracy", keep="0.2", radius="1")
    assert accuracy.value == np.mean([one.holds(1) for one in certificates])
    page = workbench.render(record)
    assert audited.html == page
    assert "Words replaced, at most" in page
    assert "Certified decisions of the smoothed model" in page
    # The same model, asked in the open: its share of votes is the one certified.
    shares = workbench.smoothed(tiny_checkpoint, keep=0.2, samples=15, device="cpu").predict_proba(texts)
    assert [one.lower for one in certificates] == shares.max(axis=1).tolist()
