"""The projection is arithmetic on counts, and says nothing where not everything was counted."""

from __future__ import annotations

from typing import Any

from workbench.evidence.effort import Effort
from workbench.report.blocks import Paragraph, Table
from workbench.report.scaling import scaling


def effort(step: str, **values: Any) -> Effort:
    whole = {
        "grows": False, "complete": True, "asked": 100, "sequences": 50, "tokens": 400, "computed_tokens": 500,
        "seconds": 30.0, "model_seconds": 27.0,
    }  # fmt: skip
    return Effort(step=step, **{**whole, **values})


def shown(rich: Any, *efforts: Effort) -> tuple[str, Table]:
    _, paragraph, table = scaling(rich.model_copy(update={"effort": efforts}))
    assert isinstance(paragraph, Paragraph)
    assert isinstance(table, Table)
    return paragraph.text, table


def test_what_grows_is_multiplied_and_the_rest_is_not(rich: Any) -> None:
    text, table = shown(rich, effort("predictions", grows=True, sequences=1000, seconds=60.0), effort("attack"))
    assert "sent 1,050 texts through the network and took 90" in text
    assert "60% of it inside the network" in text
    assert "send about 10,050 and take about 10 minutes" in text, "10 x 60 s + 30 s"
    assert [cell.text for cell in table.rows[0]] == ["predictions", "100", "1,000", "20%", "60.0 s", "10 minutes"]
    assert table.rows[1][5].text == "30.0 s"


def test_nothing_is_said_of_more_data_after_an_interruption(rich: Any) -> None:
    text, table = shown(rich, effort("predictions", grows=True), effort("attack", complete=False))
    assert "nothing is said about more data" in text
    assert {row[5].text for row in table.rows} == {"–"}
    assert table.rows[1][0].small == "in part"


def test_a_model_that_makes_its_own_batches_has_no_padding_to_tell(rich: Any) -> None:
    _, table = shown(rich, effort("predictions", tokens=0, computed_tokens=0))
    assert table.rows[0][3].text == "–"


def test_an_older_record_says_nothing(rich: Any) -> None:
    assert scaling(rich.model_copy(update={"effort": ()})) == ()


def test_long_times_are_told_in_hours(rich: Any) -> None:
    text, _ = shown(rich, effort("predictions", grows=True, seconds=3600.0))
    assert "take about 10.0 hours" in text
