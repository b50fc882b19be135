"""Whether two audits measured the same: by the same probe asked for the same, and how their models were made."""

import importlib.util
from pathlib import Path

import pytest

from workbench.evidence.alike import differently_audited, differently_trained, key_of, measured_alike

_GOLDEN = importlib.util.spec_from_file_location("golden_record", Path(__file__).parents[1] / "golden" / "record.py")


@pytest.fixture(scope="module")
def rich():
    module = importlib.util.module_from_spec(_GOLDEN)
    _GOLDEN.loader.exec_module(module)
    return module.rich()


def changed(record, probe, **params):
    held = tuple(
        one.model_copy(update={"params": {**one.params, **params}}) if one.probe == probe else one
        for one in record.evidence
    )
    return record.model_copy(update={"evidence": held})


def test_the_same_audit_is_alike_and_made_alike(rich):
    assert set(measured_alike(rich, rich).values()) == {True}
    assert [*differently_audited(rich, rich), *differently_trained(rich, rich)] == []


@pytest.mark.parametrize(("params", "alike"), [({"examples": 7}, True), ({"query_budget": 7}, False)])
def test_how_much_may_differ_and_how_may_not(rich, params, alike):
    probe = "robustness.attack@1"
    names = {key_of(one.name, one.where) for by, one in rich.measurements() if by.probe == probe}
    assert names
    found = measured_alike(rich, changed(rich, probe, **params))
    assert {found[key] for key in names} == {alike}
    assert {alike for key, alike in found.items() if key not in names} == {True}


def test_what_training_has_seen_is_no_part_of_the_name():
    hardened = {"recipe": "deepwordbug@1", "seen_in_training": "yes"}
    assert key_of("robustness.accuracy_under_attack", hardened) == (
        "robustness.accuracy_under_attack",
        (("recipe", "deepwordbug@1"),),
    )


def test_each_difference_beside_the_models_is_said(rich):
    other = rich.model_copy(
        update={
            "audit": rich.audit.model_copy(update={"seed": 11, "precision": "float64"}),
            "training": rich.training.model_copy(
                update={
                    "recipe": {**rich.training.recipe, "seed": 3},
                    "corpus": rich.training.corpus.model_copy(update={"digest": "f" * 64}),
                }
            ),
        }
    )
    audited, trained = " ".join(differently_audited(rich, other)), " ".join(differently_trained(rich, other))
    for told, parts in (
        (audited, ("differ in seed: ", "differ in precision: ")),
        (trained, ("learned from different data", "different seeds (0 and 3)")),
    ):
        assert all(part in told for part in parts)
    (unknown,) = differently_trained(rich, rich.model_copy(update={"training": None}))
    assert "is not known" in unknown
