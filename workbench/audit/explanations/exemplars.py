"""Which decisions to show: some of each kind that a reader should have seen, at most one of each person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from workbench.data.corpus import Corpus, Example, hashed
from workbench.evidence.decision import Decision
from workbench.evidence.intervals import wilson
from workbench.models.protocols import FloatArray

RIGHT, WRONG, NEAR = "Right, among the most confident", "Wrong, the most confident", "Nearest to another decision"
_SURE = 0.9
"""Right decisions are drawn from the most confident tenth: the very first few would be all alike."""
_FEWEST = 10
"""People of a group, at least, for it to be called the worst."""


@dataclass(frozen=True, slots=True)
class Chosen(Example):
    """An example, and what it is one of."""

    chosen_as: str = ""


def choose(
    corpus: Corpus,
    probabilities: FloatArray,
    decision: Decision,
    positive: int,
    *,
    examples: int,
    takes: Callable[[str], bool],
) -> list[Chosen]:
    """Return up to `examples` of `corpus`, the kinds in turn; where a kind has no more, the others fill its place.

    - Right, among the most confident: by hash of id from the most confident tenth, then the next in confidence.
    - Wrong, the most confident first.
    - Nearest to another decision: the least margin first, right or wrong.
    - Wrong in the worst group, by hash of id: of the groups with ten people or more, that whose error rate is surely
      the highest (lower Wilson limit, 95%); left out where no group errs.

    Args:
        corpus: what to choose from; row order does not matter.
        probabilities: of the model, (n, n_labels).
        decision: how they become a decision.
        positive: column that a threshold is about.
        examples: how many.
        takes: whether a text can be explained; asked as little as possible.
    """
    decided = decision.decide(probabilities, positive)
    is_right = decided == corpus.label_ids
    confidence = probabilities[np.arange(len(corpus)), decided]
    margin = _margins(probabilities, decision, positive)
    order = np.array([hashed(one.id) for one in corpus], dtype=np.uint64)
    ids = [one.id for one in corpus]

    def ranked(keep: np.ndarray[tuple[int], np.dtype[np.bool_]], by: FloatArray | None = None) -> list[int]:
        key = np.zeros(len(corpus)) if by is None else by
        return sorted(np.flatnonzero(keep).tolist(), key=lambda i: (key[i], order[i], ids[i]))

    sure = is_right & (confidence >= np.quantile(confidence[is_right], _SURE)) if is_right.any() else is_right
    kinds: dict[str, list[int]] = {
        RIGHT: [*ranked(sure), *ranked(is_right & ~sure, -confidence)],
        WRONG: ranked(~is_right, -confidence),
        NEAR: ranked(np.ones(len(corpus), dtype=bool), margin),
    }
    if worst := worst_group(corpus, is_right):
        attribute, group = worst
        inside = np.array(corpus.group_of(attribute)) == group
        kinds[f"Wrong in the group with the most errors ({attribute}: {group})"] = ranked(inside & ~is_right)
    return _in_turn(corpus, kinds, examples, takes)


def worst_group(corpus: Corpus, is_right: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[str, str] | None:
    """Return attribute and group with the highest lower limit of the error rate; None where nothing is wrong."""
    best: tuple[float, str, str] | None = None
    for attribute in corpus.attributes:
        groups = np.array(corpus.group_of(attribute))
        for group in sorted(set(groups.tolist())):
            inside = groups == group
            people = len(set(corpus.people[inside].tolist()))
            share = float((~is_right[inside]).mean())
            if people < _FEWEST or not share:
                continue
            low = wilson(share * people, people).low
            if best is None or low > best[0]:
                best = (low, attribute, group)
    return None if best is None else best[1:]


def _margins(probabilities: FloatArray, decision: Decision, positive: int) -> FloatArray:
    """Return how far each decision is from being another, in probability."""
    if decision.threshold is not None:
        return np.asarray(np.abs(probabilities[:, positive] - decision.threshold), dtype=np.float64)
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    top = np.sort(probabilities, axis=1)
    return np.asarray(top[:, -1] - top[:, -2], dtype=np.float64)


def _in_turn(corpus: Corpus, kinds: dict[str, list[int]], examples: int, takes: Callable[[str], bool]) -> list[Chosen]:
    people: set[str] = set()
    chosen: dict[str, list[Chosen]] = {kind: [] for kind in kinds}
    queues = {kind: iter(positions) for kind, positions in kinds.items()}
    turns = cycle(kinds)
    left = set(kinds)
    n = 0
    while n < examples and left:
        kind = next(turns)
        for i in queues[kind]:
            one = corpus[i]
            if one.person not in people and takes(one.input):
                people.add(one.person)
                chosen[kind].append(Chosen(one.id, one.person, one.input, one.label, one.groups, chosen_as=kind))
                n += 1
                break
        else:
            left.discard(kind)
    return [one for kind in kinds for one in chosen[kind]]
