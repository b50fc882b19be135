"""Attacks on membership as an audit runs them: on models whose secrets are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.audit.privacy.blind_probe import BlindBaseline
from workbench.audit.privacy.membership_probe import Membership
from workbench.data.corpus import Corpus, Example
from workbench.errors import BadInput
from workbench.evidence.cards import MembershipList, PrivacyCard
from workbench.evidence.exhibits import Curve, Note, RecordsAtRisk
from workbench.evidence.record import NotApplicable
from workbench.models.membership import Members, given_list, members_of
from workbench.models.references import (
    References,
    place_of,
    read_references,
    write_reference,
)

N = 2_400
PRIVATE = PrivacyCard(
    epsilon=1.0, delta=1e-5, unit="example", units=N // 2, neighbours="one more", sampling="Poisson",
    sample_rate=0.1, units_public=True, batch=120, noise_multiplier=5.0, max_grad_norm=1.0, steps=100,
    clipping="bookkeeping", noise="os", accountants=(), trainable=10, runs=1, checks=(), not_covered=(),
)  # fmt: skip


class Claims:
    """A training card, as far as the probe reads one."""

    privacy = PRIVATE


def probabilities(logits, labels):
    """(n, 2) probabilities whose true label has the logit-scaled confidence `logits`."""
    p = 1 / (1 + np.exp(-logits))
    return np.where(labels[:, None] == np.arange(2), p[:, None], 1 - p[:, None])


@pytest.fixture
def attacked(bench):
    """attacked(shift): an oracle that is so much surer of members, the audited corpus, the setting."""
    build, _, setting = bench

    def make(shift, *, n=N, seed=0, apart=200, groups=None, confidence=None):
        rng = np.random.default_rng(seed)
        member = np.concatenate([rng.random(n) < 0.5, np.zeros(apart, dtype=bool)])
        labels = rng.integers(0, 2, n + apart)
        logits = rng.normal(size=n + apart) + shift * member if confidence is None else confidence
        oracle, corpus = build(probabilities(logits, labels), labels, names=["l0", "l1"], groups=groups)
        pool, rest = corpus[:n], corpus[n:]
        return oracle, rest, replace(setting(), members=Members(pool, member[:n], drawn=True)), logits[:n]

    return make


def by_key(measured):
    return {one.key: one for one in measured.measurements}


def of(measured, name, **where):
    return by_key(measured)[name, tuple(sorted(where.items()))]


def notes(measured):
    return " ".join(one.text for one in measured.exhibits if isinstance(one, Note))


def test_the_auc_is_scikit_learns(attacked):
    oracle, corpus, setting, logits = attacked(1.0)
    found = Membership(replicates=200).measure(oracle, corpus, setting)
    one = of(found, "privacy.membership_auc", attack="loss")
    p = np.log(1 / (1 + np.exp(-logits)))
    assert one.value == pytest.approx(roc_auc_score(setting.members.member, p), abs=1e-12)
    assert one.n == N
    assert one.interval.low > 0.5
    assert of(found, "privacy.membership_auc", attack="loss_by_class").value > 0.7


def test_a_rate_that_so_few_cannot_establish_is_said_to_be_none(attacked):
    oracle, corpus, setting, _ = attacked(1.0)
    found = Membership(replicates=50).measure(oracle, corpus, setting)
    assert ("privacy.membership_tpr", (("attack", "loss"), ("fpr", "0.001"))) not in by_key(found)
    assert "membership_tpr is not given for attack loss, fpr 0.001: it needs at least 10,000 non-members" in notes(
        found
    )
    assert of(found, "privacy.membership_tpr", attack="loss", fpr="0.01").value > 0.01


def test_without_a_claim_there_is_no_margin_and_without_a_list_nothing(attacked, bench):
    oracle, corpus, setting, _ = attacked(1.0)
    found = Membership(replicates=50).measure(oracle, corpus, setting)
    assert not [one for one in found.measurements if one.name == "privacy.membership_margin"]
    assert [one.where for one in found.exhibits if isinstance(one, Curve)] == [
        {"attack": "loss"},
        {"attack": "loss_by_class"},
    ]
    for probe in (Membership(), BlindBaseline()):
        silent = probe.measure(oracle, corpus, bench[2]())
        assert isinstance(silent, NotApplicable)
        assert "workbench train --experiment" in silent.reason


@pytest.mark.parametrize(("shift", "refuted"), [(0.0, False), (0.7, False), (3.0, True)])
def test_a_claim_is_refuted_by_what_epsilon_does_not_allow(attacked, shift, refuted):
    # Telling N(shift, 1) from N(0, 1) at FPR 0.1: TPR 0.28 at shift 0.7, where epsilon 1 allows 0.27 (and the proven
    # lower end stays below it); 0.96 at shift 3.
    oracle, corpus, setting, _ = attacked(shift)
    found = Membership(replicates=50).measure(oracle, corpus, replace(setting, training=Claims()))
    margin = of(found, "privacy.membership_margin", confidence="0.95")
    assert (margin.value < 0) == refuted
    assert margin.interval.low == margin.interval.high == margin.value
    assert ("the claim is refuted; the implementation is broken" in notes(found)) == refuted
    assert ("certifies nothing" in notes(found)) != refuted
    (bound,) = (one for one in found.exhibits if isinstance(one, Curve) and "allowed" in one.where)
    assert {p.x: p.y for p in bound.points}[0.1] == pytest.approx(np.e * 0.1 + 1e-5)
    assert bound.where == {"allowed": "epsilon 1, delta 1e-05"}


def test_a_margin_that_no_attack_could_have_crossed_is_not_given(attacked):
    # Of 1,200 all found, 0.997 are at 95% confidence; epsilon 8 allows 1 - e^-8 (1 - FPR) = 0.9997.
    oracle, corpus, setting, _ = attacked(50.0)
    large = SimpleNamespace(privacy=PRIVATE.model_copy(update={"epsilon": 8.0}))
    found = Membership(replicates=5).measure(oracle, corpus, replace(setting, training=large))
    assert of(found, "privacy.membership_tpr", attack="loss", fpr="0.1").value == 1.0, "every member is found"
    assert not [one for one in found.measurements if one.name == "privacy.membership_margin"]
    assert "so few cannot refute the claim, whatever the model is; list more" in notes(found)
    small = SimpleNamespace(privacy=PRIVATE.model_copy(update={"epsilon": 3.0}))
    found = Membership(replicates=5).measure(oracle, corpus, replace(setting, training=small))
    assert of(found, "privacy.membership_margin", confidence="0.95").value < 0


def test_a_true_claim_is_rarely_refuted(attacked):
    # Exactly what epsilon 1 allows: a score that says "member" falsely with 1 / (1 + e) and rightly with e / (1 + e).
    refuted = 0
    for seed in range(30):
        rng = np.random.default_rng(1000 + seed)
        member = np.random.default_rng(seed).random(400) < 0.5
        told = np.where(rng.random(400) < np.e / (1 + np.e), member, ~member)
        confidence = np.concatenate([told + 1e-6 * rng.normal(size=400), np.zeros(20)])
        oracle, corpus, setting, _ = attacked(0, n=400, seed=seed, apart=20, confidence=confidence)
        found = Membership(replicates=5).measure(oracle, corpus, replace(setting, training=Claims()))
        refuted += of(found, "privacy.membership_margin", confidence="0.95").value < 0
    assert refuted <= 5, "5% at most each, so more than 5 of 30 with a chance below one in a hundred"


def test_lira_finds_what_the_loss_hides(attacked):
    # Each record has a confidence of its own, far more varied than what membership adds: the loss sees little, and with
    # references for the record's own mean the shift of two deviations is seen whole: AUC Phi(2 / sqrt 2) = 0.921.
    rng = np.random.default_rng(3)
    n, k = 1_200, 100
    own = rng.normal(scale=8, size=n)
    member = np.random.default_rng(0).random(n) < 0.5
    target = np.concatenate([own + rng.normal(size=n) + 2 * member, rng.normal(size=50)])
    oracle, corpus, setting, _ = attacked(0, n=n, apart=50, confidence=target)
    included = rng.random((k, n)) < 0.5
    confidence = own + rng.normal(size=(k, n)) + 2 * included
    held = replace(setting.members, references=References(confidence, included, "same"))
    found = Membership(replicates=50).measure(oracle, corpus, replace(setting, members=held))
    assert of(found, "privacy.membership_auc", attack="loss").value < 0.65
    assert of(found, "privacy.membership_auc", attack="lira_online").value == pytest.approx(0.921, abs=0.02)
    assert of(found, "privacy.membership_auc", attack="lira_offline").value == pytest.approx(0.921, abs=0.02)
    assert "100 reference models" in notes(found)
    assert "weaker" not in notes(found)
    (risk,) = (one for one in found.exhibits if isinstance(one, RecordsAtRisk))
    assert (risk.attack, len(risk.records), risk.of) == ("lira_online", 20, int(member.sum()))
    assert 20 < risk.total < risk.of
    ids = {one.id: m for one, m in zip(held.pool, held.member, strict=True)}
    assert all(ids[one.example] for one in risk.records)
    heads = replace(held, references=References(confidence[:8], included[:8], "head"))
    found = Membership(replicates=50).measure(oracle, corpus, replace(setting, members=heads))
    assert "a weaker attack" in notes(found)
    assert "fewer than 64 references" in notes(found)


def test_a_group_that_is_more_exposed_is_seen(attacked):
    rng = np.random.default_rng(4)
    n = 800
    old = rng.random(n + 50) < 0.3
    member = np.random.default_rng(0).random(n) < 0.5
    confidence = rng.normal(size=n + 50)
    confidence[:n] += 3 * (member & old[:n])
    groups = {"age": ["old" if one else "young" for one in old]}
    oracle, corpus, setting, _ = attacked(0, n=n, apart=50, confidence=confidence, groups=groups)
    found = Membership(replicates=200).measure(oracle, corpus, setting)
    where = {"attack": "loss_by_class", "attribute": "age"}
    assert of(found, "privacy.membership_auc", **where, group="old").interval.low > 0.9
    young = of(found, "privacy.membership_auc", **where, group="young").interval
    assert young.low < 0.5 < young.high


def test_a_list_by_date_is_caught_without_the_model(tmp_path):
    rng = np.random.default_rng(5)
    words = ("dress", "fits", "well", "too", "small", "large", "soft", "lovely", "awful", "returned")
    years = rng.integers(2015, 2023, 240)
    rows = tuple(
        Example(f"e{i:03d}", f"e{i:03d}", f"{' '.join(rng.choice(words, 10))}, bought in {year}", f"l{i % 2}")
        for i, year in enumerate(years)
    )
    whole = Corpus(rows, ("l0", "l1"), "dated", "made")
    file = tmp_path / "members.csv"
    file.write_text("id,member\n" + "".join(f"{one.id},{year < 2019}\n" for one, year in zip(rows, years, strict=True)))
    members = members_of(given_list(file), whole, ("l0", "l1"), {})
    assert not members.drawn
    from workbench.audit.probe import Setting
    from workbench.evidence.decision import Decision
    from workbench.seeds import Streams

    setting = Setting(Streams(0), Decision(), "l1", members=members)
    found = BlindBaseline(replicates=200).measure(None, whole, setting)
    (auc,) = found.measurements
    assert auc.value > 0.9
    assert "The list itself leaks" in notes(found)
    fair = replace(members, member=rng.random(240) < 0.5, drawn=True)
    found = BlindBaseline(replicates=200).measure(None, whole, replace(setting, members=fair))
    assert found.measurements[0].interval.low < 0.5 < found.measurements[0].interval.high
    assert "comes from the model" in notes(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,in\na,1\n", "needs the columns id and member"),
        ("id,member\na,1\na,0\n", "line 3: the id 'a' stands twice"),
        ("id,member\na,maybe\n", "line 2: member is 'maybe'"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        given_list(tmp_path / "m.csv")


def test_a_list_about_other_data_is_not_used(bench):
    _, corpus = bench[1](20)
    listed = MembershipList(drawn=True, corpus="0" * 64, unit="example", ids=("a",), member=(True,))
    silent = members_of(listed, corpus, corpus.labels, {})
    assert "other data" in silent.reason
    silent = members_of(listed.model_copy(update={"corpus": None}), corpus, corpus.labels, {})
    assert "1 of the 1 examples" in silent.reason


def test_references_are_read_as_written_and_never_mixed(tmp_path):
    assert read_references(tmp_path, pool="p", n=3) is None
    said, took = np.array([0.5, -1.0, 2.0]), np.array([True, False, True])
    write_reference(place_of(tmp_path, 0), confidence=said, included=took, kind="same", pool="p")
    write_reference(place_of(tmp_path, 1), confidence=-said, included=~took, kind="same", pool="p")
    held = read_references(tmp_path, pool="p", n=3)
    assert np.array_equal(held.confidence, [said, -said])
    assert np.array_equal(held.included, [took, ~took])
    first = held.digest
    assert read_references(tmp_path, pool="p", n=3).digest == first
    write_reference(place_of(tmp_path, 1), confidence=-said, included=took, kind="same", pool="p")
    assert read_references(tmp_path, pool="p", n=3).digest != first, "as many, but others: a resumed audit asks again"
    with pytest.raises(BadInput, match="other records"):
        read_references(tmp_path, pool="q", n=3)
    write_reference(place_of(tmp_path, 2), confidence=said, included=took, kind="head", pool="p")
    with pytest.raises(BadInput, match="several kinds"):
        read_references(tmp_path, pool="p", n=3)
    place_of(tmp_path, 1).write_bytes(b"half")
    with pytest.raises(BadInput, match="remove it and make it again"):
        read_references(tmp_path, pool="p", n=3)
