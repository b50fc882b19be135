"""What the report says of a model that decides by group."""

import pytest

from workbench.evidence.cards import PrivacyCard
from workbench.evidence.decision import Decision
from workbench.evidence.group_rule import Cut, GroupCut, GroupRule
from workbench.evidence.measurement import Interval
from workbench.evidence.mitigation import Figure, HeldOut, MitigationCard, TradeOff
from workbench.report.mitigation import needed
from workbench.report.model_card import model_card
from workbench.report.privacy import privacy
from workbench.report.redact import redact
from workbench.report.render import render


def figure(value, half=0.02):
    return Figure(value=value, n=900, interval=Interval(low=value - half, high=value + half, method="by hand"))


def rule(**more):
    def cut(group, at, share=1.0):
        first, second = Cut(takes="above", at=at), Cut(takes="above", at=at - 0.1)
        return GroupCut(group=group, n=300, first=first, first_share=share, second=second, second_share=1 - share)

    groups = (cut("under 30", 0.4), cut("tiny <b>", 0.6, 0.25))
    return GroupRule(attribute="age_band", positive_label="recommended", groups=groups, **more)


@pytest.fixture
def by_group(rich):
    card = rich.corpus.model_copy(
        update={"split": "validation", "groups": {"age_band": {"under 30": 900, "tiny <b>": 3}}}
    )
    held = HeldOut(
        corpus=card.model_copy(update={"split": "test"}), accuracy_before=figure(0.9), accuracy_after=figure(0.88),
        gained=figure(-0.02, 0.01), gap_before=figure(0.2), gap_after=figure(0.05), narrowed=figure(0.15), drawn=0.034,
        overall=7,
    )  # fmt: skip
    told = MitigationCard(
        method="Fairlearn 0.15.0 ThresholdOptimizer", base="base", base_digest="ab" * 32, attribute="age_band",
        constraint="demographic_parity", objective="accuracy_score", slack=None, mix=1.0,
        gap="Demographic parity difference", fitted_on=card, left_out=("90+",),
        trade_off=(TradeOff(setting="no mitigation", accuracy=figure(0.9), gap=figure(0.2), drawn=0.0),), held_out=held,
    )  # fmt: skip
    audit = rich.audit.model_copy(update={"decision": Decision(rule="by_group", by_group=rule())})
    corpus = rich.corpus.model_copy(update={"groups": {"age_band": {"under 30": 900, "tiny <b>": 3}}})
    return rich.model_copy(update={"audit": audit, "mitigation": told, "corpus": corpus})


def test_page_and_card_say_what_it_needs_what_is_drawn_and_what_it_cost(by_group):
    page, card = render(by_group, by_group.findings), model_card(by_group, by_group.findings)
    for text in (page, card):
        assert "Every decision needs the person" in text
        assert "drawn by lot" in text
        assert "0.150" in text
    assert "score above 0.4000" in page
    assert "(in 25.0% of cases)" in page
    assert "3.4% of the held-out decisions are drawn by lot" in page
    assert "Too small for thresholds of their own: 90+" in page
    assert "tiny &lt;b&gt;" in page
    assert "tiny <b>" not in page


def test_redacted_it_names_no_small_group(by_group):
    bare = redact(by_group)
    assert [one.group for one in bare.audit.decision.by_group.groups] == ["under 30"]
    for text in (bare.model_dump_json(), render(bare, bare.findings), model_card(bare, bare.findings)):
        assert "tiny" not in text
        assert "90+" not in text


def test_a_private_base_is_not_established_or_says_on_whose_word(by_group):
    stated = PrivacyCard(
        epsilon=3.0, delta=1e-5, unit="example", units=10_000, neighbours="one more", sampling="Poisson",
        sample_rate=0.01, units_public=True, batch=100, noise_multiplier=1.0, max_grad_norm=1.0, steps=1_000,
        clipping="bookkeeping", noise="os.urandom", accountants=(), trainable=770, runs=1, checks=(), not_covered=(),
    )  # fmt: skip
    training = by_group.training.model_copy(update={"privacy": stated})
    guarantee = "had not been used, the model would be much the same"
    for public in (None, "they are made up"):
        told = by_group.mitigation.model_copy(update={"private_base": True, "public": public})
        record = by_group.model_copy(update={"mitigation": told, "training": training})
        page, card = " ".join(map(str, privacy(record))), model_card(record, record.findings)
        assert ("Nothing is established about this model" in page) is (public is None)
        assert (guarantee in page) is (public is not None)
        assert ("epsilon 3 at delta" in card) is (public is not None)
        assert ("differential-privacy" in card) is (public is not None)
    assert "Whoever made them said why these need no protection: they are made up" in page


def test_what_happens_to_strangers_is_said():
    assert "decided by the one for everybody, 0.5" in needed(rule())[2]
    assert "the model refuses" in needed(rule(unknown="refuse"))[2]
    assert "No decision" not in needed(rule())[1]
