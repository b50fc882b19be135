"""Success against queries: the curve is what the outcomes say, and ends at the success rate."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.robustness.budget import CURVE, STEPS, course
from workbench.audit.robustness.rates import rates
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Curve, Note, Rewrite
from workbench.evidence.intervals import quantile_interval, wilson
from workbench.seeds import Streams

QUERIES = (3, 9, 9, 20, 20, 100)
"""Of the six successes."""


def rewrite(i: int, outcome: str, queries: int = 0) -> Rewrite:
    return Rewrite(
        example=f"e{i}", recipe="r@1", outcome=outcome, label="good", original="x", rewritten=None,
        predicted_before="bad" if outcome == "skipped" else "good", predicted_after=None, probability_before=0.9,
        queries=queries, words=1,
    )  # fmt: skip


FOUND = [
    *(rewrite(i, "succeeded", queries) for i, queries in enumerate(QUERIES)),
    *(rewrite(10 + i, "resisted", 7) for i in range(2)),
    *(rewrite(20 + i, "exhausted", 100) for i in range(2)),
    *(rewrite(30 + i, "skipped") for i in range(3)),
    rewrite(40, "failed"),
]
EACH = People(np.arange(len(FOUND)))


def curve_of(found: list[Rewrite], people: People, budget: int = 100, only: str | None = None) -> Curve | None:
    _, shown = course(found, people, recipe="r@1", budget=budget, streams=Streams(0), only=only)
    curves = [one for one in shown if isinstance(one, Curve)]
    return curves[0] if curves else None


def test_the_curve_counts_who_has_fallen_by_then() -> None:
    curve = curve_of(FOUND, EACH)
    assert curve is not None
    assert (curve.name, curve.where, curve.x_scale) == (CURVE, {"recipe": "r@1"}, "log")
    assert (curve.points[0].x, curve.points[-1].x) == (1, 100)
    assert len(curve.points) in (STEPS - 1, STEPS)
    for point in curve.points:
        fallen = sum(queries <= point.x for queries in QUERIES)
        held = wilson(fallen, 10)  # six, two that resisted and two that outlasted the budget
        assert (point.y, point.low, point.high, point.n) == (fallen / 10, held.low, held.high, 10)
    assert any(0 < point.y < 0.6 for point in curve.points)


def test_it_ends_at_the_success_rate() -> None:
    curve = curve_of(FOUND, EACH)
    measured, _ = rates(FOUND, EACH, recipe="r@1", budget=100, streams=Streams(0))
    (rate,) = [one for one in measured if one.name == "robustness.attack_success_rate"]
    assert curve is not None
    assert rate.interval is not None
    last = curve.points[-1]
    assert (last.y, last.low, last.high, last.n) == (rate.value, rate.interval.low, rate.interval.high, rate.n)


def test_the_median_is_over_the_attacked_texts() -> None:
    measured, shown = course(FOUND, EACH, recipe="r@1", budget=100, streams=Streams(0))
    (one,) = measured
    spent = [*QUERIES, 7, 7, 100, 100]
    assert one.value == np.median(spent) == 14.5
    assert one.interval == quantile_interval(spent, 0.5)
    assert (one.name, one.unit, one.n) == ("robustness.queries_median", "queries", 10)
    assert not [each for each in shown if isinstance(each, Note)]


def test_people_with_several_texts_widen_the_band() -> None:
    found = [rewrite(i, "succeeded" if i % 8 < 4 else "resisted", 5) for i in range(80)]
    each, shared = curve_of(found, People(np.arange(80))), curve_of(found, People(np.arange(80) // 4))
    assert each is not None
    assert shared is not None
    assert shared.method.startswith("bootstrap over people")
    assert shared.points[-1].n == 20
    assert shared.points[-1].high - shared.points[-1].low > 1.5 * (each.points[-1].high - each.points[-1].low)


def test_few_texts_have_a_curve_but_no_median() -> None:
    found = [rewrite(i, "succeeded", 5) for i in range(4)]
    measured, shown = course(found, People(np.arange(4)), recipe="r@1", budget=100, streams=Streams(0))
    assert measured == ()
    assert [one.kind for one in shown] == ["note", "curve"]
    assert "queries_median is not given: the texts of 4 people are too few" in shown[0].model_dump()["text"]


@pytest.mark.parametrize("budget", [2, 3, 60, 500, 2000])
def test_numbers_of_queries_are_whole_and_grow_to_the_budget(budget: int) -> None:
    curve = curve_of(FOUND, EACH, budget=budget)
    assert curve is not None
    xs = [point.x for point in curve.points]
    assert xs == sorted(set(xs))
    assert all(x == int(x) for x in xs)
    assert (xs[0], xs[-1]) == (1, budget)


def test_nothing_attacked_is_no_curve() -> None:
    found = [rewrite(i, "skipped") for i in range(9)]
    assert course(found, People(np.arange(9)), recipe="r@1", budget=100, streams=Streams(0)) == ((), ())


def test_a_model_with_one_decision_has_no_curve_unless_it_fell() -> None:
    stone = [rewrite(i, "resisted", 7) for i in range(9)]
    people = People(np.arange(9))
    assert curve_of(stone, people) is not None
    assert curve_of(stone, people, only="good") is None
    assert curve_of(FOUND, EACH, only="good") is not None


def test_intervals_of_few_successes_stay_where_their_quantities_can_be() -> None:
    """No fewer queries than none and no more than may be spent; no cosine above one; no median of three."""
    few = [
        rewrite(i, "succeeded", queries).model_copy(update={"words_changed": words, "similarity": alike})
        for i, (queries, words, alike) in enumerate([(3, 1, 0.99), (3, 1, 0.98), (90, 9, 0.6)])
    ]
    measured, notes = rates(few, People(np.arange(3)), recipe="r@1", budget=100, streams=Streams(0))
    held = {one.name: one.interval for one in measured}
    queries, alike = held["robustness.queries_mean"], held["robustness.similarity_mean"]
    assert queries is not None
    assert alike is not None
    assert 0 <= queries.low < 32 < queries.high <= 100
    assert -1 <= alike.low < 0.857 < alike.high <= 1
    assert "robustness.words_changed_median" not in held
    assert any(note.startswith("words_changed_median is not given") for note in notes)


def test_the_interval_of_mean_queries_covers_where_a_few_texts_take_most() -> None:
    """One text in ten takes nearly the whole budget, twelve texts are attacked: the truth lies in the interval.

    A percentile bootstrap covers about 72% here: no text of those in three samples of ten is expensive.
    """
    rng, truth, covered, samples = np.random.default_rng(0), 0.9 * 10 + 0.1 * 290, 0, 200
    for _ in range(samples):
        spent = np.where(rng.random(12) < 0.1, 290, 10)
        found = [rewrite(i, "resisted", int(one)) for i, one in enumerate(spent)]
        measured, _ = rates(found, People(np.arange(12)), recipe="r@1", budget=300, streams=Streams(0))
        held = next(one for one in measured if one.name == "robustness.queries_mean").interval
        assert held is not None
        covered += held.low <= truth <= held.high
    assert covered >= 0.95 * samples
