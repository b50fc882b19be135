import hashlib
import json
import math
from itertools import pairwise

import pytest

from workbench.audit.probe import probes
from workbench.audit.profiles import search_probe
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.names import NAMES, maker, value_range
from workbench.evidence.record import AuditRecord
from workbench.verdict.judge import judge
from workbench.verdict.policy import load_policy, own_policy, parse_policy

GATE = '[[criteria]]\nid = "a"\nmeasurement = "performance.accuracy"\nat_least = 0.8\nwhy = "so"\n'


def parsed(text):
    return parse_policy(text, name="p", where="p.toml")


def test_the_default_policy_is_shipped_and_reasoned():
    policy = load_policy("default")
    assert policy.name == "default"
    assert {criterion.measurement for criterion in policy.criteria} >= {"performance.accuracy", "calibration.ece"}
    assert all(len(criterion.why.split()) > 8 for criterion in policy.criteria)


def test_the_explained_policy_is_the_default_and_gates_on_explanations(measurement, evidence, record):
    default, explained = load_policy("default"), load_policy("explained")
    assert explained.criteria[: len(default.criteria)] == default.criteria
    gates = explained.criteria[len(default.criteria) :]
    assert {one.measurement for one in gates} == {
        "explanations.gain_over_random",
        "explanations.randomisation_correlation",
        "explanations.completeness_gap",
    }
    method = {"attributor": "integrated_gradients@1"}

    def verdicts(gain, alike, gap):
        held = evidence(
            "explanations.quality@1",
            measurement("explanations.gain_over_random", 0.2, *gain, unit="score", **method),
            measurement("explanations.randomisation_correlation", alike[0], *alike, unit="score", **method),
            measurement("explanations.completeness_gap", gap[0], *gap, unit="ratio", **method),
        )
        found = judge(record(held), explained.model_copy(update={"criteria": gates}))
        return [one.verdict for one in found]

    assert verdicts((0.1, 0.3), (0.0, 0.2), (0.01, 0.03)) == ["pass", "pass", "pass"]
    assert verdicts((-0.1, 0.3), (0.4, 0.6), (0.01, 0.03)) == ["not_established", "not_established", "pass"]
    assert verdicts((-0.3, -0.1), (0.6, 0.8), (0.06, 0.09)) == ["fail", "fail", "warn"]
    nothing = judge(record(evidence("performance.cost@1")), explained.model_copy(update={"criteria": gates}))
    assert {one.verdict for one in nothing} == {"not_established"}


def test_the_digest_is_sha256_of_canonical_json():
    policy = parsed(GATE)
    content = policy.model_dump(mode="json")
    for criterion in content["criteria"]:
        for later in ("owner", "only_if", "unknown_below"):  # not given: older policies keep their digests
            del criterion[later]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert policy.digest == hashlib.sha256(canonical.encode()).hexdigest()


def test_owner_and_condition_are_part_of_the_digest_once_given():
    owned = parsed(GATE + '\nowner = "model owner"\n')
    assert owned.criteria[0].owner == "model owner"
    spared = parsed(GATE + '\nonly_if = "private"\n')
    assert len({parsed(GATE).digest, owned.digest, spared.digest}) == 3


@pytest.mark.parametrize("name", ["internal", "release", "high-risk"])
def test_shipped_policies_of_a_stage_name_owners_and_gate_every_pillar(name):
    policy = load_policy(name)
    assert policy.name == name
    assert all(one.owner and len(one.why.split()) > 8 for one in policy.criteria)
    pillars = {one.measurement.partition(".")[0] for one in policy.criteria}
    assert pillars >= {"performance", "calibration", "robustness", "fairness", "privacy"}


def test_bounds_grow_tighter_from_stage_to_stage():
    held = [
        {one.id: one for one in load_policy(name).criteria if one.limit is not None}
        for name in ("internal", "release", "high-risk")
    ]
    for loose, tight in pairwise(held):
        for id_ in set(loose) & set(tight):
            old, new = loose[id_], tight[id_]
            assert (new.limit >= old.limit) if new.at_least is not None else (new.limit <= old.limit), id_


def test_a_gate_on_privacy_claims_is_not_asked_of_models_that_claim_none(measurement, evidence, record, private_card):
    (gate,) = (one for one in load_policy("release").criteria if one.only_if == "private")
    policy = load_policy("release").model_copy(update={"criteria": (gate,)})
    (spared,) = judge(record(), policy)
    assert (spared.verdict, spared.evidence) == ("pass", None)
    assert "does not apply" in spared.because
    assert "no training card" in spared.because
    claims = record().model_copy(update={"training": private_card})
    assert [one.verdict for one in judge(claims, policy)] == ["not_established"], "nobody looked for a contradiction"
    refuted = evidence(
        "privacy.one_run@1", measurement("privacy.claim_margin", -0.5, -0.5, -0.5, unit="nats", confidence="95%")
    )
    claims = record(refuted).model_copy(update={"training": private_card})
    assert [(one.verdict, one.owner) for one in judge(claims, policy)] == [("fail", "privacy")]


def test_a_gate_on_attacks_is_asked_of_private_experiments_only(measurement, evidence, record, private_card):
    (gate,) = (one for one in load_policy("release").criteria if one.only_if == "private experiment")
    policy = load_policy("release").model_copy(update={"criteria": (gate,)})
    assert "does not apply" in judge(record(), policy)[0].because
    whole = record().model_copy(update={"training": private_card.model_copy(update={"recipe": {}})})
    assert [(one.verdict, one.evidence) for one in judge(whole, policy)] == [("pass", None)]
    assert "coins have drawn" in judge(whole, policy)[0].because
    half = record().model_copy(update={"training": private_card})
    assert [one.verdict for one in judge(half, policy)] == ["not_established"], "nobody attacked it"
    for margin, verdict in ((-0.1, "fail"), (0.1, "pass")):
        found = measurement("privacy.membership_margin", margin, margin, margin, confidence="0.95")
        attacked = record(evidence("privacy.membership@1", found)).model_copy(update={"training": private_card})
        assert [one.verdict for one in judge(attacked, policy)] == [verdict]


def test_the_digest_ignores_layout_and_notices_meaning():
    same = GATE.replace("0.8", "0.80") + "# a comment\n"
    assert parsed(same).digest == parsed(GATE).digest
    assert parsed(GATE.replace("0.8", "0.81")).digest != parsed(GATE).digest


def test_a_file_is_read_by_path_and_named_after_itself(tmp_path):
    (tmp_path / "release.toml").write_text(GATE)
    assert load_policy(tmp_path / "release.toml").name == "release"


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(NotFound, match=r"unknown policy 'defualt'; did you mean 'default'"):
        load_policy("defualt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GATE.replace("at_least", "at_lest"), r"p\.toml: criteria\[0\]\.at_lest \(a\): unknown key; nearest: at_least"),
        ("nmae = 'x'\n" + GATE, r"p\.toml: nmae: unknown key; nearest: name"),
        (
            GATE.replace("accuracy", "acuracy"),
            r"criteria\[0\]\.measurement \(a\): unknown measurement .*nearest: performance\.accuracy",
        ),
        (
            GATE.replace("performance.accuracy", "accuracy"),
            r"unknown measurement 'accuracy'; nearest: .*performance\.accuracy",
        ),
        (GATE + "at_most = 0.9\n", r"exactly one of at_least, at_most and reported"),
        (GATE.replace("at_least = 0.8\n", ""), r"exactly one of"),
        (GATE.replace("0.8", "80"), r"lies between 0 and 1, so a bound of 80 decides nothing"),
        (
            GATE.replace("performance.accuracy", "performance.roc_auc").replace("0.8", "-1.0"),
            r"lies between 0 and 1, so a bound of -1 decides nothing",
        ),
        (
            GATE.replace("performance.accuracy", "calibration.ece").replace("at_least = 0.8", "at_most = 5"),
            r"calibration\.ece lies between 0 and 1, so a bound of 5",
        ),
        (
            GATE.replace("performance.accuracy", "explanations.tau_loo").replace("0.8", "2")
            + 'where = { attributor = "x" }\n',
            r"lies between -1 and 1, so a bound of 2",
        ),
        (
            GATE.replace("performance.accuracy", "cost.bytes").replace("0.8", "-1"),
            r"lies at 0 or above, so a bound of -1",
        ),
        (GATE + "unknown_below = 30\n", r"is no number over all groups of an attribute: no unknown_below"),
        (GATE.replace("0.8", "true"), r"must be a number"),
        (GATE.replace("0.8", "nan"), r"finite number"),
        (GATE.replace('why = "so"\n', ""), r"criteria\[0\]\.why \(a\): Field required"),
        (GATE + GATE, r"the criterion id 'a' is used twice"),
        (GATE + 'where = { label = "x" }\n', r"performance\.accuracy has no facet 'label'"),
        (
            GATE.replace("performance.accuracy", "robustness.attack_success_rate"),
            r"needs where\.recipe: a name, or '\*'",
        ),
        (
            GATE.replace("performance.accuracy", "fairness.demographic_parity_difference")
            + 'where = { atribute = "*" }\n',
            r"has no facet 'atribute'; nearest: attribute",
        ),
        (GATE.replace("performance.accuracy", "calibration.ece") + 'where = { group = "x" }\n', r"name both"),
        (GATE.replace("at_least = 0.8", 'reported = true\nend = "low"'), r"`end` needs a bound"),
        (
            GATE.replace("at_least = 0.8", "at_least = 0"),
            r"every performance\.accuracy meets a bound of 0: write repor",
        ),
        (GATE.replace("at_least = 0.8", "at_most = 1"), r"every performance\.accuracy meets a bound of 1: write repor"),
        ("a = ", r"p\.toml: not TOML"),
    ],
)
def test_what_is_impossible_is_refused_with_its_place(text, message):
    with pytest.raises(Misconfigured, match=message):
        parsed(text)


def test_the_safe_end_is_the_default():
    assert parsed(GATE).criteria[0].judged_end == "low"
    assert parsed(GATE.replace("at_least", "at_most")).criteria[0].judged_end == "high"
    assert parsed(GATE + 'end = "high"\n').criteria[0].judged_end == "high"


def test_an_unreadable_file_is_refused(tmp_path):
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot read the policy"):
        load_policy(tmp_path / "p.toml")


@pytest.mark.parametrize("example", ["demo", "private", "hardened"])
def test_real_values_lie_in_their_ranges_and_come_from_their_makers(checkout, example):
    record = AuditRecord.model_validate_json((checkout / "reports/example" / example / "audit.json").read_text("utf-8"))
    seen = 0
    for evidence, one in record.measurements():
        least, most = value_range(one.name)
        ends = (one.value,) if one.interval is None else (one.interval.low, one.value, one.interval.high)
        assert all(least <= end <= most for end in ends), one
        if one.name != "explanations.completeness_gap":  # these audits took it of the texts pictured
            assert maker(one.name) == evidence.probe.partition("@")[0], one
        seen += 1
    assert seen > 200


def test_every_name_has_a_registered_maker():
    search_probe()  # registers all of them
    known = {name.partition("@")[0] for name in probes} | {"robustness.judgements"}
    assert {maker(name) for name in NAMES} <= known


def test_the_range_of_a_score_holds_its_bounds():
    signed = parsed(GATE.replace("performance.accuracy", "privacy.accuracy_cost").replace("0.8", "-0.5"))
    assert signed.criteria[0].limit == -0.5
    assert value_range("performance.log_loss") == (0.0, math.inf)
    assert value_range("performance.accuracy") == value_range("performance.f1") == (0.0, 1.0)


def test_the_audits_own_policy_is_found_by_name_and_digest_and_no_other():
    own = load_policy("release")
    assert own_policy("release", own.digest) == own
    for name, digest in (("release", "0" * 64), ("ours", own.digest)):
        with pytest.raises(Misconfigured, match=rf"name the file of this audit's own policy, '{name}'"):
            own_policy(name, digest)
    ours = parsed(GATE)
    assert own_policy("ours", ours.digest, ours) is ours
