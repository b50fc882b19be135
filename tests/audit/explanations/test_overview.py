"""A planted shortcut comes out on top; what is rare stays out; no one's many texts count as many people's."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import ANY

import numpy as np
import pytest

from workbench.audit.explanations.overview import OverviewProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.engines.local import Threads
from workbench.errors import Misconfigured
from workbench.evidence.decision import Decision
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(5), Decision(), "positive")
WORDS = {"good": 0.8, "bad": -0.8, "soft": 0.4, "rough": -0.4, "dress": 0.0, "sleeve": 0.0, "zqx": 3.0}
MODEL = LinearTextClassifier.binary(WORDS)


def corpus(misleads=True, people=None):
    rng = np.random.default_rng(2)
    examples = []
    for i in range(60):
        label = ("negative", "positive")[i % 2]
        words = list(rng.choice(["good", "bad", "soft", "rough", "dress", "sleeve"], 6))
        if (label == "positive") != (misleads and i % 10 in (1, 2)):
            words.insert(int(rng.integers(7)), "Zqx")
        examples.append(Example(id=f"{i}", person=people[i] if people else f"{i}", input=" ".join(words), label=label))
    return Corpus(tuple(examples), MODEL.labels, "planted", "here", "test")


def measured(probe, data, model=MODEL):
    with engine_for(model) as engine:
        _, evidence = run_probes(Run(engine, data, SETTING, None, "", lambda step: None, Threads()), [probe])
    return evidence[-1].result


def tables(result):
    return {one.title: one for one in result.exhibits if one.kind == "word_table"}


def test_a_planted_shortcut_is_the_top_word_and_decisions_hang_on_it():
    result = measured(OverviewProbe(attributor="occlusion@1", examples=60), corpus())
    top = tables(result)["Words that push towards positive"].rows[0]
    assert top.word == "zqx"
    assert top.interval.low <= top.mean <= top.interval.high
    assert top.flips > top.n / 3
    assert top.flip_interval.low > 0.1
    others = tables(result)["Words that push towards positive"].rows[1:]
    assert all(row.mean < top.mean and row.flips / row.n < top.flips / top.n for row in others)
    assert "zqx" not in {row.word for row in tables(result)["Words that push towards negative"].rows[:2]}


def test_words_that_lead_astray_are_listed_apart():
    result = measured(OverviewProbe(attributor="occlusion@1", examples=60), corpus())
    wrong = tables(result)["Words that push towards positive, where that was wrong"]
    assert 0 < wrong.texts < 60
    assert wrong.rows[0].word == "zqx"


def test_a_word_of_one_person_is_left_out_however_often():
    people = ["same" if i % 2 else f"{i}" for i in range(60)]  # all positive texts are one person's
    result = measured(OverviewProbe(attributor="occlusion@1", examples=60), corpus(misleads=False, people=people))
    named = {row.word for table in tables(result).values() for row in table.rows}
    assert "zqx" not in named
    assert "good" in named


def test_by_hand():
    texts = ["good good dress", "good", "good sleeve"]
    examples = tuple(Example(id=f"{i}", person=f"{i}", input=text, label="positive") for i, text in enumerate(texts))
    data = Corpus(examples, MODEL.labels, "three", "here", "test")
    result = measured(OverviewProbe(attributor="occlusion@1", examples=3, least=3), data)
    found = tables(result)
    assert list(found) == ["Words that decisions hang on", "Words that push towards positive"]
    notes = " ".join(one.text for one in result.exhibits if one.kind == "note")
    assert "No phrase of 2 to 3 words that 3 people or more use" in notes
    assert (
        "Words in the texts of 3 people or more: 1. Without one occurrence of it, no decision changes for 0 of them, "
        "one for 0, 2 or more for 1. 2 of 3 decisions change without one occurrence of some word, rarer ones included."
    ) in notes
    (row,) = found["Words that push towards positive"].rows
    assert found["Words that decisions hang on"].rows == (row.model_copy(update={"interval": ANY}),)

    def p(logit):
        return 1 / (1 + np.exp(-logit))

    shares = [2 * (p(1.6) - p(0.8)), p(0.8) - p(0), p(0.8) - p(0)]  # occurrences in one text add up
    assert row.mean == pytest.approx(np.mean(shares))
    assert row.mean_absolute == pytest.approx(np.mean(shares))
    assert (row.word, row.n) == ("good", 3)
    # At exactly one half the first label wins: without "good" the second and third text are decided negative.
    assert row.flips == 2


def test_a_word_that_does_the_same_in_every_text_is_the_purest_shortcut():
    model = LinearTextClassifier.binary({"zqx": 8.0, "soft": 0.0}, bias=-4)
    rng = np.random.default_rng(0)
    examples = []
    for i in range(40):
        words = list(rng.choice(["dress", "soft", "blue", "fits"], 6))
        if i % 2:
            words.insert(int(rng.integers(7)), "zqx")
        examples.append(Example(f"{i}", f"{i}", " ".join(words), ("negative", "positive")[i % 2], {"shop": f"{i % 2}"}))
    data = Corpus(tuple(examples), model.labels, "pure", "here", "test")
    result = measured(OverviewProbe(attributor="occlusion@1", examples=40), data, model)
    (row,) = tables(result)["Words that push towards positive"].rows
    assert (row.word, row.n, row.flips, row.interval) == ("zqx", 20, 20, None)
    assert row.mean == pytest.approx(1 / (1 + np.exp(-4)) - 1 / (1 + np.exp(4)))
    (telling,) = [row for one in result.exhibits if one.kind == "group_words" for row in one.rows]
    assert (telling.word, telling.group, telling.flips, telling.strength_interval) == ("zqx", "1", 20, None)
    assert telling.strength == row.mean
    assert telling.stronger_than == 1


def test_what_cannot_be_explained_is_not_applicable_or_counted():
    blind = measured(OverviewProbe(attributor="saliency@1", examples=5), corpus())
    assert blind.outcome == "not_applicable"
    data = corpus()
    silent = replace(data, examples=(replace(data.examples[0], input="?!"), *data.examples[1:]))
    result = measured(OverviewProbe(attributor="occlusion@1", examples=60), silent)
    notes = [one.text for one in result.exhibits if one.kind == "note"]
    assert any(note.startswith("59 of 60 texts") for note in notes), notes
    with pytest.raises(Misconfigured, match="least"):
        OverviewProbe(least=1)
