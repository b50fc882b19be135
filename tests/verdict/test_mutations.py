"""Whatever a policy asks for: take the evidence away and it is never met."""

from dataclasses import dataclass

import numpy as np
import pytest

from workbench.audit.fairness.background import Background
from workbench.audit.fairness.calibration import GroupCalibration
from workbench.audit.fairness.counterfactual import Counterfactual
from workbench.audit.fairness.groups import Groups
from workbench.audit.performance.classification import Classification
from workbench.audit.probe import Setting
from workbench.audit.robustness.behaviours import Behaviours
from workbench.audit.robustness.noise import Noise
from workbench.data.corpus import Corpus, Example
from workbench.evidence.decision import Decision
from workbench.evidence.names import NAMES, RETIRED
from workbench.evidence.record import Failed, Measured, NotApplicable
from workbench.report.junit import junit
from workbench.report.summary import summary
from workbench.seeds import Streams
from workbench.verdict.judge import count, exit_code, judge, overall
from workbench.verdict.policy import Criterion, Policy, load_policy

SHIPPED = [load_policy(name) for name in ("default", "explained", "internal", "release", "high-risk")]


def every_criterion():
    """One criterion per known name, on every facet, that any number satisfies; and those of the shipped policies."""
    for name, known in NAMES.items():
        if name in RETIRED:
            continue  # a policy may not ask for it
        where = dict.fromkeys(known.facets, "*")
        for severity in ("fail", "warn"):
            yield Criterion(id="any", measurement=name, where=where, at_least=1e-9, severity=severity, why="any")
    for policy in SHIPPED:
        yield from policy.criteria


def satisfying(criterion, measurement):
    value = criterion.limit if criterion.limit is not None else 0.5
    groups = {"attribute": "age", "group": "old"}
    where = {facet: groups.get(facet, "x") if held == "*" else held for facet, held in criterion.where.items()}
    return measurement(criterion.measurement, value, value, value, **where)


def knowing_one(record):
    """Return the record of a model whose one label is what `satisfying` measures: 'every label' asks for no other."""
    return record.model_copy(update={"model": record.model.model_copy(update={"labels": ("x",)})})


@pytest.mark.parametrize("criterion", list(every_criterion()), ids=lambda c: f"{c.id}-{c.measurement}-{c.severity}")
def test_evidence_taken_away_never_passes(criterion, record, evidence, measurement, private_card):
    policy = Policy(name="p", criteria=(criterion,))
    probe = f"{criterion.measurement.split('.')[0]}.x@1"
    groups = {"age": {"old": 10}}

    def claiming(*held, groups):
        """Return a record of a model that claims privacy: what is asked of such models only is asked of it."""
        return knowing_one(record(*held, groups=groups)).model_copy(update={"training": private_card})

    whole = claiming(evidence(probe, satisfying(criterion, measurement)), groups=groups)
    assert [finding.verdict for finding in judge(whole, policy)] == ["pass"]
    lacking = [
        claiming(groups=groups),
        claiming(evidence(probe, result=Measured(measurements=())), groups=groups),
        claiming(evidence(probe, result=NotApplicable(reason="no")), groups=groups),
        claiming(evidence(probe, result=Failed(error="no")), groups=groups),
    ]
    for held in lacking:
        findings = judge(held, policy)
        assert findings
        assert {finding.verdict for finding in findings} == {"not_established"}
        assert overall(held, findings) == "not_established"
        assert exit_code(overall(held, findings)) == 3
        assert "not_established" in junit(held, findings)


STARRED = [criterion for criterion in every_criterion() if "*" in criterion.where.values()]


@pytest.mark.parametrize("result", [NotApplicable(reason="no"), Failed(error="no")], ids=lambda result: result.outcome)
@pytest.mark.parametrize("criterion", STARRED, ids=lambda c: f"{c.id}-{c.measurement}-{c.severity}")
def test_every_one_is_not_shown_by_one_while_another_run_of_the_probe_left_nothing(
    criterion, result, record, evidence, measurement, private_card
):
    """'Every recipe' holds where one recipe was measured and met; not where a second one was tried and gave nothing."""
    policy = Policy(name="p", criteria=(criterion,))
    probe = f"{criterion.measurement.split('.')[0]}.x@1"
    one = satisfying(criterion, measurement)
    other = {facet: "another" for facet, held in criterion.where.items() if held == "*"}
    met = evidence(probe, one, **one.where)
    silent = evidence(probe, result=result, **{**one.where, **other})

    def judged(*held):
        made = knowing_one(record(*held, groups={"age": {"old": 10}})).model_copy(update={"training": private_card})
        findings = judge(made, policy)
        return [finding.verdict for finding in findings], exit_code(overall(made, findings))

    alone, code = judged(met)
    assert (alone, code) == (["pass"], 3 if criterion.reported else 0), "else nothing is shown below"
    assert judged(met, silent) == (["pass", "not_established"], 3)
    assert judged(silent, met) == (["pass", "not_established"], 3)


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.name)
def test_a_crash_or_a_gap_anywhere_keeps_a_whole_policy_from_passing(
    policy, record, evidence, measurement, private_card
):
    """Every criterion of a shipped policy met; then one measurement after the other is taken away."""
    groups = {"age": {"old": 10}}
    wanted = {}
    for criterion in policy.criteria:
        one = satisfying(criterion, measurement)
        if one.key not in wanted or (criterion.limit is not None and criterion.severity == "fail"):
            wanted[one.key] = (criterion, one)
    held = [evidence(f"{c.measurement.split('.')[0]}.x{i}@1", one) for i, (c, one) in enumerate(wanted.values())]

    def judged(kept):
        made = record(*kept, groups=groups).model_copy(update={"training": private_card})
        findings = judge(made, policy)
        return overall(made, findings), findings

    verdict, _ = judged(held)
    assert exit_code(verdict) == 0, "else nothing is shown below"
    for i, lost in enumerate(held):
        probe = lost.probe
        for result in (Measured(measurements=()), NotApplicable(reason="no"), Failed(error="no")):
            verdict, findings = judged([*held[:i], evidence(probe, result=result), *held[i + 1 :]])
            assert verdict == "not_established"
            assert exit_code(verdict) == exit_code(verdict, fail_on="warn") == 3
            name = lost.result.measurements[0].name
            assert "not_established" in {one.verdict for one in findings if one.measurement == name}


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.name)
def test_a_group_that_nobody_measured_is_never_met(policy, record, evidence, measurement):
    """The corpus knows two attributes; measurements speak of one: the other is not established."""
    for criterion in policy.criteria:
        if criterion.where.get("attribute") != "*":
            continue
        one = satisfying(criterion, measurement)
        made = record(
            evidence(f"{criterion.measurement.split('.')[0]}.x@1", one),
            groups={"age": {"old": 10}, "sex": {"f": 5, "m": 5}},
        )
        findings = judge(made, Policy(name="p", criteria=(criterion,)))
        assert [f.verdict for f in findings if f.where["attribute"] == "sex"] == ["not_established"]
        assert exit_code(overall(made, findings)) == 3


def test_a_policy_that_asks_nothing_of_this_model_does_not_pass_it(record, evidence, measurement):
    """All criteria are for private models, and this one claims no privacy: each is spared, and nothing is shown."""
    accuracy = evidence("performance.x@1", measurement("performance.accuracy", 0.9, 0.88, 0.92))
    claims = tuple(
        criterion for policy in SHIPPED for criterion in policy.criteria if "private" in str(criterion.only_if)
    )
    assert claims, "else this shows nothing"
    for claim in claims:
        findings = judge(record(accuracy), Policy(name="p", criteria=(claim,)))
        assert [(one.verdict, one.evidence) for one in findings] == [("pass", None)]
        assert "does not apply" in findings[0].because
        assert exit_code(overall(record(accuracy), findings)) == 3


@dataclass(frozen=True)
class Table:
    """Gives each text the probabilities that stand in a table, and one that it does not know the first row's."""

    rows: dict[str, tuple[float, ...]]
    labels: tuple[str, ...]

    def predict_proba(self, texts):
        first = next(iter(self.rows.values()))
        return np.array([self.rows.get(text, first) for text in texts])


def measured(probe, people, labels, positive):
    """Return what the real probe leaves of `people` (text, label, probabilities, group), and their corpus."""
    rows = {text: chances for text, _, chances, _ in people}
    examples = tuple(
        Example(f"e{i:04d}", f"e{i:04d}", text, label, {"age": group})
        for i, (text, label, _, group) in enumerate(people)
    )
    corpus = Corpus(examples, labels, "made", "test").canonical()
    return probe.measure(Table(rows, labels), corpus, Setting(Streams(0), Decision(), positive)), corpus


def judged(record, evidence, probe, result, corpus, labels, policy):
    """Return the record of what one probe left, and its findings."""
    base = record(evidence(probe.name, result=result))
    model = base.model.model_copy(update={"labels": labels})
    made = base.model_copy(update={"corpus": corpus.card, "model": model})
    return made, judge(made, policy)


def met(measurement, *, severity="fail", **where):
    """A policy that any number meets: whatever is not met was not measured."""
    one = Criterion(id="c", measurement=measurement, where=where, at_least=1e-9, severity=severity, why="so")
    return unchecked(one.model_copy(update={"at_least": 0.0}))


def unchecked(one):
    """Return a policy whose bound every number may meet, as no policy file can hold one."""
    return Policy.model_construct(name="p", description="", criteria=(one,))


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "roc_auc", "average_precision"])
def test_a_label_that_was_not_measured_is_never_met(name, record, evidence):
    """Nobody has the label 'absent', and nothing is decided so; the model never decides for 'rare'."""
    labels, rng = ("a", "absent", "b", "rare"), np.random.default_rng(0)
    people = []
    for i in range(200):
        label = "rare" if i % 10 == 0 else "ab"[i % 2]
        first = 0.2 + 0.6 * (label == "a") * rng.random()
        people.append((f"text {i}", label, (first, 0.01, 0.98 - first, 0.01), "all"))
    result, corpus = measured(Classification(replicates=100), people, labels, "b")
    policy = met(f"performance.{name}", label="*")
    held, found = judged(record, evidence, Classification, result, corpus, labels, policy)
    lacking = {one.where["label"]: one for one in found if one.verdict != "pass"}
    assert set(lacking) == {"absent", "rare"} if name == "precision" else {"absent"}
    assert all(f"{name} is not given for" in one.because for one in lacking.values())
    assert len(found) == 4
    assert exit_code(overall(held, found)) == 3


def test_a_behaviour_of_other_labels_or_words_is_never_met_unless_the_policy_excuses_it(record, evidence):
    people = [(f"good thing {i}" if i % 2 else f"bad thing {i}", "yes", (0.1, 0.9), "all") for i in range(40)]
    result, corpus = measured(Behaviours(examples=20, templates=5), people, ("no", "yes"), "yes")
    assert {one.value for one in result.measurements} == {0.0}, "else this shows nothing"
    (strict,) = (one for one in load_policy("high-risk").criteria if one.id == "behaviours")
    loose = strict.model_copy(update={"at_most": 0.9})
    held, found = judged(record, evidence, Behaviours, result, corpus, ("no", "yes"), unchecked(loose))
    assert {one.verdict for one in found} == {"pass", "not_established"}
    said = " ".join(one.because for one in found if one.verdict == "not_established")
    for lost in ("plain praise", "blame denied", "another first name"):
        assert lost in said
    assert exit_code(overall(held, found)) == 3
    excused = loose.model_copy(update={"only_if": "applicable"})
    held, found = judged(record, evidence, Behaviours, result, corpus, ("no", "yes"), unchecked(excused))
    assert exit_code(overall(held, found)) == 0
    assert said in " ".join(one.because.replace("behaviour:", "behaviour was not measured:") for one in found)
    assert (count(found).spared, count(found).total) == (3, len(found) - 3)


def test_a_noise_and_a_swap_that_were_not_measured_are_never_met(record, evidence, tmp_path):
    people = [(f"猫 {'犬鳥魚'[i % 3]}", "yes", (0.1, 0.9), "all") for i in range(30)]
    result, corpus = measured(Noise(examples=10, replicates=100), people, ("no", "yes"), "yes")
    policy = met("robustness.noise_auc", noise="*")
    held, found = judged(record, evidence, Noise, result, corpus, ("no", "yes"), policy)
    assert [one.verdict for one in found if "scanning errors" in one.because] == ["not_established"]
    assert exit_code(overall(held, found)) == 3
    people = [(f"{'xy'[i % 2]} thing {i}", *rest) for i, (_, *rest) in enumerate(people)]
    lexicon = tmp_path / "mine.toml"
    lexicon.write_text(
        'name = "mine"\ndescription = "Letters and words."\n'
        '[[axes]]\nid = "letters"\nsource = "made"\ngroups = ["x", "y"]\nrows = [["x", "y"]]\n'
        '[[axes]]\nid = "nations"\nsource = "made"\ngroups = ["here", "there"]\nrows = [["hither", "thither"]]\n'
    )
    result, corpus = measured(Counterfactual(lexicon=str(lexicon)), people, ("no", "yes"), "yes")
    for metric in ("flip_rate", "absolute_change"):
        policy = met(f"fairness.counterfactual_{metric}", swap="*")
        held, found = judged(record, evidence, Counterfactual, result, corpus, ("no", "yes"), policy)
        assert [one.verdict for one in found] == ["pass", "not_established"], metric
        assert "given for nations" in found[1].because


def in_groups(**sizes):
    """Return people of two labels, each group as large as stated and, stated as a pair, with so many of label 'yes'."""
    people, rng = [], np.random.default_rng(0)
    for group, size in sizes.items():
        n, yes = size if isinstance(size, tuple) else (size, size // 2)
        for i in range(n):
            score = float(np.clip(0.35 + 0.3 * (i < yes) + rng.normal(0, 0.2), 0.01, 0.99))
            people.append((f"{group} {i}", "yes" if i < yes else "no", (1 - score, score), group))
    return people


GAPS = sorted(name for name, known in NAMES.items() if known.over_groups)


@pytest.mark.parametrize(
    ("sizes", "lost"),
    [
        ({"a": 100, "b": 100, "tiny": 12}, {name for name in GAPS if "label" not in name}),
        (
            {"a": 100, "b": 100, "tiny": (60, 4)},
            {"fairness.equal_opportunity_difference", "fairness.equalized_odds_ratio"},
        ),
        ({"a": 100, "b": 100, "c": 100}, set()),
    ],
    ids=["few people", "few of a label", "enough"],
)
def test_a_group_that_is_left_out_keeps_every_gap_from_being_met(sizes, lost, record, evidence):
    people = in_groups(**sizes)
    whole: dict[str, object] = {}
    for probe in (Groups(replicates=100), Background(replicates=100), GroupCalibration(replicates=100)):
        result, corpus = measured(probe, people, ("no", "yes"), "yes")
        for name in {one.name for one in result.measurements} & set(GAPS):
            whole[name] = judged(record, evidence, probe, result, corpus, ("no", "yes"), met(name, attribute="*"))
    assert set(whole) >= lost
    assert len(whole) > 20
    for name, (held, found) in whole.items():
        (finding,) = found
        if name in lost:
            assert (finding.verdict, exit_code(overall(held, found))) == ("not_established", 3), name
            assert "leaves out tiny" in finding.because
            first = summary(held, found)
            assert any("tiny (age" in item.text for item in first.limits)
        elif not lost:
            assert exit_code(overall(held, found)) == 0, name
            assert not finding.evidence.left_out


def test_groups_beyond_those_shown_and_labels_that_cannot_be_compared_are_left_out_too(record, evidence):
    people = in_groups(a=60, b=60, c=50, d=40)
    result, corpus = measured(Groups(replicates=100, most=2), people, ("no", "yes"), "yes")
    policy = met("fairness.demographic_parity_difference", attribute="age")
    _, (finding,) = judged(record, evidence, Groups, result, corpus, ("no", "yes"), policy)
    assert finding.verdict == "not_established"
    assert "leaves out 2 smaller groups" in finding.because
    labels = ("no", "rare", "yes")
    three = [
        (text, "rare" if i % 40 == 0 else label, (0.6 * chances[0], 0.4 * chances[0], chances[1]), group)
        for i, (text, label, chances, group) in enumerate(in_groups(a=100, b=100))
    ]
    result, corpus = measured(Groups(replicates=100), three, labels, "yes")
    worst = met("fairness.equal_opportunity_difference_worst_label", attribute="age")
    _, (finding,) = judged(record, evidence, Groups, result, corpus, labels, worst)
    assert finding.verdict == "not_established"
    assert "leaves out the label rare" in finding.because
    each = met("fairness.equal_opportunity_difference_by_label", attribute="age", label="*")
    _, found = judged(record, evidence, Groups, result, corpus, labels, each)
    assert {one.where["label"]: one.verdict for one in found} == {
        "no": "pass",
        "yes": "pass",
        "rare": "not_established",
    }
