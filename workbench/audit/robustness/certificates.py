"""From certificates to certified accuracy, and what a reader of it must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from workbench.evidence.bootstrap import People, proportion_interval
from workbench.evidence.exhibits import Certificate
from workbench.evidence.measurement import Measurement
from workbench.models.ablation import STAND_IN
from workbench.seeds import Streams


def certified_accuracy(
    found: Sequence[Certificate], people: People, radii: Sequence[int], streams: Streams, *, keep: float
) -> tuple[Measurement, ...]:
    """Return, per radius, the share of examples that are decided rightly and certified at that radius at least.

    `people` says whose each of `found` is, `keep` which share of the words their smoothed model is shown.
    """
    measured = []
    for r in radii:
        holds = np.array([one.holds(r) for one in found], dtype=bool)
        measured.append(
            Measurement(
                name="robustness.certified_accuracy",
                value=float(holds.mean()),
                unit="proportion",
                better="higher",
                n=people.size,
                interval=proportion_interval(holds, people, rng=streams.stream("interval", "certified", str(r))),
                where={"keep": f"{keep:g}", "radius": str(r)},
            )
        )
    return tuple(measured)


def caveats(
    found: Sequence[Certificate], *, keep: float, alpha: float, threshold: float | None, positive: str
) -> list[str]:
    """Return, in sentences, whose certificates `found` are, what they cover, how sure they are and what they cost.

    `threshold`: what the model must give the label `positive` to vote for it; None: its most probable label.
    """
    votes = (
        f" A vote is for {positive} where the model gives it {threshold:g} or more, so the model to use is made with "
        f"this threshold and this positive label, and decides by the most votes, without one of its own."
        if threshold is not None
        else ""
    )
    return [
        "The certificates are those of a smoothed model, not of the model itself, of whose own decisions they prove "
        f"nothing. The smoothed model decides by the majority of the model's decisions when shown {100 * keep:.3g}% of "
        f"a text's words, over all ways to draw them; the mask token, or '{STAND_IN}' where the model has none, stands "
        "for the others. workbench.smoothed makes such a model, which votes over a sample of these ways." + votes,
        "At radius r the smoothed model's decision stays, whichever r words of the text are replaced and by whatever "
        "other words, one for one. Words put in, left out, joined or split are not covered, nor are punctuation and "
        "spaces between words.",
        _chance(found, alpha),
        *_decisions(found),
        f"The model was asked {np.mean([one.draws for one in found]):,.0f} times per text on average.",
    ]


def _chance(found: Sequence[Certificate], alpha: float) -> str:
    exact = sum(one.exact for one in found)
    if exact == len(found):
        return (
            "All texts are so short that every way to draw their words was asked about: no certificate rests on chance."
        )
    short = (
        f" {exact} of {len(found)} texts are so short that every way to draw their words was asked about instead."
        if exact
        else ""
    )
    return (
        f"A certificate rests on random draws. The chance that it is wrong is at most {alpha:g}, for each by itself, "
        f"so among many some may be; the intervals leave that out.{short}"
    )


def _decisions(found: Sequence[Certificate]) -> list[str]:
    """Return what was decided, beside the one label that would be certified everywhere without reading a text."""
    n, decided = len(found), Counter(one.decided for one in found if one.decided is not None)
    commonest, share = Counter(one.label for one in found).most_common(1)[0]
    counts = ", ".join(f"{label} {count}" for label, count in sorted(decided.items())) or "nothing"
    only = (
        f" Here every decision was {next(iter(decided))}, so nothing shows that it read the texts."
        if len(decided) == 1
        else ""
    )
    return [
        f"Of {n} texts drawn by hash of their id, {n - decided.total()} got no decision, because no label was shown to "
        "have more than half of the votes; they count as neither right nor certified. At radius 0 certified accuracy "
        "is the smoothed model's accuracy, counted so.",
        f"Decided: {counts}. Whoever always says the same is certified at every radius, and saying {commonest} would "
        f"be right about {share} of these {n} texts: compare with that.{only} A model that was not trained on masked "
        "texts often ends there, or without a majority; these figures then speak neither for nor against the model.",
    ]
