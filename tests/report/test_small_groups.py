"""Groups that are withheld: none can be had from totals."""

import random

from workbench.evidence.exhibits import Curve, CurvePoint, GroupSize, GroupTable
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Finding
from workbench.report.redact import redact
from workbench.report.small_groups import SMALLEST, SmallGroups, large_enough, withheld


def test_large_groups_stay():
    assert withheld({"a": 10, "b": 500}) == frozenset()
    assert withheld({}) == frozenset()


def test_a_small_group_is_never_withheld_alone():
    assert withheld({"a": 9, "b": 11, "c": 500}) == {"a", "b"}
    assert withheld({"a": 1, "b": 2, "c": 30, "d": 500}) == {"a", "b", "c"}
    assert withheld({"a": 3, "b": 400}) == {"a", "b"}


def test_subtraction_from_the_total_never_gives_a_small_cell():
    rng = random.Random(5)
    for _ in range(2000):
        sizes = {str(i): rng.choice((0, 1, 4, 9, 10, 11, 40, 300)) for i in range(rng.randint(1, 7))}
        hidden = withheld(sizes)
        rest = sum(sizes.values()) - sum(n for group, n in sizes.items() if group not in hidden)
        assert all(n >= SMALLEST for group, n in sizes.items() if group not in hidden)
        if hidden and hidden != set(sizes):
            assert rest >= SMALLEST
            assert len(hidden) >= 2


def held(rich, groups, *exhibits, measurements=(), attribute="sex"):
    from workbench.evidence.record import Evidence, Measured

    corpus = rich.corpus.model_copy(update={"groups": {attribute: groups}})
    result = Measured(measurements=measurements, exhibits=exhibits)
    evidence = Evidence(probe="fairness.groups@1", params={}, seed=0, seconds=0, result=result)
    return rich.model_copy(update={"corpus": corpus, "evidence": (evidence,), "findings": ()})


def rate(group, n, attribute="sex"):
    interval = Interval(low=0.1, high=0.9, method="Wilson")
    where = {"attribute": attribute, "group": group}
    return Measurement(
        name="fairness.selection_rate",
        value=0.5,
        unit="proportion",
        better="neither",
        n=n,
        interval=interval,
        where=where,
    )


def sizes(*groups, by_label=(50, 50)):
    return GroupTable(
        attribute="sex",
        groups=tuple(
            GroupSize(group=g, n=n, people=people, by_label={"x": by_label[0], "y": by_label[1]})
            for g, n, people in groups
        ),
    )


def test_people_count_too_and_everything_about_the_group_goes(rich):
    table = sizes(("zeta", 40, 4), ("eta", 60, 60), ("theta", 900, 900))
    record = held(
        rich, {"zeta": 40, "eta": 60, "theta": 900}, table,
        Curve(name="reliability", x_label="x", y_label="y", method="m", where={"attribute": "sex", "group": "zeta"},
              points=(CurvePoint(x=0, y=0, low=0, high=1, n=40),)),
        measurements=(rate("zeta", 40), rate("eta", 60), rate("theta", 900)),
    )  # fmt: skip
    bare = redact(record)
    told = bare.model_dump_json()
    assert "zeta" not in told
    assert '"eta"' not in told  # withheld with it
    assert [one.where["group"] for _, one in bare.measurements()] == ["theta"]
    assert bare.corpus.groups == {"sex": {"theta": 900}}


def test_cells_by_label_go_together_where_one_is_small(rich):
    record = held(rich, {"f": 500, "m": 500}, sizes(("f", 500, 500), ("m", 500, 500), by_label=(3, 497)))
    (table,) = (one for _, one in redact(record).exhibits("group_table"))
    assert [one.by_label for one in table.groups] == [{}, {}]


def test_a_rate_on_too_few_goes_though_its_group_is_large(rich):
    record = held(rich, {"f": 500, "m": 500}, measurements=(rate("f", 9), rate("m", 10)))
    assert [one.n for _, one in redact(record).measurements()] == [10]


def test_crossed_attributes_go_whole_for_their_margins_tell_the_cell(rich):
    groups = {"sex": {"f": 500, "m": 500}, "age": {"young": 500, "old": 500},
              "sex and age": {"f young": 495, "f old": 5, "m young": 5, "m old": 495}}  # fmt: skip
    record = rich.model_copy(update={"corpus": rich.corpus.model_copy(update={"groups": groups})})
    assert SmallGroups.of(record).held["sex and age"] == set(groups["sex and age"])
    assert SmallGroups.of(record).held["sex"] == frozenset()


def test_a_finding_on_a_small_group_keeps_its_verdict_and_loses_its_number(rich):
    record = held(rich, {"zeta": 4, "eta": 60, "theta": 900}, measurements=(rate("zeta", 4),))
    finding = Finding(
        criterion="c", severity="fail", verdict="fail", because="Selection rate for sex zeta is 0.5", why="w",
        measurement="fairness.selection_rate", where={"attribute": "sex", "group": "zeta"}, bound="at least 0.60",
        evidence=rate("zeta", 4), probe="fairness.groups@1",
    )  # fmt: skip
    (bare,) = redact(record.model_copy(update={"findings": (finding,)})).findings
    assert bare.verdict == "fail"
    assert bare.evidence is None
    assert "zeta" not in bare.model_dump_json()


def test_a_note_that_names_a_small_group_is_withheld(rich):
    from workbench.evidence.exhibits import Note

    record = held(rich, {"zeta": 4, "eta": 60, "theta": 900}, Note(text="sex: AUC is not defined for zeta: one side."),
                  Note(text="sex: gaps are between theta and others."))  # fmt: skip
    notes = [one.text for _, one in redact(record).exhibits("note")]
    assert notes[0].startswith("Withheld: it names a group")
    assert notes[1] == "sex: gaps are between theta and others."


def test_the_training_data_lose_their_small_groups(rich):
    assert large_enough({"sex": {"a": 3, "b": 20, "c": 900}, "age": {"x": 2}}) == {"sex": {"c": 900}}
