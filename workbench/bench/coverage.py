"""Do the intervals and tests of group differences keep their word? `python -m workbench.bench.coverage`

Simulates audits whose truth is known: how often the intervals of gaps between groups hold it, how wide they are, and
how often permutation tests find a difference where their null hypothesis holds though base rates differ. Writes
reports/fairness_coverage.json and .md. Minutes on one core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import stats

from workbench.evidence.intervals import wilson
from workbench.evidence.permutation import Gap, largest_of, p_value, rate_gap
from workbench.evidence.simultaneous import (
    BesideRest,
    GroupRates,
    differences,
    max_gap,
    max_gap_to_overall,
    min_ratio_to_overall,
)
from workbench.files import write_json, write_text

SIZES, GROUPS, GAPS = (500, 2000), (2, 4, 6), (0.0, 0.05, 0.2)
BASE = 0.75
"""Middle of the groups' true rates."""
LEVEL = 0.05
_ROUNDING = 1e-12
PEOPLE, DEALS = 480, 199
"""Of the tests' simulated audits: people, and permutations of each."""


class Coverage(NamedTuple):
    """How often intervals at 95% held the truth, over `runs` simulated audits."""

    n: int
    groups: int
    gap: float
    signed: float
    """Share of audits in which every signed difference lay in its interval."""
    largest: float
    """Share in which the largest gap lay in its."""
    to_overall: float
    """Share in which the largest gap between a group and all together lay in its."""
    ratio_to_overall: float
    """Share in which the smallest ratio of a group and all together lay in its."""
    signed_width: float
    largest_width: float


class Level(NamedTuple):
    """How often a test's p-value was at most 0.05."""

    criterion: str
    found_under_null: float
    found_where_false: float


def covered(n: int, k: int, gap: float, *, runs: int, replicates: int, rng: np.random.Generator) -> Coverage:
    """Simulate `runs` audits of `n` people in `k` groups whose true rates are evenly spread over `gap`."""
    truth = np.linspace(BASE - gap / 2, BASE + gap / 2, k)
    signed, largest, overall, ratios, widths, gaps = 0, 0, 0, 0, 0.0, 0.0
    for _ in range(runs):
        totals = rng.multinomial(n, np.full(k, 1 / k))
        rates, beside = simulated(rng.binomial(totals, truth), totals, replicates, rng)
        pairs = differences([rates])
        signed += all(one.low <= truth[one.first] - truth[one.second] <= one.high for one in pairs)
        widths += float(np.mean([one.high - one.low for one in pairs]))
        span = max_gap(pairs)
        largest += span.low <= gap <= span.high
        gaps += span.high - span.low
        span, least = max_gap_to_overall(beside), min_ratio_to_overall(beside)
        overall += span.low <= gap / 2 + _ROUNDING and gap / 2 <= span.high
        ratios += least.low <= truth[0] / BASE <= least.high + _ROUNDING  # the lowest rate; the highest is nearer
    held = (signed / runs, largest / runs, overall / runs, ratios / runs)
    return Coverage(n, k, gap, *held, widths / runs, gaps / runs)


def simulated(
    hits: NDArray[np.int64], totals: NDArray[np.int64], replicates: int, rng: np.random.Generator
) -> tuple[GroupRates, list[BesideRest]]:
    """Return rates of people with one row each, alone and each beside the rest, and their bootstrap.

    Of people: multinomial over groups, then drawn by group.
    """
    values, everybody = hits / totals, int(totals.sum())
    drawn = rng.multinomial(everybody, totals / everybody, size=replicates)
    right = rng.binomial(drawn, values)
    rates = GroupRates(values, right / drawn, totals.astype(np.float64), one_each=True, disjoint=True)
    beside = []
    for g, total in enumerate(totals):
        rest = (right.sum(axis=1) - right[:, g]) / (everybody - drawn[:, g])
        two = GroupRates(
            values=np.array([values[g], (hits.sum() - hits[g]) / (everybody - total)]),
            replicates=np.column_stack([right[:, g] / drawn[:, g], rest]),
            n=np.array([total, everybody - total], dtype=np.float64),
            one_each=True,
            disjoint=True,
        )
        beside.append(BesideRest(two, share=total / everybody, overall=right.sum(axis=1) / everybody))
    return rates, beside


def levels(*, runs: int, rng: np.random.Generator) -> tuple[list[Level], float]:
    """Return how often each test finds something, and how often any adjusted p-value does under the null.

    Three groups of unequal size with unequal shares of positives. Under the null of error rates and precision the
    decision depends on the true label alone (or the label on the decision alone); where it is false, one group is
    decided positive more often.
    """
    names = ("demographic_parity", "equal_opportunity", "false_positive_rate", "equalized_odds", "predictive_parity")
    found = {name: [0, 0] for name in names}
    falsely = 0
    for _ in range(runs):
        for side, lean in enumerate((0.0, 0.25)):
            ps = [_p(name, lean, rng) for name in names]
            for name, p in zip(names, ps, strict=True):
                found[name][side] += p <= LEVEL
            if not side:
                falsely += bool((stats.false_discovery_control(ps, method="by") <= LEVEL).any())
    return [Level(name, null / runs, false / runs) for name, (null, false) in found.items()], falsely / runs


def _p(name: str, lean: float, rng: np.random.Generator) -> float:
    group = np.repeat([0, 1, 2], [PEOPLE // 2, PEOPLE // 3, PEOPLE // 6])
    base = np.array([0.3, 0.5, 0.7])[group]
    tilt = lean * (group == 1)
    match name:
        case "demographic_parity":  # decided without a look at the label
            y = rng.random(PEOPLE) < base
            d = rng.random(PEOPLE) < 0.5 + tilt
            gap: Gap = rate_gap(d.astype(np.float64), np.ones(PEOPLE), 3)
            strata, rows = np.zeros(PEOPLE, dtype=np.int64), np.ones(PEOPLE, dtype=np.bool_)
        case "predictive_parity":  # the label follows the decision
            d = rng.random(PEOPLE) < base
            y = rng.random(PEOPLE) < np.where(d, 0.7 - tilt, 0.2)
            rows, strata = d, np.zeros(int(d.sum()), dtype=np.int64)
            gap = rate_gap(y[d].astype(np.float64), np.ones(int(d.sum())), 3)
        case _:
            y = rng.random(PEOPLE) < base
            d = rng.random(PEOPLE) < np.clip(np.where(y, 0.7, 0.25) + tilt, 0, 1)
            kept = {"equal_opportunity": (y,), "false_positive_rate": (~y,)}.get(name, (y, ~y))
            rows = np.logical_or.reduce(kept)
            gap = largest_of([rate_gap((d & side)[rows].astype(float), side[rows].astype(float), 3) for side in kept])
            strata = y[rows].astype(np.int64)
    return p_value(gap, group[rows], strata, permutations=DEALS, width=PEOPLE, rng=rng)


def page(cells: list[Coverage], tests: list[Level], falsely: float, runs: int, test_runs: int) -> str:
    """Return the page in Markdown."""

    def share(value: float, n: int) -> str:
        held = wilson(value * n, n)
        return f"{value:.3f} ({held.low:.3f} to {held.high:.3f})"

    rows = "\n".join(
        f"| {c.n:,} | {c.groups} | {c.gap:.2f} | {share(c.signed, runs)} | {share(c.largest, runs)} "
        f"| {share(c.to_overall, runs)} | {share(c.ratio_to_overall, runs)} "
        f"| {c.signed_width:.3f} | {c.largest_width:.3f} |"
        for c in cells
    )
    found = "\n".join(
        f"| {t.criterion.replace('_', ' ')} | {share(t.found_under_null, test_runs)} "
        f"| {share(t.found_where_false, test_runs)} |"
        for t in tests
    )
    return f"""# Do intervals and tests of group differences keep their word?

Simulated audits whose truth is known. `python -m workbench.bench.coverage` makes this page.

## Intervals at 95%

{runs:,} audits a line; groups of about equal size, true rates evenly spread around {BASE}. Signed differences are
right when *all* pairs lie in their intervals at once. The interval of the largest gap is built from theirs, so that it
errs on the wide side; a percentile bootstrap of the largest gap would hold a true gap of 0 in no audit at all.

"To all" holds each group against all groups together, as a difference and as a ratio.

| people | groups | true gap | signed, all pairs held | largest held | to all, difference held | to all, ratio held \
| mean width, signed | mean width, largest |
|---|---|---|---|---|---|---|---|---|
{rows}

## Permutation tests at 0.05

{test_runs:,} audits of {PEOPLE} people in three groups of unequal size, whose shares of positives are 0.3, 0.5 and 0.7;
{DEALS} permutations. Under the null hypothesis of each test, no more than 0.05 may be found; where it is false, one
group is treated otherwise by a quarter.

| criterion | found under the null | found where it is false |
|---|---|---|
{found}

All five adjusted together (Benjamini-Yekutieli), anything is found under the nulls in {share(falsely, test_runs)}.
"""


def main(
    out: Annotated[Path, typer.Option(help="Folder for fairness_coverage.md and .json.")] = Path("reports"),
    runs: Annotated[int, typer.Option(help="Simulated audits for each line of intervals.")] = 2000,
    test_runs: Annotated[int, typer.Option(help="Simulated audits for the tests.")] = 1000,
) -> None:
    """Simulate and write the page."""
    cells = []
    for n in SIZES:
        for k in GROUPS:
            for gap in GAPS:
                rng = np.random.default_rng([n, k, round(gap * 100)])
                cells.append(covered(n, k, gap, runs=runs, replicates=1000, rng=rng))
                typer.echo(
                    f"{n} people, {k} groups, gap {gap}: {cells[-1].signed:.3f}, {cells[-1].largest:.3f}, "
                    f"to all {cells[-1].to_overall:.3f}, {cells[-1].ratio_to_overall:.3f}",
                    err=True,
                )
    tests, falsely = levels(runs=test_runs, rng=np.random.default_rng(5))
    write_json(
        out / "fairness_coverage.json",
        {
            "runs": runs,
            "test_runs": test_runs,
            "coverage": [one._asdict() for one in cells],
            "levels": [one._asdict() for one in tests],
            "falsely_any_adjusted": falsely,
        },
    )
    write_text(out / "fairness_coverage.md", page(cells, tests, falsely, runs, test_runs))


if __name__ == "__main__":
    typer.run(main)
