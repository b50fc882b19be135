"""The claim of a training card, reckoned again."""

import pytest

from workbench.audit.privacy.statement import Statement
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus, Example
from workbench.errors import BadInput
from workbench.evidence.cards import PrivacyCard, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.record import Measured, NotApplicable
from workbench.seeds import Streams

CORPUS = Corpus((Example("e", "e", "text", "a"),), ("a", "b"), "made", "made")


def privacy(**changes):
    stated = {
        "epsilon": 1.84, "delta": 1e-5, "unit": "example", "units": 10_000, "neighbours": "one more",
        "sampling": "Poisson", "sample_rate": 0.01, "units_public": True, "batch": 100, "noise_multiplier": 1.0,
        "max_grad_norm": 1.0, "steps": 1_000, "clipping": "bookkeeping", "noise": "os.urandom", "accountants": (),
        "trainable": 770, "runs": 1, "checks": ("noise has the stated deviation",), "not_covered": ("other models",),
    }  # fmt: skip
    return PrivacyCard(**{**stated, **changes})


def training(card):
    return TrainingCard(
        recipe={}, corpus=CORPUS.card, fingerprints="fingerprints.txt", curve=(), best_step=1, steps=1, stopped="done",
        class_weights=None, validation_report="", test_report="", device="cpu", processes=1, precision="float32",
        seconds=1.0, date="2026-11-26", code="0", versions={}, privacy=card,
    )  # fmt: skip


def measured(card):
    setting = Setting(Streams(0), Decision(), "a", training=card)
    return Statement().measure(None, CORPUS, setting)


def test_epsilon_is_measured_by_every_accountant():
    found = measured(training(privacy()))
    assert isinstance(found, Measured)
    by = {one.where["accountant"]: one for one in found.measurements if one.name == "privacy.epsilon"}
    assert set(by) == {"prv", "rdp", "gdp", "pld"}
    assert by["pld"].value <= 1.84
    assert by["pld"].value == pytest.approx(1.828, abs=2e-3)
    assert all(one.n == 10_000 for one in by.values())
    assert [one.value for one in found.measurements if one.name == "privacy.delta"] == [1e-5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": 0.5}, "claims epsilon 0.5 .* give 1.828 by pld"),
        ({"steps": 4_000}, "claims epsilon 1.84"),
        ({"sample_rate": 0.02}, "claims epsilon 1.84"),
        ({"noise_multiplier": 0.5}, "claims epsilon 1.84"),
        ({"noise_multiplier": 0.05}, "claims epsilon 1.84"),
        ({"units": 200_000}, "whole records"),
    ],
)
def test_a_card_that_claims_too_little_is_not_relied_on(changes, message):
    with pytest.raises(BadInput, match=message):
        measured(training(privacy(**changes)))


@pytest.mark.parametrize(
    ("card", "reason"), [(None, "not known how"), (training(None), "without differential privacy")]
)
def test_no_claim_is_no_figure(card, reason):
    found = measured(card)
    assert isinstance(found, NotApplicable)
    assert reason in found.reason
