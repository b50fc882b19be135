"""What a word for a group is worth to a model is found to the digit, and nothing is found where there is nothing."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.audit.fairness.counterfactual import KEPT, Counterfactual
from workbench.audit.fairness.effects import change_interval, effect
from workbench.audit.fairness.lexicon import SHIPPED, read_lexicon
from workbench.audit.fairness.swaps import pairs_of
from workbench.audit.runner import Run, params_of, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.errors import Misconfigured, NotFound
from workbench.evidence.bootstrap import People
from workbench.evidence.intervals import clopper_pearson, wilson
from workbench.evidence.record import Evidence, Measured, NotApplicable
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

LEXICON = """
[[axes]]
id = "faith"
groups = ["north", "south", "west"]
source = "made up"
rows = [["northern", "southern", "western"], ["norths", "souths", "wests"]]
sentences = ["I am northern."]

[[axes]]
id = "sex"
groups = ["female", "male"]
source = "made up"
pronouns = true
rows = [["woman", "man"]]
"""
FLIP, SIZE, CHANGE = (f"fairness.counterfactual_{what}" for what in ("flip_rate", "absolute_change", "score_change"))


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


def corpus(texts, people=None):
    people = people or [f"p{i:04d}" for i in range(len(texts))]
    rows = [
        Example(f"e{i:04d}", who, text, "negative") for i, (who, text) in enumerate(zip(people, texts, strict=True))
    ]
    return Corpus(tuple(rows), ("negative", "positive"), name="made", source="test").canonical()


def by_swap(result):
    assert isinstance(result, Measured), result
    return {(one.name, one.where["swap"].removeprefix("mine: ")): one for one in result.measurements}


def shown(result):
    return {one.swap.removeprefix("mine: "): one for one in result.exhibits if one.kind == "token_swaps"}


def notes(result):
    return " ".join(one.text for one in result.exhibits if one.kind == "note")


class Watched:
    """A model that remembers what it was asked."""

    def __init__(self, inner):
        self.inner, self.asked = inner, []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def predict_proba(self, inputs):
        self.asked.append(list(inputs))
        return self.inner.predict_proba(inputs)


@pytest.fixture
def setting(bench):
    return bench[2]("positive")


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(LEXICON)
    return str(file)


def test_a_known_weight_gives_an_exactly_known_change(setting, mine):
    # Log-odds 0.3 * (number of 'good') with "she", 1 less with "he".
    model = LinearTextClassifier.binary({"good": 0.3, "he": -1.0})
    counts = [i % 7 for i in range(84)]
    held = corpus([f"She says{' good' * n}." for n in counts])
    found = by_swap(Counterfactual(lexicon=mine, minimum=0).measure(model, held, setting))
    logits = 0.3 * np.array(counts)
    change = sigmoid(logits - 1) - sigmoid(logits)
    flips = (logits > 0) & (logits - 1 <= 0)  # at 0 the lower label wins
    where = "sex, female to male"
    assert found[CHANGE, where].value == pytest.approx(change.mean(), abs=1e-12)
    assert found[SIZE, where].value == pytest.approx(np.abs(change).mean(), abs=1e-12)
    assert found[FLIP, where].value == pytest.approx(flips.mean())
    assert found[FLIP, where].interval == wilson(int(flips.sum()), 84)
    assert {one.n for one in found.values()} == {84}
    low, high = found[CHANGE, where].interval.low, found[CHANGE, where].interval.high
    assert low < change.mean() < high < 0, "the second group's words lower the score, surely"


def test_the_sign_is_that_of_the_second_group_whichever_the_text_mentions(setting, mine):
    model = LinearTextClassifier.binary({"he": -1.0, "his": -1.0, "him": -1.0})
    texts = ["She left.", "He left."] * 20
    found = by_swap(Counterfactual(lexicon=mine, minimum=0).measure(model, corpus(texts), setting))
    assert found[CHANGE, "sex, female to male"].value == pytest.approx(sigmoid(-1) - 0.5, abs=1e-12)
    both = by_swap(
        Counterfactual(lexicon=mine, minimum=0).measure(model, corpus([*texts, "She saw him, his."]), setting)
    )
    # Exchanged: "He saw her, hers." One weight instead of two: only its size counts.
    size = (40 * (0.5 - sigmoid(-1)) + abs(sigmoid(-1) - sigmoid(-2))) / 41
    assert both[SIZE, "sex, female to male"].value == pytest.approx(size, abs=1e-12)
    assert both[CHANGE, "sex, female to male"].value == pytest.approx(sigmoid(-1) - 0.5, abs=1e-12)
    assert (both[SIZE, "sex, female to male"].n, both[CHANGE, "sex, female to male"].n) == (41, 40)


def test_a_planted_penalty_is_found_and_lies_in_its_interval(setting, mine):
    words = {"good": 0.9, "bad": -0.9, "fine": 0.4, "poor": -0.4}
    planted, twin = (LinearTextClassifier.binary({**words, **term}) for term in ({"southern": -0.7}, {}))
    rng = np.random.default_rng(5)

    def texts(n):
        drawn = rng.choice(sorted(words), size=(n, 3))
        return [f"A {rng.choice(['northern', 'southern', 'western'])} one: {' '.join(row)}." for row in drawn]

    whole, part = corpus(texts(6000)), corpus(texts(400))
    probe = Counterfactual(lexicon=mine, examples=6000, minimum=0)
    truth = by_swap(probe.measure(planted, whole, setting))
    found = by_swap(probe.measure(planted, part, setting))
    same = by_swap(probe.measure(twin, part, setting))
    for which, hit in (
        ("faith, north to south", True),
        ("faith, south to west", True),
        ("faith, north to west", False),
    ):
        for name in (FLIP, SIZE, CHANGE):
            interval = found[name, which].interval
            assert interval.low <= truth[name, which].value <= interval.high, (name, which)
            assert (found[name, which].value != 0) is hit
            assert same[name, which].value == 0
    assert found[CHANGE, "faith, north to south"].interval.high < 0 < found[CHANGE, "faith, south to west"].interval.low


def test_a_model_blind_to_the_terms_gives_no_flips_and_an_interval_with_width(setting, mine):
    model = LinearTextClassifier.binary({"good": 1.0, "bad": -1.0})
    texts = [f"The woman says {'good' if i % 2 else 'bad'}." for i in range(50)]
    result = Counterfactual(lexicon=mine, minimum=0).measure(model, corpus(texts), setting)
    found = by_swap(result)
    where = "sex, female to male"
    assert [found[name, where].value for name in (FLIP, SIZE, CHANGE)] == [0, 0, 0]
    at_most = clopper_pearson(0, 50).high
    assert at_most > 0.05
    assert (found[FLIP, where].interval.low, found[FLIP, where].interval.high) == (0, wilson(0, 50).high)
    for name, low in ((SIZE, 0), (CHANGE, -at_most)):
        interval = found[name, where].interval
        assert (interval.low, interval.high) == pytest.approx((low, at_most), abs=1e-9), name
    assert shown(result)[where].flipped == ()


def test_where_nobody_mentions_a_group_a_sentence_does(setting, mine):
    model = Watched(LinearTextClassifier.binary({"good": 1.0, "southern": -1.0, "western": 0.5}))
    texts = [f"It is{' good' * (i % 3)}." for i in range(60)]
    result = Counterfactual(lexicon=mine, examples=40).measure(model, corpus(texts), setting)
    found = by_swap(result)
    assert {where for _, where in found} == {
        f"faith, {one} to {other}, in a sentence added"
        for one, other in (("north", "south"), ("north", "west"), ("south", "west"))
    }
    drawn = corpus(texts).sample(40)
    logits = np.array([text.count("good") for text in drawn.inputs])
    for one, other, weights in (("north", "south", (0, -1)), ("south", "west", (-1, 0.5))):
        change = (sigmoid(logits + weights[1]) - sigmoid(logits + weights[0])).mean()
        assert found[CHANGE, f"faith, {one} to {other}, in a sentence added"].value == pytest.approx(change, abs=1e-12)
    assert len(model.asked) == 1, "one request, so that batches are full"
    assert sorted(model.asked[0])[0].startswith("I am northern. It is")
    assert "sex: 0 of 60 texts mention its groups" in notes(result)
    assert "counterfactual_score_change are not given for sex: no text mentions" in notes(result)


def test_too_few_mentions_bring_the_sentence_beside_them(setting, mine):
    model = LinearTextClassifier.binary({"good": 1.0})
    texts = [*("A northern one." for _ in range(10)), *("good" for _ in range(30))]
    few, enough = (
        by_swap(Counterfactual(lexicon=mine, minimum=least).measure(model, corpus(texts), setting)) for least in (1, 0)
    )
    assert {where for _, where in enough} == {"faith, north to south", "faith, north to west"}
    assert {where for _, where in few} > {where for _, where in enough}, "nobody mentions the south or the west"


def test_people_are_the_units(setting, mine):
    model = LinearTextClassifier.binary({"he": -1.0, "good": 0.5})
    texts = [f"She left{' good' * (i % 4)}." for i in range(60)]
    alone, shared = (
        by_swap(Counterfactual(lexicon=mine, minimum=0).measure(model, corpus(texts, people), setting))
        for people in (None, [f"p{i % 4}-{i // 12}" for i in range(60)])
    )
    where = "sex, female to male"
    assert (alone[FLIP, where].n, shared[FLIP, where].n) == (60, 20)
    assert alone[FLIP, where].value == shared[FLIP, where].value
    width = {
        key: one[FLIP, where].interval.high - one[FLIP, where].interval.low
        for key, one in (("a", alone), ("s", shared))
    }
    assert width["s"] > 1.3 * width["a"], "a person's texts go together"


def test_flipped_pairs_and_terms_are_listed(setting, mine):
    model = LinearTextClassifier.binary({"good": 1.0, "he": -2.0, "man": 0.5})
    texts = [*("She is good." for _ in range(60)), *("A woman." for _ in range(3)), "She gave her flowers."]
    result = Counterfactual(lexicon=mine, minimum=0).measure(model, corpus(texts), setting)
    told = shown(result)["sex, female to male"]
    assert (told.total, told.of, len(told.flipped)) == (63, 63, KEPT)
    assert told.flipped[0].before == "She is good."
    assert told.flipped[0].after == "He is good."
    assert (told.flipped[0].decided_before, told.flipped[0].decided) == ("positive", "negative")
    assert told.flipped[0].probability_before == pytest.approx(sigmoid(1))
    assert told.flipped[0].probability == pytest.approx(sigmoid(-1))
    assert [(one.first, one.second, one.n, one.flips) for one in told.terms] == [
        ("she", "he", 60, 60),
        ("woman", "man", 3, 3),
    ]
    assert told.terms[1].change == pytest.approx(sigmoid(0.5) - 0.5)
    assert told.terms[1].change_interval.low < told.terms[1].change < told.terms[1].change_interval.high
    assert told.source == "made up"
    assert "sex: 1 of the texts drawn left out, because what “her” would become" in notes(result)


def test_a_model_that_knows_one_decision_gets_no_flip_rate(setting, mine):
    model = LinearTextClassifier.binary({"he": -0.1}, bias=5)
    held = corpus([f"She left {i}." for i in range(40)])
    probe = Counterfactual(lexicon=mine, minimum=0)
    told = probe.measure(model, held, replace(setting, only_decision="positive"))
    assert {name for name, _ in by_swap(told)} == {SIZE, CHANGE}
    assert "counterfactual_flip_rate is not given for mine: sex, female to male" in notes(told)
    assert {name for name, _ in by_swap(probe.measure(model, held, setting))} == {FLIP, SIZE, CHANGE}


def test_what_cannot_be_measured_is_not_applicable_or_a_note(setting, mine, tmp_path):
    model = LinearTextClassifier.binary({"good": 1.0})
    silent = tmp_path / "silent.toml"
    silent.write_text(LEXICON.replace('sentences = ["I am northern."]', ""))
    made = Counterfactual(lexicon=str(silent)).measure(model, corpus(["good"]), setting)
    assert isinstance(made, NotApplicable)
    assert "no text mentions a group of the lexicon silent" in made.reason
    assert isinstance(Counterfactual(lexicon=mine).measure(model, corpus([]), setting), NotApplicable)
    alone = Counterfactual(lexicon=mine, minimum=0).measure(model, corpus(["She left."]), setting)
    assert {name for name, _ in by_swap(alone)} == {FLIP, SIZE}
    assert "score_change is not given for mine: sex, female to male: 1 people are too few for an interval" in notes(
        alone
    )


def test_row_order_changes_nothing_and_the_seed_draws_the_names(setting, bench):
    model = LinearTextClassifier.binary({"susan": 0.4, "latoya": -0.4, "imani": -0.8, "good": 0.3})
    held = corpus([f"Susan{' good' * (i % 3)}" for i in range(40)])
    turned = replace(held, examples=held.examples[::-1])
    probe = Counterfactual(examples=20)
    one, two = (probe.measure(model, each.canonical(), setting).model_dump_json() for each in (held, turned))
    assert one == two
    assert probe.measure(model, held, bench[2]("positive", seed=1)).model_dump_json() != one


def test_a_lexicon_of_ones_own_is_recorded_by_name_and_content_and_not_by_place(mine, tmp_path):
    probe = Counterfactual(lexicon=mine, examples=20)
    digest = hashlib.sha256(Path(mine).read_bytes()).hexdigest()
    assert params_of(probe) == {"lexicon": "mine", "examples": 20, "minimum": 30, "sha256": digest}
    moved = tmp_path / "elsewhere" / "mine.toml"
    moved.parent.mkdir()
    shutil.copy(mine, moved)
    assert Counterfactual(**{**params_of(probe), "lexicon": str(moved)}) == probe
    assert replace(probe, examples=5) == Counterfactual(lexicon=mine, examples=5)
    with pytest.raises(NotFound, match="unknown lexicon 'mine'"):
        Counterfactual(**params_of(probe))
    moved.write_text(LEXICON.replace("northern", "norther"))
    with pytest.raises(Misconfigured, match=rf"with sha256 {digest[:12]}… is asked for, and this one has"):
        Counterfactual(**{**params_of(probe), "lexicon": str(moved)})
    shipped = Counterfactual(examples=7)
    assert Counterfactual(**params_of(shipped)) == shipped


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('source = "made up"', "", 1), "axes.0.source"),
        (lambda text: text.replace('source = "made up"', 'source = ""', 1), "axes.0.source"),
        (lambda text: text.replace('id = "sex"', 'id = "faith"'), "used twice"),
        (lambda text: text.replace('"southern", "western"]', '"southern"]'), "terms for 2 groups; there are 3"),
        (lambda text: text.replace('"souths"', '"norths"'), "'norths' stands for the groups"),
        (lambda text: text.replace("I am northern.", "I am southern."), "must mention 'north', and no other"),
        (lambda text: text.replace("I am northern.", "I am {name}."), "sentences for names hold {name}"),
        (lambda text: text.replace('["female", "male"]', '["women", "men"]'), "need the groups 'female' and 'male'"),
        (lambda text: text.replace('["female", "male"]', '["male", "male"]'), "there twice"),
        (lambda text: text.replace('rows = [["woman", "man"]]', ""), "give rows or names"),
        (lambda text: text.replace("[[axes]]", "[[axis]]"), "axis"),
        (lambda text: text + "\nx = ", "not TOML"),
    ],
)
def test_a_lexicon_that_makes_no_sense_is_refused(tmp_path, change, said):
    file = tmp_path / "bad.toml"
    file.write_text(change(LEXICON))
    with pytest.raises(Misconfigured) as error:
        read_lexicon(file)
    assert said in str(error.value)
    assert "bad.toml" in str(error.value)


def test_the_shipped_lexicon_swaps_every_term_it_lists_and_names_its_sources():
    held = read_lexicon("english").lexicon
    assert [axis.id for axis in held.axes] == ["gender", "age", "religion", "nationality", "surname", "first name"]
    assert {file.stem for file in SHIPPED.glob("*.toml")} == {"english"}
    for axis in held.axes:
        assert len(axis.source) > 60
        vocabulary = axis.vocabulary()
        for row in (*axis.rows, *axis.names):
            for group, terms in enumerate(row):
                for term in (terms,) if isinstance(terms, str) else terms:
                    (found,) = vocabulary.mentions(f"so {term} there")
                    assert found.group == group, term
        pairs = pairs_of(axis, corpus([f"Text {i}." for i in range(8)]), Streams(0), most=8, minimum=30).pairs
        assert len({(pair.first, pair.second) for pair in pairs}) == len(axis.groups) * (len(axis.groups) - 1) // 2
        for pair in pairs:
            assert pair.before != pair.after
            assert pair.before.endswith(pair.after[-7:])
            assert pair.changes


def test_names_of_the_shipped_lexicon_stay_within_what_their_gender_is_known_to_be(setting):
    (axis,) = (one for one in read_lexicon("english").lexicon.axes if one.id == "first name")
    female, male = ({name for names in pool for name in names} for pool in axis.names)
    assert not female & male
    held = corpus(["Susan and Todd left."] * 30)
    for pair in pairs_of(axis, held, Streams(3), most=30, minimum=0).pairs:
        woman, _, man, _ = pair.after.split()
        assert woman in female - {"Susan"}
        assert man in male - {"Todd"}


def test_an_audit_runs_it_and_its_evidence_survives_the_file(setting, mine):
    model = LinearTextClassifier.binary({"he": -1.0, "good": 1.0})
    held = corpus([f"She says{' good' * (i % 4)}." for i in range(40)])
    told = Run(engine_for(model), held, setting, None, "key", lambda step: None)
    _, (evidence,) = run_probes(told, [Counterfactual(lexicon=mine, minimum=0)])
    assert isinstance(evidence.result, Measured), evidence.result
    assert Evidence.model_validate_json(evidence.model_dump_json()) == evidence
    assert evidence.params["lexicon"] == "mine"
    assert any(one.kind == "token_swaps" and one.total for one in evidence.result.exhibits)


@pytest.mark.parametrize(("n", "moving"), [(60, 0.3), (30, 0.03), (100, 0.02)])
def test_intervals_of_the_mean_change_cover_it_however_few_texts_move(n, moving):
    rng, trials = np.random.default_rng(11), 200
    covered = {"change": 0, "size": 0}
    for _ in range(trials):
        change = np.where(rng.random(n) < moving, rng.uniform(-1.0, 0.0, n), rng.uniform(0.0, 1e-4, n))
        made = effect(change, np.ones(n, dtype=np.int64), change < -0.5, People(np.arange(n)), rng=rng)
        few = (1 - moving) * 5e-5
        covered["change"] += made.change.low <= few - moving / 2 <= made.change.high
        covered["size"] += made.absolute.low <= few + moving / 2 <= made.absolute.high
    # 200 trials of a true 95% are within 3.1 points; what is wider may cover more.
    assert all(count / trials >= 0.92 for count in covered.values()), covered


def test_intervals_of_moderate_changes_and_of_flips_cover_them():
    rng = np.random.default_rng(11)
    covered = {"change": 0, "size": 0, "flip": 0}
    trials, n = 300, 60
    for _ in range(trials):
        change = np.where(rng.random(n) < 0.3, rng.normal(-0.2, 0.1, n), 0).clip(-1, 1)
        flips = rng.random(n) < 0.15
        made = effect(change, np.ones(n, dtype=np.int64), flips, People(np.arange(n)), rng=rng)
        covered["change"] += made.change.low <= -0.06 <= made.change.high
        covered["size"] += made.absolute.low <= 0.0605 <= made.absolute.high
        covered["flip"] += made.flip.low <= 0.15 <= made.flip.high
    # E|N(-0.2, 0.1)| = 0.2017, so the mean size is 0.0605; 300 trials tell coverage to 1.3 points.
    assert all(count / trials >= 0.91 for count in covered.values()), covered
    assert covered["flip"] / trials <= 0.99


def test_a_change_of_nothing_by_one_person_is_not_known():
    assert change_interval(np.zeros(3), People(np.zeros(3, dtype=np.int64)), rng=np.random.default_rng(0)) is None
