"""The guarantee in words: what a reader may rely on."""

import math

import pytest

from workbench.evidence.cards import PrivacyCard, Reckoned
from workbench.report.privacy import in_words


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


@pytest.mark.parametrize("epsilon", [8.0, 50.0])
def test_a_large_epsilon_is_not_made_to_sound_like_protection(epsilon):
    second = in_words(card(epsilon=epsilon))[1]
    assert "practically all cases" in second
    assert "proves little by itself" in second


def test_people_are_told_of_all_their_records():
    assert "your records (up to 8)" in in_words(card(unit="person", records=8))[0]
