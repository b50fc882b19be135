"""The section on groups: rates of decisions and figures of probabilities stand in tables of their own."""

from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Evidence, Measured
from workbench.report.blocks import Table
from workbench.report.fairness import fairness


def test_calibration_within_groups_has_a_table_of_its_own(rich):
    where = {"attribute": "age_band", "group": "60+"}
    added = tuple(
        Measurement(
            name=f"fairness.{name}",
            value=0.1,
            unit="score",
            better="lower",
            n=400,
            interval=Interval(low=0.05, high=0.2, method="made in the test"),
            where=where,
        )
        for name in ("ece", "ece_if_calibrated", "overconfidence", "brier")
    )
    one = Evidence(probe="fairness.calibration@1", params={}, seed=0, seconds=0.1, result=Measured(measurements=added))
    record = rich.model_copy(update={"evidence": (*rich.evidence, one)})
    made = {block.caption: block for block in fairness(record) if isinstance(block, Table)}
    table = made["Calibration, by group (age_band)"]
    assert [cell.text for cell in table.columns] == [
        "Group",
        "Calibration error",
        "Calibration error that a calibrated model would show",
        "Confidence above accuracy, mean",
        "Brier score",
    ]
    assert [row[0].text for row in table.rows] == ["60+"]
    assert "Brier score" not in [cell.text for cell in made["Rates, by group (age_band)"].columns]
