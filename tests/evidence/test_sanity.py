"""Figures of the sanity check, and what they say."""

from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.sanity import alike_without_labels, mostly_embeddings, of_the_last_part, outcomes, passes


def figure(name, low, high, **where):
    return Measurement(
        name=f"explanations.randomisation_{name}", value=(low + high) / 2, unit="score", better="lower", n=20,
        interval=Interval(low=low, high=high, level=0.95, method="made up"), where={"attributor": "a@1", **where},
    )  # fmt: skip


def test_a_method_passes_below_both_limits_fails_above_one_and_is_open_between():
    below, above, across = figure("excess", -0.4, -0.1), figure("excess", 0.1, 0.2), figure("excess", -0.1, 0.1)
    low, high, half = (figure("correlation", *ends) for ends in ((0.0, 0.1), (0.6, 0.9), (0.4, 0.6)))
    for excess, correlation, outcome in (
        (below, low, "passes"), (above, low, "fails"), (below, high, "fails"), (across, high, "fails"),
        (across, low, "open"), (below, half, "open"),
    ):  # fmt: skip
        assert outcomes([excess, correlation]) == {"a@1": outcome}
        assert passes([excess, correlation]) == {"a@1": outcome == "passes"}
    assert outcomes([below]) == {}


def test_the_stage_before_the_last_shows_what_the_lowest_part_alone_gives():
    last = figure("correlation", 0.6, 0.8, scores="signed", randomised="7 of 8 parts")
    others = [
        figure("correlation", 0.9, 1.0, scores="signed", randomised="1 of 8 parts"),
        figure("correlation", 0.9, 1.0, scores="absolute", randomised="7 of 8 parts"),
        figure("correlation", 0.9, 1.0),
    ]
    assert of_the_last_part([*others, last]) == {"a@1": last}
    assert mostly_embeddings([*others, last]) == ["a@1"]
    unsure = figure("correlation", 0.4, 0.8, scores="signed", randomised="7 of 8 parts")
    assert mostly_embeddings([*others, unsure]) == []


def test_what_is_surely_alike_on_a_model_of_random_labels():
    def labels(low, high, **where):
        return figure("correlation", low, high, **where).model_copy(
            update={"name": "explanations.label_randomisation_correlation"}
        )

    assert alike_without_labels([labels(0.6, 0.9)]) == ["a@1"]
    assert alike_without_labels([labels(0.4, 0.9), labels(0.6, 0.9, scores="absolute")]) == []
