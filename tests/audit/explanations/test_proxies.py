"""Words that tell a group are found, weighed, and told from words that do not."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.explanations.overview import OverviewProbe
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.engines.local import Threads
from workbench.evidence.decision import Decision
from workbench.evidence.intervals import wilson
from workbench.models.engine import engine_for
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

SETTING = Setting(Streams(5), Decision(), "positive")
MODEL = LinearTextClassifier.binary({"good": 0.4, "bad": -0.4, "petite": -2.0, "sleeve": 0.0})


def corpus(groups=True, one_person=False):
    """60 short and 140 other people; "petite" is in half of the short ones' texts, "sleeve" in half of all."""
    rng = np.random.default_rng(3)
    examples = []
    for i in range(200):
        short = i < 60
        words = list(rng.choice(["good", "bad"], 5))
        if rng.random() < 0.5:
            words.append("Sleeve")
        if short and i % 2 == 0:
            words.append("Petite,")
        height = {"height": "short" if short else "other"} if groups else {}
        person = "one" if one_person and short else str(i)
        examples.append(Example(str(i), person, " ".join(words), ("negative", "positive")[i % 2], height))
    return Corpus(tuple(examples), MODEL.labels, "made", "here", "test")


def measured(data, examples=200):
    probe = OverviewProbe(attributor="occlusion@1", examples=examples)
    with engine_for(MODEL) as engine:
        _, evidence = run_probes(Run(engine, data, SETTING, None, "", lambda step: None, Threads()), [probe])
    return [one for one in evidence[-1].result.exhibits if one.kind == "group_words"]


def test_a_word_of_one_group_that_the_model_uses_is_found():
    (table,) = measured(corpus())
    (row,) = table.rows
    assert (row.word, row.attribute, row.group) == ("petite", "height", "short")
    assert (row.share, row.base, row.n, row.explained) == (1.0, 0.3, 30, 30)
    tests = table.compared * 2  # words, groups
    expected = wilson(30, 30, level=1 - 0.05 / tests)
    assert (row.share_interval.low, row.share_interval.high) == pytest.approx((expected.low, expected.high))
    assert row.strength_interval.low <= row.strength <= row.strength_interval.high
    assert row.stronger_than == 1, "stronger than all the others"
    assert row.flips > 10
    assert row.flip_interval.low < row.flips / 30 < row.flip_interval.high
    assert table.compared == 4
    assert table.texts == 200


def test_few_explained_texts_do_not_hide_what_the_whole_corpus_tells():
    (table,) = measured(corpus(), examples=60)
    assert [(row.word, row.n) for row in table.rows] == [("petite", 30)]
    assert 3 <= table.rows[0].explained < 30


def test_without_groups_there_is_nothing_to_tell():
    assert measured(corpus(groups=False)) == []


def test_one_persons_many_texts_count_once():
    (table,) = measured(corpus(one_person=True))
    assert table.rows == ()
