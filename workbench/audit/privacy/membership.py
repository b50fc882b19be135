"""How well scores tell members (trained on) from non-members: AUC, and TPR at a low FPR, each with an interval.

Carlini et al. 2022, "Membership Inference Attacks From First Principles": an attack that is right about few people, and
sure of them, harms these; so what counts is the true positive rate where false positives are rare, not an average.

TPR at FPR a is P(a member's score > t), with t the lowest threshold that at most a share a of non-members exceed. t is
estimated too, and the interval says so: non-members give t an interval by order statistics, members then give the TPR
above either end a Clopper-Pearson limit, and each of the two may err half as often as the whole. Nothing is assumed of
the scores' distribution; coverage is at least nominal, ties included. Where people have several rows, numbers of rows
are divided by their design effect first (Kish 1965; Korn and Graubard 1998), which is an approximation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.estimate import Estimate
from workbench.errors import BadInput
from workbench.evidence.bootstrap import REPLICATES, ROUNDING, People, auc_interval, replicate, within_rounding
from workbench.evidence.intervals import LEVEL, clopper_pearson
from workbench.evidence.measurement import Interval
from workbench.evidence.weighted import roc_auc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FALSE_POSITIVES = 10
"""Non-members that must be expected above a threshold, for the TPR there to be estimated: at FPR 0.1%, of 10,000."""


@dataclass(frozen=True)
class Scored:
    """Scores of members and non-members. Raises `BadInput` where they do not fit each other or are not numbers."""

    scores: Floats
    """(n,), higher is more likely a member; may be infinite."""
    member: Bools
    """Whether each row was trained on, (n,)."""
    people: People

    def __post_init__(self) -> None:
        shapes = self.scores.shape, self.member.shape, self.people.codes.shape
        if len(set(shapes)) > 1 or len(shapes[0]) != 1 or self.member.dtype != np.bool_:
            raise BadInput(
                "membership scores need one number, one True or False and one person per row; "
                f"got shapes {shapes[0]}, {shapes[1]} of {self.member.dtype}, {shapes[2]}"
            )
        if np.isnan(self.scores).any():
            raise BadInput(
                f"{int(np.isnan(self.scores).sum())} of {len(self.scores)} membership scores are not numbers; "
                "leave out rows that no attack could score, and say how many"
            )

    def among(self, keep: Bools) -> Scored:
        """Return the rows that `keep` (n,) marks, as for one group."""
        return Scored(self.scores[keep], self.member[keep], self.people.among(keep))

    @cached_property
    def members(self) -> People:
        """People of the rows that were trained on."""
        return self.people.among(self.member)

    @cached_property
    def others(self) -> People:
        """People of the rows that were not."""
        return self.people.among(~self.member)


def auc(
    seen: Scored, *, rng: np.random.Generator, replicates: int = REPLICATES, level: float = LEVEL
) -> Estimate | Unknown:
    """Return P(a member's score > a non-member's), ties counting half; n is the number of people.

    The interval has its standard error from a bootstrap over people, within members and non-members.
    """
    if missing := _missing(seen):
        return Unknown("membership AUC", missing)
    scorer, people = roc_auc(seen.scores, seen.member), seen.people
    value = within_rounding(float(scorer(np.ones((1, len(seen.scores))))[0]))
    drawn = replicate(
        people,
        lambda counts: scorer(counts[:, people.rows]),
        replicates=replicates,
        rng=rng,
        strata=people.strata(seen.member.astype(np.int64)),
    )
    interval = auc_interval(value, drawn, (seen.members.size, seen.others.size), level=level)
    if interval is None:
        return Unknown("membership AUC", f"{people.size} people are too few for an interval")
    return Estimate(value, people.size, interval)


def tpr_at(seen: Scored, fpr: float, *, level: float = LEVEL) -> Estimate | Unknown:
    """Return the share of members that score above what a share `fpr` of non-members exceeds; n counts people.

    See the module for the interval. Unknown with fewer than `FALSE_POSITIVES` / fpr non-members. Raises `BadInput` for
    an fpr outside (0, 1).
    """
    if not 0 < fpr < 1:
        raise BadInput(f"a false positive rate must lie between 0 and 1; got {fpr}")
    name = f"membership TPR at FPR {fpr:g}"
    if missing := _missing(seen):
        return Unknown(name, missing)
    needed = ceil(FALSE_POSITIVES / fpr - ROUNDING)
    if seen.others.size < needed:
        return Unknown(name, f"it needs at least {needed:,} non-members; there are {seen.others.size:,}")
    among, others = seen.scores[seen.member], seen.scores[~seen.member]
    highest = np.sort(others)[::-1]
    threshold = highest[floor(fpr * len(highest) + ROUNDING)]
    hits = among > threshold

    each = (1 + level) / 2  # of the two steps: both hold with probability `level` at least
    rows = _effective(others > threshold, seen.others)
    fewest, most = (int(stats.binom.ppf(tail, rows, fpr)) for tail in ((1 - each) / 2, (1 + each) / 2))
    scale = len(highest) / rows  # 1 where everybody has one row
    above, below = floor(fewest * scale), ceil(most * scale)
    upper = highest[above - 1] if above > 0 else np.inf
    lower = highest[below] if below < len(highest) else -np.inf
    low, high = _limits(among > upper, seen.members, each).low, _limits(among > lower, seen.members, each).high
    kind = "" if seen.people.one_each else ", rows by design effect"
    value = float(hits.mean())
    interval = Interval(
        low=min(low, value),
        high=max(high, value),
        level=level,
        method=f"Clopper-Pearson above order statistics of {seen.others.size} non-members{kind}",
    )
    return Estimate(value, seen.members.size, interval)


def _missing(seen: Scored) -> str | None:
    sides = {"members": seen.members.size, "non-members": seen.others.size}
    without = [side for side, size in sides.items() if not size]
    return f"there are no {' and no '.join(without)}" if without else None


def _limits(hits: Bools, people: People, level: float) -> Interval:
    """Return the exact interval of the share of `hits` among as many rows as these are worth."""
    rows = _effective(hits, people)
    worth = float(hits.mean()) * rows
    low = clopper_pearson(floor(worth + ROUNDING), rows, level=level).low
    high = clopper_pearson(ceil(worth - ROUNDING), rows, level=level).high
    return Interval(low=low, high=high, level=level, method="Clopper-Pearson")


def _effective(hits: Bools, people: People) -> int:
    """Return how many independent rows those of `people` are worth for the share of `hits`, from 1 to all of them.

    Rows over design effect: the variance of the share over people, relative to that over independent rows. Where all
    rows agree it cannot be seen, and everybody counts once.
    """
    n, share = len(hits), float(hits.mean())
    if people.one_each:
        return n
    if share in (0.0, 1.0) or people.size < 2:
        return people.size
    residuals = people.totals((hits.astype(np.float64) - share)[:, None])[:, 0]
    scatter = people.size / (people.size - 1) * float(np.square(residuals).sum())
    effect = max(1.0, scatter / (n * share * (1 - share)))
    return max(1, floor(n / effect))
