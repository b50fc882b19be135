"""Every kind of decision that a reader should see is shown, and is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.explanations.exemplars import NEAR, RIGHT, WRONG, choose, worst_group
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision

LABELS = ("no", "yes")


def made(n=200, groups=True, people=None):
    """Probabilities of "yes" from 0 to 1; wrong wherever i % 10 is 3, and in all of group "small" beyond 0.5."""
    p = (np.arange(n) + 0.5) / n
    examples = []
    for i in range(n):
        group = "small" if i % 8 == 1 else "large"
        right = i % 10 != 3 and not (group == "small" and p[i] > 0.5)
        label = LABELS[int((p[i] > 0.5) == right)]
        person = people[i] if people else str(i)
        examples.append(Example(str(i), person, f"text {i}", label, {"size": group} if groups else {}))
    return Corpus(tuple(examples), LABELS, "made", "here", "test"), np.stack([1 - p, p], axis=1)


def test_each_kind_is_what_it_is_called():
    corpus, probabilities = made()
    found = choose(corpus, probabilities, Decision(), 1, examples=12, takes=lambda text: True)
    by_kind = {}
    for one in found:
        by_kind.setdefault(one.chosen_as, []).append(one)
    worst = "Wrong in the group with the most errors (size: small)"
    assert {kind: len(held) for kind, held in by_kind.items()} == {RIGHT: 3, WRONG: 3, NEAR: 3, worst: 3}
    p = {one.id: probabilities[i] for i, one in enumerate(corpus)}
    decided = {one: LABELS[int(row.argmax())] for one, row in p.items()}
    confidence = {one: row.max() for one, row in p.items()}
    right = sorted((confidence[one.id] for one in corpus if decided[one.id] == one.label), reverse=True)
    assert all(decided[one.id] == one.label and confidence[one.id] >= right[len(right) // 8] for one in by_kind[RIGHT])
    wrong = sorted((confidence[one.id] for one in corpus if decided[one.id] != one.label), reverse=True)
    assert sorted((confidence[one.id] for one in by_kind[WRONG]), reverse=True) == wrong[:3]
    assert {one.id for one in by_kind[NEAR]} < {"97", "98", "99", "100", "101", "102"}
    assert all(one.groups["size"] == "small" and decided[one.id] != one.label for one in by_kind[worst])
    assert len({one.id for one in found}) == 12


def test_a_threshold_moves_the_boundary():
    corpus, probabilities = made(groups=False)
    found = choose(
        corpus, probabilities, Decision(rule="threshold", threshold=0.8), 1, examples=3, takes=lambda text: True
    )
    (near,) = [one for one in found if one.chosen_as == NEAR]
    assert near.id in {"159", "160"}


def test_one_of_each_person_and_only_what_can_be_explained():
    corpus, probabilities = made(people=[str(i // 20) for i in range(200)])
    found = choose(corpus, probabilities, Decision(), 1, examples=50, takes=lambda text: not text.endswith("7"))
    assert len({one.person for one in found}) == len(found) == 10
    assert not [one for one in found if one.input.endswith("7")]


@pytest.mark.parametrize("order", [1, 2])
def test_row_order_does_not_choose(order):
    corpus, probabilities = made()
    shuffled = np.random.default_rng(order).permutation(len(corpus))
    other = Corpus(tuple(corpus[int(i)] for i in shuffled), LABELS, "made", "here", "test")
    one, two = (
        choose(held, p, Decision(), 1, examples=11, takes=lambda text: True)
        for held, p in ((corpus, probabilities), (other, probabilities[shuffled]))
    )
    assert one == two


def test_the_worst_group_is_the_surely_worst_not_the_smallest():
    corpus, _ = made()
    tiny = [Example(f"t{i}", f"t{i}", "x", "yes", {"size": "tiny"}) for i in range(9)]
    larger = Corpus((*corpus, *tiny), LABELS, "made", "here", "test")
    is_right = np.array([i % 50 != 0 for i in range(200)] + [False] * 9)
    small = np.array(larger.group_of("size")) == "small"
    is_right[np.flatnonzero(small)[:5]] = False
    assert worst_group(larger, is_right) == ("size", "small"), "nine people are too few to be called the worst"
    assert worst_group(corpus, np.ones(200, dtype=bool)) is None


def relabelled(corpus, probabilities, right):
    labels = [LABELS[int(p.argmax()) if right else int(p.argmin())] for p in probabilities]
    examples = [Example(one.id, one.person, one.input, label) for one, label in zip(corpus, labels, strict=True)]
    return Corpus(tuple(examples), LABELS, "made", "here", "test")


def test_all_right_all_wrong_and_none():
    corpus, probabilities = made(40, groups=False)
    for right, kinds in ((True, {RIGHT, NEAR}), (False, {WRONG, NEAR})):
        held = relabelled(corpus, probabilities, right)
        assert {one.chosen_as for one in choose(held, probabilities, Decision(), 1, examples=8, takes=bool)} == kinds
    assert choose(corpus, probabilities, Decision(), 1, examples=8, takes=lambda text: False) == []
