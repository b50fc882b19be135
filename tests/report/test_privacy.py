"""The guarantee in words: what a reader may rely on."""

import math

import pytest

from workbench.evidence.cards import PaidSteps, PrivacyCard, Reckoned
from workbench.evidence.exhibits import Curve, CurvePoint, RecordAtRisk, RecordsAtRisk
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Evidence, Failed, Measured
from workbench.report.blocks import Definitions, Figure, Heading, Paragraph, Table
from workbench.report.model_card import model_card
from workbench.report.privacy import in_words, privacy
from workbench.report.redact import redact
from workbench.report.render import render


def card(**changes):
    stated = {
        "epsilon": 1.0, "delta": 1e-5, "unit": "example", "units": 17_000, "neighbours": "one more",
        "sampling": "Poisson", "sample_rate": 0.01, "units_public": True, "batch": 170, "noise_multiplier": 1.0,
        "max_grad_norm": 1.0, "steps": 300,
        "clipping": "bookkeeping", "noise": "os.urandom", "trainable": 770, "runs": 2, "epsilon_of_runs": 2.0,
        "accountants": (Reckoned(accountant="prv", library="opacus", epsilon=1.0, error="an upper bound"),),
        "checks": ("noise has the stated deviation",), "not_covered": ("other models",),
    }  # fmt: skip
    return PrivacyCard(**{**stated, **changes})


def test_the_sentences_say_what_epsilon_is():
    first, second, third = in_words(card())
    assert "at most 2.72 times smaller or larger, but for a chance of 1e-05 (epsilon 1)" in first
    # Somebody who guesses with even odds before is right with e^epsilon / (1 + e^epsilon) at most: Kairouz et al. 2015.
    assert f"at most {math.e / (1 + math.e):.1%} of the cases" in second
    assert "proves little" not in second
    assert "17,000 units" in third


def test_delta_counts_among_the_right_guesses():
    # (1 + total variation) / 2 with (e^epsilon - 1 + 2 delta) / (e^epsilon + 1): Kairouz et al. 2015.
    assert f"at most {(math.e + 0.1) / (1 + math.e):.1%} of the cases" in in_words(card(delta=0.1))[1]


def test_no_epsilon_is_too_large_to_be_told():
    first, second, _ = in_words(card(epsilon=5_000.0))
    assert "at most e^5000 times smaller or larger" in first
    assert "practically all cases" in second


@pytest.mark.parametrize("epsilon", [8.0, 50.0])
def test_a_large_epsilon_is_not_made_to_sound_like_protection(epsilon):
    second = in_words(card(epsilon=epsilon))[1]
    assert "practically all cases" in second
    assert "proves little by itself" in second


def test_people_are_told_of_all_their_records():
    assert "your records (up to 8)" in in_words(card(unit="person", records=8))[0]


def roc(tprs, **where):
    points = tuple(CurvePoint(x=x, y=y, low=y, high=y, n=300) for x, y in tprs)
    return Curve(
        name="membership_roc", x_label="false positive rate", y_label="true positive rate", points=points,
        method="exact", where=where, x_scale="log",
    )  # fmt: skip


@pytest.fixture
def attacked(rich):
    """The golden record with an attack on membership."""
    auc = Measurement(
        name="privacy.membership_auc", value=0.61, unit="score", better="lower", n=1_000,
        interval=Interval(low=0.58, high=0.65, method="bootstrap"), where={"attack": "loss"},
    )  # fmt: skip
    exhibits = (
        roc([(0.01, 0.05), (0.1, 0.2)], attack="loss"),
        roc([(0.01, 0.027), (0.1, 0.27)], allowed="epsilon 1, delta 1e-05"),
        RecordsAtRisk(
            attack="loss", fpr=0.01, total=25, of=495,
            records=(RecordAtRisk(example="review-of-ann", label="recommended", score=-0.01),),
        ),
    )  # fmt: skip
    found = Evidence(
        probe="privacy.membership@1", params={}, seed=0, seconds=1.0,
        result=Measured(measurements=(auc,), exhibits=exhibits),
    )  # fmt: skip
    return rich.model_copy(update={"evidence": (*rich.evidence[:-1], found)})


def test_the_curve_of_an_attack_stands_beside_what_epsilon_allows(attacked):
    blocks = privacy(attacked)
    (figure,) = (one for one in blocks if isinstance(one, Figure))
    assert "attack loss (solid)" in figure.caption
    assert "allowed epsilon 1, delta 1e-05 (dashed)" in figure.caption
    assert [row[0].text for row in figure.table.rows] == ["0.01", "0.1"] * 2
    assert [one.text for one in blocks if isinstance(one, Heading)] == ["Who can be told to have been learned from"]
    assert "trained without differential privacy" in next(one for one in blocks if isinstance(one, Paragraph)).text


def test_records_at_risk_are_named_inside_the_house_only(attacked):
    (table,) = (one for one in privacy(attacked) if isinstance(one, Table) and "at risk" in one.caption)
    assert [cell.text for cell in table.rows[0]] == ["review-of-ann", "recommended", "-0.01"]
    bare = redact(attacked)
    page = render(bare, bare.findings)
    assert "review-of-ann" not in page + bare.model_dump_json()
    assert "finds 25 of 495 records" in page


def doubted(name, value=-3.0):
    interval = Interval(low=value, high=value, method="one-sided")
    found = Measurement(name=name, value=value, unit="nats", better="higher", n=99, interval=interval)
    return Measured(measurements=(found,))


@pytest.mark.parametrize(
    ("probe", "result", "why"),
    [
        ("privacy.one_run@1", doubted("privacy.claim_margin"), "and this audit refutes it: Claimed epsilon above"),
        ("privacy.membership@1", doubted("privacy.membership_margin"), "and this audit refutes it: True positive rate"),
        (
            "privacy.statement@1",
            Failed(error="BadInput: the claim"),
            "could not confirm it: BadInput: the claim",
        ),
        ("privacy.one_run@1", doubted("privacy.claim_margin", 3.0), None),
    ],
)
def test_a_claim_that_the_audit_refutes_or_cannot_confirm_is_no_guarantee(rich, probe, result, why):
    training = rich.training.model_copy(update={"privacy": card()})
    found = Evidence(probe=probe, params={}, seed=0, seconds=1.0, result=result)
    record = rich.model_copy(update={"training": training, "evidence": (*rich.evidence, found), "findings": ()})
    told = [one.text for one in privacy(record) if isinstance(one, Paragraph)]
    written = model_card(record, ())
    if why is None:
        assert told[0].startswith("If your record had not been used")
        assert "differential-privacy" in written
        assert "| Privacy | epsilon 1 at delta" in written
        return
    assert told[0].startswith("Nothing is established about this model as a whole.")
    assert why in told[0]
    assert not [one for one in told if "much the same" in one]
    assert "differential-privacy" not in written
    assert "| Privacy | not established. Its training card claims epsilon 1" in written
    handed_on = next(one for one in privacy(redact(record)) if isinstance(one, Paragraph))
    assert handed_on.text.startswith("Nothing is established about this model as a whole.")


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({}, "this one and 1 other in the ledger here; together at most epsilon 2: whoever"),
        ({"delta_of_runs": 2e-5}, "this one and 1 other in the ledger here; together at most epsilon 2 at delta 2e-05"),
        ({"epsilon_of_runs": None}, "what they spend together on one unit is not known: whoever"),
        ({"runs": 1}, "this one only, as far as the ledger here knows"),
    ],
)
def test_what_all_runs_spend_has_a_delta(rich, stated, told):
    training = rich.training.model_copy(update={"privacy": card(**stated)})
    blocks = privacy(rich.model_copy(update={"training": training}))
    held = dict(next(one for one in blocks if isinstance(one, Definitions)).pairs)
    assert told in held["Runs on these data"]


def test_what_made_the_backbone_is_told_with_the_steps(rich):
    def told(stated):
        training = rich.training.model_copy(update={"privacy": stated})
        blocks = privacy(rich.model_copy(update={"training": training}))
        return dict(next(one for one in blocks if isinstance(one, Definitions)).pairs)

    assert "Steps before" not in told(card())
    held = told(card(before=(PaidSteps(noise_multiplier=13.24, sample_rate=0.2162, steps=300),)))
    assert held["Steps before"] == (
        "the backbone was itself trained privately: 300 at rate 0.2162 with noise 13.24. The claim counts them, as if "
        "on the same units"
    )
