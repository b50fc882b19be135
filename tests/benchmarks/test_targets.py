"""The promises of the benchmark, read once more, from the table that they were made in."""

from pathlib import Path

import pytest

from workbench.audit.profiles import PROFILES
from workbench.audit.robustness.attack import AttackProbe
from workbench.bench.agreement import agreement, correlations, pearson, share
from workbench.bench.compare import _met
from workbench.bench.meter import metered
from workbench.bench.profile import profiled
from workbench.bench.results import Bench, Check, Profile, Ratio, Result
from workbench.bench.targets import ATTACK, DEMO, GRADIENTS, LIME, PREDICTIONS, SHAP, TARGETS, TITLES, Target
from workbench.bench.timing import best_threads, middle, ratio_of, seconds_of
from workbench.bench.wording import demo, limit, limits, spending
from workbench.models.hugging_face import load_checkpoint

PROMISED = {
    ATTACK: (5, 12),
    SHAP: (3, 6),
    LIME: (3, 6),
    GRADIENTS: (2, None),
    PREDICTIONS: (1.5, 2.5),
}


def test_targets_are_the_promised_ones():
    held = {name: [TARGETS.get((name, precision)) for precision in ("float32", "bfloat16")] for name in TITLES}
    assert {name: tuple(one and one.least for one in pair) for name, pair in held.items()} == PROMISED
    assert [TARGETS[name, "bfloat16"].aim for name in (ATTACK, SHAP, LIME)] == [15, 8, 8]


class Sized:
    def __init__(self, name, n):
        self.name, self.n = name, n


@pytest.mark.parametrize(
    ("name", "n", "value", "met"),
    [
        (LIME, 20, 3.0, True),
        (LIME, 20, 2.99, False),
        (LIME, 19, 9.0, None),
        (PREDICTIONS, 199, 9.0, None),
        (PREDICTIONS, 200, 9.0, True),
    ],
)
def test_a_target_is_judged_on_enough_examples_only(name, n, value, met):
    assert _met(Sized(name, n), Ratio(value=value, low=value, high=value, repeats=1), Target(3)) is met


def test_ratios_are_of_medians_with_the_range_over_pairs():
    found = ratio_of([10, 20, 12], [2, 2, 4])
    assert (found.value, found.low, found.high, found.repeats) == (6, 3, 10, 3)
    assert ratio_of([4], [2]).low == 2


def test_seconds_are_for_one_example():
    found = seconds_of([10, 30, 20], 10)
    assert (found.median, found.low, found.high, found.repeats) == (2, 1, 3, 3)
    assert middle([10, 30, 20]) == 2
    assert middle([10, 30, 20, 5]) == 0


def test_stock_gets_the_threads_that_suit_it(monkeypatch):
    import torch

    from workbench.bench import timing

    seconds = {1: 0.3, 2: 0.2, 4: 0.5}
    monkeypatch.setattr(timing, "timed", lambda trial: seconds[torch.get_num_threads()])
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        assert best_threads(lambda: None) == (2, {"1": 0.3, "2": 0.2, "4": 0.5})
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_a_check_without_a_bound_is_stated_and_one_with_a_bound_is_judged():
    assert Check(name="x", value=7, n=1, better="lower").met
    assert not Check(name="x", value=7, n=1, better="lower", bound=6).met
    assert Check(name="x", value=7, n=1, better="higher", bound=6).met
    assert not agreement([share("x", 1, 4, bound=0, higher=False)]).met
    assert share("x", 1, 4, higher=False).interval.low < 0.25


def test_scores_that_are_all_equal_correlate_with_nothing():
    import numpy as np

    flat, rising = np.zeros(3), np.arange(3.0)
    assert pearson(flat, rising) is None
    assert pearson(rising, 2 * rising + 1) == pytest.approx(1)
    checks, notes = correlations([flat, rising], [rising, -rising])
    assert [check.value for check in checks] == [pytest.approx(-1), pytest.approx(-1)]
    assert "1 of 2" in notes[0]
    with pytest.raises(ValueError, match="not the same tokens"):
        pearson(flat, np.arange(4.0))


def result(ratio, share, target):
    """A work that runs at `share` of the peak."""
    seconds = {"median": 1.0, "low": 1.0, "high": 1.0, "repeats": 1}
    return Result.model_validate(
        {
            "name": "lime", "title": "LIME", "precision": "bfloat16", "n": 20, "stock_seconds_per_example": ratio,
            "workbench_seconds_per_example": 1.0, "ratio": ratio, "stock": seconds, "stock_threads": 1,
            "stock_threads_tried": {"1": 1.0}, "workbench": seconds, "target": target, "met": ratio >= target,
            "ratios": {"value": ratio, "low": ratio, "high": ratio, "repeats": 1},
            "agreement": {"checks": [], "notes": [], "met": True},
            "use": {"seconds": 1.0, "share_inside": 1.0, "forwards": 1, "tokens": 1, "tokens_computed": 1,
                    "flops_per_second": 1.0, "whole_flops_per_second": 1.0, "share_of_peak": share},
        }
    )  # fmt: skip


def test_a_missed_target_is_told_with_the_limit_that_holds():
    assert limit(result(4.0, 0.5, 6.0), None) == (
        "LIME, bfloat16: 4x of 6x. At the peak of this machine's products ours would be 8x as fast as stock; it runs "
        "at 50% of that, and 6x needs 75%. Where the network's time goes was not looked at in that run."
    )
    assert "12x is beyond this machine: ours would have to compute less." in limit(result(4.0, 0.5, 12.0), None)
    assert limit(result(4.0, 0.5, 3.0), None) is None, "a target that is met has no excuse"


def test_what_is_no_product_stays_when_products_are_at_peak():
    """Of a second, half would remain for products at peak and a tenth is no product: 4 / (0.5 + 0.1)."""
    profile = Profile(
        name="lime", precision="bfloat16", batches=9, shapes=1, shortest=(1, 8), longest=(1, 8), repeats=1,
        products=0.8, attention=0.1, rest=0.1,
    )  # fmt: skip
    assert result(4.0, 0.5, 6.0).attainable(profile) == pytest.approx(4 / 0.6)
    assert "would make ours 6.67x as fast." in limit(result(4.0, 0.5, 6.0), profile)


def test_a_work_is_profiled_at_the_shapes_that_it_had_and_adds_up(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint)

    def work(engine):
        engine.predict_proba(["one", "two words and some more than eight tokens"])
        encoded = engine.encode(["a gradient"])
        return engine.logit_gradients(engine.embed(encoded.input_ids), encoded.attention_mask[0], 0)

    spent = metered(model, "float32", work).spent
    assert sum(spent.totals["float32"].shapes.values()) == spent.totals["float32"].batches == 3
    assert sum(rows * length * n for (rows, length), n in spent.totals["float32"].shapes.items()) == (
        spent.totals["float32"].padded
    )
    assert spent.slopes.shapes == {(32, 16): 1}
    found = profiled(model, LIME, "float32", spent)
    shapes = sorted(spent.totals["float32"].shapes, key=lambda shape: shape.length)
    assert (found.batches, found.shapes) == (3, len(shapes))
    assert (found.shortest, found.longest) == (shapes[0], shapes[-1])
    assert found.products + found.attention + found.rest == pytest.approx(1)
    assert min(found.products, found.attention, found.rest) > 0


def test_shares_of_the_cores_time_leave_the_rest_elsewhere(finished):
    first = finished.results[0]
    profile = Profile(
        name=first.name, precision="float32", batches=9, shapes=1, shortest=(1, 8), longest=(1, 8), repeats=1,
        products=0.8, attention=0.1, rest=0.1,
    )  # fmt: skip
    use = first.use.model_copy(update={"occupied": 0.9, "tokenising": 0.01})
    (found,) = spending(
        finished.model_copy(update={"results": (first.model_copy(update={"use": use}),), "roofline": (profile,)})
    )
    assert found[2:7] == ("72%", "9%", "9%", "1.0%", "9%")


def test_the_demo_gains_what_its_works_gain_together(finished):
    assert demo(finished) is None, "not all of its works were measured"
    before, after = {PREDICTIONS: 0.02, ATTACK: 3.0, GRADIENTS: 1.0}, {PREDICTIONS: 0.01, ATTACK: 1.0, GRADIENTS: 0.5}
    results = tuple(
        finished.results[0].model_copy(
            update={"name": name, "stock_seconds_per_example": before[name], "workbench_seconds_per_example": one}
        )
        for name, one in after.items()
    )
    found = demo(finished.model_copy(update={"results": results}))
    # 2,831 * 0.02 + 30 * 3 + 12 * 1, and 2,831 * 0.01 + 30 * 1 + 12 * 0.5
    assert "take 159 s with the libraries alone and 64 s with the workbench in float32: 2.47x." in found


def test_the_demo_is_the_quick_profile():
    asked = PROFILES["quick"]
    assert AttackProbe().recipe == "deepwordbug@1"
    assert DEMO[ATTACK] == next(params["examples"] for name, params in asked if name == "robustness.attack@1")
    assert DEMO[GRADIENTS] == next(params["examples"] for name, params in asked if name == "explanations.attribution@1")


def test_committed_results_can_be_read_and_say_what_limits_them():
    committed = Bench.model_validate_json((Path(__file__).parents[2] / "reports/benchmarks.json").read_text("utf-8"))
    assert len(limits(committed)) == len([one for one in committed.results if one.met is False])
    assert demo(committed)
