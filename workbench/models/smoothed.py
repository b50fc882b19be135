"""A classifier that decides by the majority of what another decides on randomly ablated copies of a text.

The smoothed model of Levine and Feizi 2020 votes over all draws; `models.ablation` has the mathematics. This one asks
for all of them where they are few, and for a sample elsewhere: there its decisions may differ from the ideal one's
where the vote is close, and a certificate is about the ideal one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Task
from workbench.errors import Misconfigured, Unsupported
from workbench.evidence.cards import ModelCard
from workbench.evidence.decision import Decision
from workbench.models.ablation import ablate, mask_of
from workbench.models.protocols import Classifier, FloatArray
from workbench.seeds import Streams


@dataclass(frozen=True)
class Smoothed:
    """`base`, smoothed. A function of the text alone: what is drawn depends on `seed` and the text, on nothing else.

    Somebody who knows the seed could look for a text whose draws are unlucky: keep it to yourself where that matters.
    """

    base: Classifier
    keep: float = 0.2
    """Share of a text's words that `base` is shown at a time, in (0, 1]: k = max(1, ceil(keep d)) of d words."""
    samples: int = 200
    """Ablated copies of each text; fewer where there are no more. So many times the cost of `base`."""
    seed: int = 0
    threshold: float | None = None
    """What `base` must give the positive label to vote for it; None: it votes for its most probable label.

    Of the votes the most decide, whatever this is."""
    positive_label: str | None = None
    """Which label the threshold is about; None: the last one."""

    def __post_init__(self) -> None:
        if self.base.task != Task.TEXT_CLASSIFICATION:
            raise Unsupported(f"only text classifiers can be smoothed by ablating words; this is for {self.base.task}")
        require_keep("smoothed", self.keep)
        if self.samples < 1:
            raise Misconfigured(f"smoothed: samples must be at least 1; got {self.samples}")
        if self.positive not in self.labels:
            raise Misconfigured(f"smoothed: the model has no label {self.positive!r}; it has {list(self.labels)}")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise Misconfigured(f"smoothed: threshold must lie between 0 and 1; got {self.threshold}")
        if self.threshold is not None and len(self.labels) != 2:
            raise Misconfigured(f"smoothed: a threshold needs a model of two labels; this has {list(self.labels)}")

    @property
    def positive(self) -> str:
        """The label that the threshold is about."""
        return self.labels[-1] if self.positive_label is None else self.positive_label

    @property
    def decision(self) -> Decision:
        """How `base` votes."""
        return Decision() if self.threshold is None else Decision(rule="threshold", threshold=self.threshold)

    @property
    def task(self) -> Task:
        return self.base.task

    @property
    def labels(self) -> tuple[str, ...]:
        return self.base.labels

    @property
    def precision(self) -> str:
        """What `base` computes in: a vote is counted, not computed."""
        return str(getattr(self.base, "precision", "float64"))

    @property
    def device(self) -> str:
        """Where `base` is."""
        return str(getattr(self.base, "device", "cpu"))

    @property
    def folder(self) -> Path | None:
        """Where `base` lies, with the card of its training; None where it lies nowhere."""
        return getattr(self.base, "folder", None)

    @cached_property
    def mask(self) -> str:
        """What stands for a missing word."""
        return mask_of(self.base)

    @cached_property
    def card(self) -> ModelCard:
        base = self.base.card
        made = ["randomised ablation@1", base.digest, self.keep, self.samples, self.seed, self.mask]
        rule = ""
        if self.threshold is not None:
            made += [self.threshold, self.positive]
            rule = f", {self.positive} from {self.threshold:g}"
        return base.model_copy(
            update={
                "name": f"{base.name}, smoothed (keep {self.keep:g}, {self.samples} samples{rule})",
                "digest": hashlib.sha256(json.dumps(made).encode()).hexdigest(),
                "architecture": f"randomised ablation of {base.architecture}",
            }
        )

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return shares of votes, (n, n_labels). They are no probabilities of being right; ties go to the first."""
        # One text's copies make one request: in company, a network's last bits could depend on the other texts.
        shares = {text: self._shares(text) for text in dict.fromkeys(inputs)}
        return np.array([shares[text] for text in inputs], dtype=np.float64).reshape(len(inputs), len(self.labels))

    def _shares(self, text: str) -> FloatArray:
        rng = Streams(self.seed).stream("ablation", text)
        found = ablate(text, keep=self.keep, samples=self.samples, mask=self.mask, rng=rng)
        positive = self.labels.index(self.positive)
        shares: FloatArray = votes(self.base, found.texts, decision=self.decision, positive=positive) / len(found.texts)
        return shares


def votes(
    model: Classifier, texts: Sequence[str], *, decision: Decision | None = None, positive: int = 0
) -> NDArray[np.int64]:
    """Return for how many of `texts` the model decides each label, (n_labels,); by its largest probability, if need be.

    `decision`: another rule, and `positive`: the column that it is about.
    """
    decided = (decision or Decision()).decide(model.predict_proba(texts), positive)
    return np.bincount(decided, minlength=len(model.labels)).astype(np.int64)


def require_keep(who: str, keep: float) -> None:
    """Raise `Misconfigured` unless `keep` is a share of words that leaves some."""
    if not 0 < keep <= 1:
        raise Misconfigured(f"{who}: keep must lie above 0 and up to 1; got {keep}")
