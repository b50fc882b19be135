"""What is decided about the examples of a corpus: by probabilities alone, or with each one's group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Corpus
from workbench.evidence.decision import Decision
from workbench.evidence.group_rule import GroupRule
from workbench.seeds import Streams


def decided(
    decision: Decision, probabilities: NDArray[np.float64], corpus: Corpus, *, positive: int, streams: Streams
) -> NDArray[np.int64]:
    """Return the decided column for each example of `corpus`, (n,), from its `probabilities` (n, n_labels).

    Under a rule by group each decision that is not certain is drawn once, by root seed and example id.

    Raises:
        NotFound: the corpus does not say the groups that the rule needs.
        BadInput: the rule refuses to decide about somebody's group.
    """
    rule = decision.by_group
    if rule is None:
        return decision.decide(probabilities, positive)
    column = corpus.labels.index(rule.positive_label)
    chosen = rule.drawn(chances(rule, probabilities, corpus), [example.id for example in corpus], streams)
    return np.where(chosen, column, 1 - column).astype(np.int64)


def chances(rule: GroupRule, probabilities: NDArray[np.float64], corpus: Corpus) -> NDArray[np.float64]:
    """Return how likely `rule` is to decide its positive label for each example, (n,). Raises as `decided` does."""
    column = corpus.labels.index(rule.positive_label)
    return rule.positive(probabilities[:, column], corpus.group_of(rule.attribute))
