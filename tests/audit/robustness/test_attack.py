"""Attacks on models whose fate is known, and on a transformer."""

import random

import numpy as np
import pytest

from workbench.audit.probe import Setting, probes
from workbench.audit.robustness.attack import AttackProbe
from workbench.audit.robustness.recipes import recipes
from workbench.audit.runner import params_of
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, MissingResource, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Curve, Note, Rewrite
from workbench.evidence.intervals import wilson
from workbench.evidence.record import NotApplicable
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(0), Decision(), "positive")
BRITTLE = LinearTextClassifier.binary({"lovely": 4.0}, bias=-2.0)
"""Positive exactly where 'lovely' is spelled right."""
DEAF = LinearTextClassifier.binary({}, bias=3.0)
"""Positive always."""


def corpus_of(texts, label="positive", person="p{}"):
    return Corpus(
        tuple(Example(f"{i:03d}", person.format(i), text, label) for i, text in enumerate(texts)),
        ("negative", "positive"),
        "toy",
        "test",
    )


def run(probe, model, corpus, setting=SETTING):
    chosen = probe.select(model, corpus, setting)
    assert not isinstance(chosen, NotApplicable), chosen.reason
    return probe.gather([probe.item(model, example, setting) for example in chosen], corpus, setting)


def by_name(measured):
    return {one.name.partition(".")[2]: one for one in measured.measurements}


def rewrites(measured):
    return [exhibit for exhibit in measured.exhibits if isinstance(exhibit, Rewrite)]


def notes(measured):
    return " ".join(exhibit.text for exhibit in measured.exhibits if isinstance(exhibit, Note))


LOVELY = [f"a lovely dress number {i} for the summer" for i in range(12)]


def test_a_constant_model_resists_everything(textattack):
    measured = run(AttackProbe(), DEAF, corpus_of(LOVELY))
    found = by_name(measured)
    assert found["attack_success_rate"].value == 0
    assert found["attack_success_rate"].interval == wilson(0, 12)
    assert found["accuracy_under_attack"].value == 1
    assert found["accuracy_under_attack"].interval == wilson(12, 12)
    assert "words_changed_median" not in found
    assert "words_changed_median is not given" in notes(measured)
    assert {one.outcome for one in rewrites(measured)} == {"resisted"}
    assert all(one.rewritten is None and one.queries > 1 for one in rewrites(measured))


def test_what_never_changes_has_no_success_rate_once_the_whole_corpus_was_decided_alike(textattack):
    one_decision = Setting(Streams(0), Decision(), "positive", only_decision="positive")
    measured = run(AttackProbe(), DEAF, corpus_of(LOVELY), one_decision)
    assert set(by_name(measured)) == {"accuracy_under_attack", "queries_mean", "queries_median"}
    assert "attack_success_rate is not given: the model decides every text of the data as 'positive'" in notes(measured)
    assert "of the 12 texts drawn it decides 12 rightly" in notes(measured)
    # One success shows that there is another decision, whatever the corpus.
    fell = by_name(run(AttackProbe(), BRITTLE, corpus_of(LOVELY), one_decision))
    assert fell["attack_success_rate"].value == 1


def test_a_model_that_hangs_on_one_word_falls_every_time(textattack):
    measured = run(AttackProbe(), BRITTLE, corpus_of(LOVELY))
    found = by_name(measured)
    assert found["attack_success_rate"].value == 1
    assert found["attack_success_rate"].interval == wilson(12, 12)
    assert found["accuracy_under_attack"].value == 0
    words = found["words_changed_median"]
    assert (words.value, words.interval.low, words.interval.high, words.n) == (1, 1, 1, 12)
    for one in rewrites(measured):
        assert "lovely" not in one.rewritten
        assert (one.predicted_before, one.predicted_after, one.words_changed) == ("positive", "negative", 1)
        assert BRITTLE.predict_proba([one.rewritten])[0, 1] == one.probability_after < 0.5
    assert all(one.where == {"recipe": "deepwordbug@1"} for one in measured.measurements)
    assert "have people read the rewrites" in notes(measured)


def test_counts_add_up_where_outcomes_are_mixed(textattack):
    model = LinearTextClassifier.binary({"lovely": 4.0, "the": 9.0}, bias=-2.0)  # stopwords are never changed
    texts = ["lovely dress", "the dress", "a lovely shoe", "poor shoe", "the lovely hat", "bad hat"]
    measured = run(AttackProbe(), model, corpus_of(texts))
    outcomes = [one.outcome for one in rewrites(measured)]
    assert outcomes == ["succeeded", "resisted", "succeeded", "skipped", "resisted", "skipped"]
    found = by_name(measured)
    assert (found["attack_success_rate"].value, found["attack_success_rate"].n) == (2 / 4, 4)
    assert (found["accuracy_under_attack"].value, found["accuracy_under_attack"].n) == (2 / 6, 6)
    queries = [one.queries for one in rewrites(measured) if one.outcome != "skipped"]
    assert found["queries_mean"].value == np.mean(queries)
    assert all(one.interval.low <= one.value <= one.interval.high for one in measured.measurements)
    assert "Of 6 texts drawn by hash of their id, 2 were decided wrongly before any attack, 2 fell" in notes(measured)


def test_everything_wrong_before_leaves_accuracy_but_no_success_rate(textattack):
    measured = run(AttackProbe(), BRITTLE, corpus_of(["poor"] * 4))
    assert set(by_name(measured)) == {"accuracy_under_attack"}
    assert by_name(measured)["accuracy_under_attack"].interval == wilson(0, 4)
    assert "attack_success_rate is not given" in notes(measured)


def test_people_with_several_texts_get_a_bootstrap_over_people(textattack):
    model = LinearTextClassifier.binary({"lovely": 4.0, "the": 9.0}, bias=-2.0)
    texts = [text for _ in range(12) for text in ("lovely dress", "the dress")]
    corpus = corpus_of(texts)
    paired = Corpus(
        tuple(Example(e.id, f"p{i // 2 % 11}", e.input, e.label) for i, e in enumerate(corpus)),
        corpus.labels, "toy", "test",
    )  # fmt: skip
    rate = by_name(run(AttackProbe(), model, paired))["attack_success_rate"]
    assert rate.n == 11
    assert "people" in rate.interval.method


def test_a_threshold_is_what_is_attacked(textattack):
    # P(positive) is 0.88 with 'lovely' and 0.12 without: at 0.05 no misspelling makes it negative.
    low = Setting(Streams(0), Decision(rule="threshold", threshold=0.05), "positive")
    assert by_name(run(AttackProbe(), BRITTLE, corpus_of(LOVELY), low))["attack_success_rate"].value == 0
    # At 0.95 all are 'negative' already; the negatives can only fall by gaining a word that they lack.
    high = Setting(Streams(0), Decision(rule="threshold", threshold=0.95), "positive")
    assert set(by_name(run(AttackProbe(), BRITTLE, corpus_of(LOVELY), high))) == {"accuracy_under_attack"}
    # 'lovely soft' 0.95, 'lovely' alone 0.88, 'soft' alone 0.27: at 0.9 losing 'soft' is enough, at argmax it is not.
    model = LinearTextClassifier.binary({"lovely": 4.0, "soft": 1.0}, bias=-2.0)
    strict = Setting(Streams(0), Decision(rule="threshold", threshold=0.9), "positive")
    for setting in (SETTING, strict):
        for one in rewrites(run(AttackProbe(), model, corpus_of(["lovely soft dress"] * 3), setting)):
            assert one.outcome == "succeeded"
            assert one.probability_after < (setting.decision.threshold or 0.5)


def test_a_crash_on_one_text_is_counted_and_the_others_go_on(textattack):
    measured = run(AttackProbe(), BRITTLE, corpus_of([*LOVELY[:3], "lovely <SPLIT> dress"]))
    crashed = rewrites(measured)[3]
    assert crashed.outcome == "failed"
    assert "ValueError: the text contains '<SPLIT>'" in crashed.error
    found = by_name(measured)
    assert (found["attack_success_rate"].n, found["accuracy_under_attack"].n) == (3, 3)
    assert "on 1 the attack itself crashed" in notes(measured)


def test_where_it_fails_on_many_texts_there_is_no_rate_and_the_verdict_hears_of_it(textattack):
    measured = run(AttackProbe(), BRITTLE, corpus_of([*LOVELY[:3], *["lovely <SPLIT> dress"] * 2]))
    assert {"attack_success_rate", "accuracy_under_attack"}.isdisjoint(by_name(measured))
    assert not [one for one in measured.exhibits if isinstance(one, Curve)]
    for name in ("attack_success_rate", "accuracy_under_attack"):
        said = f"{name} is not given: the attack crashed, or broke its own rules, on 2 of the 5 texts attacked"
        assert said in notes(measured)


def test_a_repetition_that_crashes_agrees_with_nothing(textattack):
    bad = Example("x", "p", "a lovely dress <SPLIT> for the summer", "positive")
    before = AttackProbe().item(DEAF, corpus_of(LOVELY[:1])[0], SETTING)
    assert before.outcome == "resisted"
    again = AttackProbe().again(DEAF, bad, before, SETTING)
    assert (again.outcome, again.repeated, again.original) == ("resisted", None, before.original)
    assert again.error.startswith("the search again in float32 crashed: ValueError")
    held = AttackProbe().again(DEAF, corpus_of(LOVELY[:1])[0], before, SETTING)
    assert (held.outcome, held.repeated) == ("resisted", "agreed")


def test_a_crash_on_every_text_is_a_failure(textattack):
    with pytest.raises(RuntimeError, match=r"deepwordbug@1 crashed on all 2 texts .*<SPLIT>"):
        run(AttackProbe(), BRITTLE, corpus_of(["lovely <SPLIT> dress"] * 2))


def test_an_unconfirmed_success_does_not_count(textattack, monkeypatch):
    from workbench.adapters.textattack import Search

    monkeypatch.setattr(recipes["deepwordbug@1"], "attack", lambda *_, **__: Search("a lovely thing", 9, False))
    (one,) = rewrites(run(AttackProbe(), BRITTLE, corpus_of(LOVELY[:1])))
    assert (one.outcome, one.rewritten, one.words_changed) == ("resisted", None, None)
    assert "not confirmed" in one.error


def test_missing_textattack_makes_it_not_applicable(monkeypatch):
    def lacking(self):
        raise MissingResource("attacks need TextAttack: pip install something")

    monkeypatch.setattr(recipes["deepwordbug@1"], "prepare", lacking)
    found = AttackProbe().select(BRITTLE, corpus_of(LOVELY), SETTING)
    assert isinstance(found, NotApplicable)
    assert "pip install something" in found.reason


ODD = {
    "empty": "",
    "one word": "lovely",
    "emoji": "lovely 👍🏽👗",
    "only emoji": "👍🏽👗",
    "right to left": "שמלה lovely יפה מאוד",
    "chinese": "这件衣服 lovely 很好",
    "html": '<p class="x">lovely</p><script>alert(1)</script> "><img onerror=alert(1)>',
    "nul and tabs": "lovely\x00\tdress\r\n",
    "long word": "lovely " + "x" * 10_000,
    "quotes": "'''lovely''' --- \"dress\" \\ end",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_texts(textattack, text):
    measured = run(AttackProbe(), BRITTLE if "lovely" in text else DEAF, corpus_of([text] * 2))
    one, _ = rewrites(measured)
    assert one.outcome == ("succeeded" if "lovely" in text else "resisted"), one.error
    assert one.original == text
    assert by_name(measured)["attack_success_rate"].value == float("lovely" in text)


@pytest.mark.slow
def test_ten_thousand_words_cost_the_budget_and_no_more(textattack):
    filler = "the colour of this item is as it is shown in the picture " * 800
    texts = [f"lovely {filler}", f"{filler} lovely"]
    measured = run(AttackProbe(), engine_for(BRITTLE), corpus_of(texts))
    first, last = rewrites(measured)
    assert (first.outcome, first.words_changed, first.words) == ("succeeded", 1, 10_401)
    assert first.rewritten.endswith(filler)
    assert last.outcome in ("resisted", "exhausted")  # the decisive word lies beyond what may be edited
    assert max(first.queries, last.queries) <= 500
    assert "2 of 2 texts have more than 250 words, and only the first 250 could be edited" in notes(measured)


def test_sample_is_drawn_by_hash_whatever_the_order(textattack):
    corpus, rows = corpus_of([f"lovely {i}" for i in range(50)]), list(corpus_of([f"lovely {i}" for i in range(50)]))
    random.Random(3).shuffle(rows)
    shuffled = Corpus(tuple(rows), corpus.labels, "toy", "test").canonical()
    probe = AttackProbe(examples=7)
    assert probe.select(DEAF, corpus, SETTING) == probe.select(DEAF, shuffled, SETTING)
    assert len(probe.select(DEAF, corpus, SETTING)) == 7


def test_same_bytes_twice_on_a_transformer_and_successes_are_real(textattack, tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    texts = ["this dress is lovely and soft", "i hated the rough dress", "very small but i loved it", "it fits well"]
    corpora = [corpus_of(texts, label) for label in ("positive", "negative")]
    succeeded = 0
    for corpus in corpora:
        one, two = (run(AttackProbe(), engine_for(model), corpus) for _ in range(2))
        assert one.model_dump_json() == two.model_dump_json()
        for rewrite in rewrites(one):
            if rewrite.outcome == "succeeded":
                succeeded += 1
                decided = model.labels[model.predict_proba([rewrite.rewritten])[0].argmax()]
                assert decided == rewrite.predicted_after != rewrite.label
    assert succeeded


def test_another_seed_is_another_search(textattack):
    model = LinearTextClassifier.binary({"lovely": 4.0}, bias=-2.0)
    one, two = (
        [
            r.rewritten
            for r in rewrites(run(AttackProbe(), model, corpus_of(LOVELY), Setting(Streams(s), Decision(), "positive")))
        ]
        for s in (0, 1)
    )
    assert one != two


def test_a_very_sure_model_is_not_robust_for_lack_of_digits(textattack):
    """P(positive) is 1 - 2e-9: in float32 every masked word scores exactly 1, and the words would go unranked."""
    model = LinearTextClassifier.binary({"lovely": 25.0}, bias=-5.0)
    text = "dress hat shoe coat lovely scarf glove belt"
    masked = model.predict_proba([text, text.replace("hat", "[UNK]")]).astype(np.float32)
    assert np.all(masked[:, 1] == 1)
    (one,) = rewrites(run(AttackProbe(), model, corpus_of([text])))
    assert (one.outcome, one.words_changed) == ("succeeded", 1)
    # The text, eight masked words, and at most the candidates for the one word that matters: nothing else was tried.
    assert one.queries <= 1 + 8 + 4


def test_parameters_rebuild_the_probe():
    probe = AttackProbe(examples=7, query_budget=100)
    assert probes["robustness.attack@1"](**params_of(probe)) == probe


def test_impossible_parameters():
    with pytest.raises(Misconfigured, match="examples"):
        AttackProbe(examples=0)
    with pytest.raises(Misconfigured, match="query_budget"):
        AttackProbe(query_budget=1)
    with pytest.raises(NotFound, match="did you mean 'deepwordbug@1'"):
        AttackProbe(recipe="deepwordbugs@1")


def test_the_separator_is_textattacks_own(textattack):
    from workbench.adapters.textattack_victim import SEPARATOR

    assert textattack.shared.AttackedText.SPLIT_TOKEN == SEPARATOR


def test_endless_texts_are_not_drawn_and_the_reader_is_told(textattack):
    endless = " ".join(["lovely"] * 12_001)
    measured = run(AttackProbe(), BRITTLE, corpus_of([*LOVELY, endless]))
    assert all(one.words <= 12_000 for one in rewrites(measured))
    assert "1 of 13 texts have more than 12,000 words and were not drawn from." in notes(measured)


def test_search_that_outlasts_its_seconds_ends_exhausted_and_says_so(textattack, monkeypatch):
    """The clock jumps by ten seconds with each question, so it is known how many fit."""
    now = [0.0]

    def clock():
        now[0] += 10
        return now[0]

    monkeypatch.setattr("workbench.audit.robustness.victim.time.monotonic", clock)
    found = run(AttackProbe(examples=1, seconds=15), BRITTLE, corpus_of(LOVELY[:1]))
    (one,) = rewrites(found)
    assert (one.outcome, one.error) == ("exhausted", "ended by the limit of 15 seconds")
    assert one.queries >= 1
    assert "1 of 1 searches were ended by the limit of 15 seconds a text" in notes(found)


def test_search_that_ends_in_time_is_as_without_a_limit(textattack):
    corpus = corpus_of(LOVELY)
    calm, hurried = (rewrites(run(AttackProbe(examples=12, seconds=s), BRITTLE, corpus)) for s in (None, 3600))
    assert calm == hurried


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_no_time_at_all_is_refused(seconds):
    with pytest.raises(Misconfigured, match="seconds must be more than 0"):
        AttackProbe(seconds=seconds)
