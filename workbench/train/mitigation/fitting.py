"""Thresholds by group, found on validation examples; what they cost and gain, on those and on held-out ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from workbench.adapters.threshold_optimizer import Wanted, fit_thresholds
from workbench.data.corpus import Corpus
from workbench.data.overlap import overlap
from workbench.environment import installed
from workbench.errors import EmptyData, Misconfigured
from workbench.evidence.cards import CorpusCard
from workbench.evidence.group_rule import GroupRule
from workbench.evidence.mitigation import HeldOut, MitigationCard, TradeOff
from workbench.seeds import Streams
from workbench.train.mitigation.expected import FAMILIES, GAPS, Expected, Floats, Part

LEAST = 20
"""Examples with, and as many without, the positive label that a group needs for thresholds of its own: with fewer, the
rates that the thresholds are to level are hardly known (20 give them to within about 0.2)."""
_SLACKS = (0.0, 0.02, 0.05, 0.1, 0.2)
_MIXES = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Mitigation:
    """What is asked for."""

    attribute: str
    wanted: Wanted
    mix: float = 1.0
    """Share of decisions that go by group, in (0, 1]."""
    unknown: Literal["refuse", "overall"] = "overall"
    public: str | None = None
    """Why the validation examples need no protection; for models that were trained privately."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.mix <= 1:
            raise Misconfigured(f"mix must lie above 0, and at most at 1; got {self.mix}")
        if self.unknown not in ("refuse", "overall"):
            raise Misconfigured(f"unknown must be 'refuse' or 'overall'; got {self.unknown!r}")
        if self.public is not None and not self.public.strip():
            raise Misconfigured("public: say in a few words why these examples need no protection, or leave it out")
        self.wanted.checked()


class Base(NamedTuple):
    """The model whose scores are decided on."""

    name: str
    digest: str
    private: bool
    learned_from: frozenset[str] | None = None
    """Fingerprints of what it was trained on; None where that is unknown."""

    def card_of(self, corpus: Corpus) -> CorpusCard:
        """Return the card of `corpus`, with how many of its examples the model has learned from."""
        seen = None if self.learned_from is None else overlap(corpus, self.learned_from)
        return corpus.card.model_copy(update={"in_training": seen})


class Made(NamedTuple):
    """The rule, and what is known of it."""

    rule: GroupRule
    card: MitigationCard


def mitigate(how: Mitigation, validation: Part, test: Part, base: Base) -> Made:
    """Return thresholds by group fitted on `validation`, with their trade-off there and their figures on `test`.

    Raises `EmptyData` where fewer than two groups are large enough.
    """
    large, left_out = _large_enough(validation)
    rule = _rule(how, validation, large)
    # What it does to those it has no threshold for is counted as if nobody were refused.
    whole = rule.model_copy(update={"unknown": "overall"})
    streams, families = Streams(how.seed), FAMILIES[how.wanted.constraint]

    def on(part: Part, chances: Floats) -> Expected:
        return Expected(part, chances, families, large, streams)

    fitted = [
        on(validation, _plain(validation, rule)),
        on(validation, whole.positive(validation.scores, validation.groups)),
    ]
    strangers = ~rule.known(test.groups)
    decided = whole.positive(test.scores, test.groups)
    before, after = on(test, _plain(test, rule)), on(test, decided)
    card = MitigationCard(
        method=f"Fairlearn {installed('fairlearn')} ThresholdOptimizer",
        base=base.name,
        base_digest=base.digest,
        attribute=how.attribute,
        constraint=how.wanted.constraint,
        objective=how.wanted.objective,
        slack=how.wanted.slack,
        mix=how.mix,
        gap=GAPS[how.wanted.constraint],
        fitted_on=base.card_of(validation.corpus),
        left_out=left_out,
        trade_off=tuple(
            TradeOff(setting=name, accuracy=one.accuracy, gap=one.gap, drawn=one.drawn)
            for name, one in ((name, on(validation, chances)) for name, chances in _settings(how, validation, large))
        ),
        held_out=HeldOut(
            corpus=base.card_of(test.corpus),
            accuracy_before=before.accuracy,
            accuracy_after=after.accuracy,
            gained=after.gained(before),
            gap_before=before.gap,
            gap_after=after.gap,
            narrowed=after.narrowed(before, chosen_before=fitted[0].largest, chosen_after=fitted[1].largest),
            drawn=after.drawn,
            overall=int(strangers.sum()),
        ),
        private_base=base.private,
        public=how.public,
    )
    return Made(rule, card)


def _large_enough(part: Part) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups that get thresholds of their own, and the others, both sorted."""
    held, positive = np.array(part.groups, dtype=object), part.labels == 1
    least = {
        group: min(int((positive & (held == group)).sum()), int((~positive & (held == group)).sum()))
        for group in sorted(set(part.groups))
    }
    large = tuple(group for group, n in least.items() if n >= LEAST)
    if len(large) < 2:
        raise EmptyData(
            f"thresholds by {part.attribute!r} need two groups with {LEAST} examples each with and without "
            f"{part.positive!r} among the {len(part.corpus):,} of the {part.corpus.split} part; found "
            f"{', '.join(f'{group} ({n})' for group, n in least.items())}: bring more data, or join groups"
        )
    return large, tuple(group for group in least if group not in large)


def _rule(how: Mitigation, part: Part, large: tuple[str, ...]) -> GroupRule:
    held = np.array(part.groups, dtype=object)
    rows = np.isin(held.astype(str), large)
    cuts = fit_thresholds(part.scores[rows], part.labels[rows], held[rows], how.wanted)
    return GroupRule(
        attribute=how.attribute, positive_label=part.positive, groups=cuts, unknown=how.unknown, mix=how.mix
    )


def _plain(part: Part, rule: GroupRule) -> Floats:
    """Return the decisions without the mitigation, 0 or 1."""
    return np.asarray(part.scores >= rule.overall, dtype=np.float64)


def _settings(how: Mitigation, part: Part, large: tuple[str, ...]) -> Iterator[tuple[str, Floats]]:
    """Yield the grid of the trade-off: how far the mitigation goes, and each example's chance there."""
    whole = replace(how, mix=1.0, wanted=how.wanted._replace(slack=None), unknown="overall")
    rule = _rule(whole, part, large)
    yield "no mitigation", _plain(part, rule)
    if how.wanted.constraint == "equalized_odds":
        for mix in sorted({*_MIXES, how.mix}):
            yield f"mix {mix:g}", rule.model_copy(update={"mix": mix}).positive(part.scores, part.groups)
        return
    for slack in sorted({*_SLACKS, how.wanted.slack or 0.0}, reverse=True):
        relaxed = _rule(replace(whole, wanted=how.wanted._replace(slack=slack or None)), part, large)
        yield f"slack {slack:g}", relaxed.positive(part.scores, part.groups)
