"""A bias that was planted is found, measured within its interval, and stopped; its twin without it passes.

Texts say one word of strength and whether "she" or "he" wrote them. What each strength is worth is known, so every rate
is, too: of those with the label, nine in ten are selected, two of these nine on a weak word. The planted model takes as
much off the score where "she" is mentioned as a weak word adds; the shifted one asks a higher score of one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import workbench as wb
from workbench.audit.fairness.counterfactual import Counterfactual
from workbench.audit.fairness.groups import Groups
from workbench.audit.performance.calibration import Calibration
from workbench.audit.performance.classification import Classification
from workbench.audit.probe import Setting
from workbench.audit.runner import Run, run_probes
from workbench.data.corpus import Corpus, Example
from workbench.environment import environment
from workbench.errors import BadInput
from workbench.evidence.decision import Decision
from workbench.evidence.group_rule import Cut, GroupCut, GroupRule
from workbench.evidence.record import AuditRecord, AuditSettings, Finding
from workbench.models.engine import engine_for
from workbench.models.group_aware import GroupAwareClassifier
from workbench.models.linear import LinearTextClassifier
from workbench.seeds import Streams

pytestmark = pytest.mark.slow
STRONG, WEAK = float(np.log(0.7 / 0.03)), float(np.log(0.2 / 0.07))
"""Log-odds of the label given each word, so that the scores are calibrated."""
WORDS = {"superb": STRONG, "decent": WEAK, "shoddy": -WEAK, "dreadful": -STRONG}
SHARES = {"yes": (0.70, 0.20, 0.07, 0.03), "no": (0.03, 0.07, 0.20, 0.70)}
"""Of each word, by label. So a group that loses the weak word loses 0.20 of its true positives, 0.07 of its false ones
and, with as many of each label, 0.135 of its selections."""
LOST = {"equal_opportunity": 0.20, "demographic_parity": 0.135, "equalized_odds": 0.20}
EACH = 2_000
"""People per group and label."""
PLANTED = ("selection-gap", "opportunity-gap")


def people() -> Corpus:
    """`EACH` people for each writer, side and label, the words in exactly their shares."""
    rows, rng = [], np.random.default_rng(0)
    for writer in ("she", "he"):
        for label, shares in SHARES.items():
            said = np.repeat(list(WORDS), [round(share * EACH) for share in shares])
            for i, word in enumerate(rng.permutation(said)):
                name = f"{writer}-{label}-{i}"
                groups = {"writer": writer, "region": "north" if i % 2 else "south"}
                rows.append(Example(name, name, f"What {writer} wrote was {word} (no. {i}).", label, groups))
    return Corpus(tuple(rows), ("no", "yes"), "planted", "made in the test", positive_label="yes")


def model(she: float = 0.0) -> LinearTextClassifier:
    return LinearTextClassifier.binary({**WORDS, "she": she}, labels=("no", "yes"), name=f"she {she:g}")


def asks_more_of(attribute: str, group: str) -> GroupRule:
    """One threshold for everybody but `group`, which a weak word does not get over."""

    def at(name: str, threshold: float) -> GroupCut:
        cut = Cut(takes="above", at=threshold)
        return GroupCut(group=name, n=EACH, first=cut, first_share=1.0, second=cut, second_share=0.0)

    others = {"writer": "he", "region": "south"}[attribute]
    return GroupRule(attribute=attribute, positive_label="yes", groups=(at(group, 0.85), at(others, 0.5)))


@dataclass(frozen=True)
class Seen:
    record: AuditRecord
    findings: dict[str, list[Finding]]

    def verdicts(self, criterion: str) -> set[str]:
        return {one.verdict for one in self.findings[criterion]}


@pytest.fixture(scope="module")
def audited() -> Callable[..., Seen]:
    """Measure decisions and groups, without the attacks and explanations that nothing here is about, and judge."""

    def run(
        of: LinearTextClassifier, corpus: Corpus, decision: Decision | None = None, more: Sequence[Any] = ()
    ) -> Seen:
        setting = Setting(Streams(0), decision or Decision(), "yes")
        probes = (Groups(replicates=100), *more)
        with engine_for(of) as engine:
            data = corpus.canonical()
            _, evidence = run_probes(Run(engine, data, setting, None, "", lambda step: None), probes)
        settings = AuditSettings(
            seed=0, profile="groups", split="all", limit=None, decision=setting.decision, positive_label="yes",
            label_map={}, precision="float64", policy="release", policy_digest="0" * 64, date="2026-01-01",
            ledger_count=1,
        )  # fmt: skip
        place = environment("cpu")
        record = AuditRecord(
            model=of.card, training=None, corpus=data.card, environment=place, audit=settings, evidence=evidence
        )
        findings: dict[str, list[Finding]] = {}
        for one in wb.judge(record, "release"):
            findings.setdefault(one.criterion, []).append(one)
        return Seen(record, findings)

    return run


def gap(seen: Seen, name: str, attribute: str) -> Any:
    found = seen.record.find(f"fairness.{name}_difference", attribute=attribute)
    assert found is not None
    assert found.interval is not None
    return found


def test_a_score_lowered_for_one_identity_is_found_measured_and_stopped(audited: Callable[..., Seen]) -> None:
    seen = audited(model(she=-1.5 * WEAK), people(), more=(Counterfactual(examples=150),))
    for name, true in LOST.items():
        found = gap(seen, name, "writer")
        assert found.interval.low <= true <= found.interval.high
        assert found.value == pytest.approx(true, abs=1e-9)
        assert found.interval.low > 0.10
        assert gap(seen, name, "region").interval.low < 0.02
    for criterion in PLANTED:
        assert {(one.where["attribute"], one.verdict) for one in seen.findings[criterion] if one.evidence} == {
            ("writer", "fail"),
            ("region", "pass"),
        }
    flips = [
        one
        for _, one in seen.record.measurements()
        if one.name == "fairness.counterfactual_flip_rate" and one.interval is not None and one.value > 0
    ]
    assert any(one.interval.low <= 0.135 <= one.interval.high for one in flips if one.interval), flips


def test_a_threshold_shifted_for_one_group_is_found_measured_and_stopped(audited: Callable[..., Seen]) -> None:
    decision = Decision(rule="by_group", by_group=asks_more_of("region", "north"))
    seen = audited(model(), people(), decision)
    for name, true in LOST.items():
        found = gap(seen, name, "region")
        assert found.interval.low <= true <= found.interval.high
        assert found.interval.low > 0.10
        assert gap(seen, name, "writer").interval.low < 0.02
    for criterion in PLANTED:
        assert seen.verdicts(criterion) == {"fail", "pass"}


def test_the_twin_without_it_passes_every_gate_that_these_probes_measure(audited: Callable[..., Seen]) -> None:
    seen = audited(model(), people(), more=(Classification(replicates=100), Calibration(replicates=100)))
    judged = ("accuracy", "ranking", "calibration", "selection-gap", "opportunity-gap", "error-gap")
    assert {name: seen.verdicts(name) for name in judged} == {name: {"pass"} for name in judged}
    for name in LOST:
        for attribute in ("writer", "region"):
            assert gap(seen, name, attribute).interval.high < 0.10


def test_a_group_of_twelve_establishes_nothing(audited: Callable[..., Seen]) -> None:
    she = [one for one in people() if one.groups["writer"] == "she"][:: EACH // 6 + 1]
    others = [example for example in people() if example.groups["writer"] == "he"]
    assert len(she) == 12
    corpus = Corpus((*she, *others), ("no", "yes"), "planted", "made in the test", positive_label="yes")
    for of in (model(), model(she=-1.5 * WEAK)):
        seen = audited(of, corpus)
        for criterion in PLANTED:
            by_attribute = {one.where.get("attribute"): one.verdict for one in seen.findings[criterion]}
            assert by_attribute["region"] == "pass"
            assert "not_established" in by_attribute.values()
            assert by_attribute.get("writer", "not_established") == "not_established"


def test_what_asks_about_texts_alone_does_not_apply_to_a_model_that_decides_by_group() -> None:
    corpus = Corpus(people().examples[::40], ("no", "yes"), "planted", "made in the test", positive_label="yes")
    by_group = GroupAwareClassifier(model(), asks_more_of("writer", "she"))
    found = wb.audit(by_group, corpus, policy="release")
    absent = {one.probe: one.result for one in found.record.evidence if one.result.outcome == "not_applicable"}
    assert "asks about texts alone" in absent["robustness.attack@1"].reason
    assert "asks about texts alone" in absent["fairness.counterfactual@1"].reason
    assert not [one for one in found.record.evidence if one.result.outcome == "failed"]
    measured = found.record.find("fairness.true_positive_rate", attribute="writer", group="she")
    assert measured is not None
    assert measured.value == pytest.approx(0.70, abs=0.12)
    assert found.verdict in ("fail", "not_established")
    page = found.html
    assert "Every decision needs the person" in page
    assert "Thresholds by writer" in page
    assert "thresholds by writer" in page


def test_a_group_aware_model_states_probabilities_of_decisions() -> None:
    rule = asks_more_of("writer", "she").model_copy(update={"mix": 0.5})
    by_group = GroupAwareClassifier(model(), rule)
    texts, groups = ["What she wrote was decent", "What he wrote was decent"], ["she", "he"]
    assert by_group.predict_proba(texts, groups).tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert by_group.scores.predict_proba(texts)[0, 1] == pytest.approx(0.2 / 0.27)
    with pytest.raises(BadInput, match="2 texts and 1 groups"):
        by_group.predict_proba(texts, groups[:1])
