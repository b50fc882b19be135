"""The first screen: verdict, exceptions, limits, what to do next. For the person who signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from workbench.evidence.exhibits import Confusion
from workbench.evidence.names import NAMES, title
from workbench.evidence.record import WITHHELD, AuditRecord, Evidence, Failed, Finding, NotApplicable, Verdict
from workbench.report.blocks import Item, Summary
from workbench.report.glance import glance
from workbench.report.mitigation import needed
from workbench.report.text import listed, plural, short
from workbench.verdict import wording
from workbench.verdict.decidable import smallest_n, worth
from workbench.verdict.judge import REPORTED, Counts, bound_judged, count, overall, spared, worst_first

_SAID_ONE_BY_ONE = 3
"""Figures of one kind without a bound: of more, the first screen tells the ends."""
WORDS = {"pass": "Pass", "warn": "Pass, with warnings", "fail": "Fail", "not_established": "Not established"}
JUDGED = {"pass": "Met", "warn": "Warning", "fail": "Missed", "not_established": "Not established"}
"""How one requirement's verdict is called."""

PILLARS = {
    "performance": "Performance",
    "calibration": "Calibration",
    "robustness": "Robustness",
    "fairness": "Fairness",
    "privacy": "Privacy",
    "explanations": "Explanations",
    "cost": "Cost",
}
"""Section id to title, in reading order."""


def summary(record: AuditRecord, findings: Sequence[Finding]) -> Summary:
    """Return the first screen's contents."""
    verdict = overall(record, findings)
    return Summary(
        verdict=verdict,
        word=WORDS[verdict],
        sentence=_sentence(record, findings, verdict),
        exceptions=tuple(_exceptions(record, findings)),
        limits=(*_unbounded(findings), *_limits(record)),
        steps=tuple(_steps(record, findings, verdict)),
        glance=tuple(glance(record, findings, _glanced(findings))),
    )


def outcome(finding: Finding) -> str:
    """Return how a requirement ended, in a word or two; what was held against no bound is none that was met."""
    if finding.verdict == "pass" and not bound_judged(finding):
        return "Not asked" if spared(finding) else "Reported"
    return JUDGED[finding.verdict]


def _glanced(findings: Sequence[Finding]) -> dict[str, str]:
    """Return the pillars that stand on the first screen: what it costs only where the policy asks."""
    asked = {pillar(finding.measurement) for finding in findings}
    return {name: title for name, title in PILLARS.items() if name != "cost" or name in asked}


def summary_line(record: AuditRecord, findings: Sequence[Finding]) -> str:
    """Return the verdict in one line, for terminals and CI logs."""
    verdict = overall(record, findings)
    found = count(findings)
    words = {"fail": "failed", "not_established": "not established", "warn": "warned", "pass": "passed"}
    told = [(n, words[state]) for state, n in found.judged.items()]
    told += [(found.reported, "only reported"), (found.spared, "not applicable")]
    counts = ", ".join(f"{n} {word}" for n, word in told if n)
    return (
        f"{wording.SIGNS[verdict]} {WORDS[verdict]}: {short(record.model.name)} on {short(record.corpus.name)} "
        f"({plural(record.corpus.n, 'example')}, policy {short(record.audit.policy)}): "
        f"{counts or 'no criterion judged'}"
    )


def failed(record: AuditRecord) -> list[tuple[Evidence, Failed]]:
    """Return the probes that crashed."""
    return [(evidence, evidence.result) for evidence in record.evidence if isinstance(evidence.result, Failed)]


def skipped(record: AuditRecord) -> list[tuple[Evidence, NotApplicable]]:
    """Return the probes that could not run."""
    return [(evidence, evidence.result) for evidence in record.evidence if isinstance(evidence.result, NotApplicable)]


def pillar(probe_or_name: str) -> str:
    """Return the part before the dot."""
    return probe_or_name.partition(".")[0]


def untested(record: AuditRecord) -> list[str]:
    """Return the pillars about which the record holds no measurement."""
    held = {pillar(one.name) for _, one in record.measurements()}
    return [name for name in PILLARS if name not in held]


def only_decision(record: AuditRecord) -> str | None:
    """Return the label that the model gives every audited text; None where it gives several, or nobody counted."""
    for _, exhibit in record.exhibits("confusion"):
        if isinstance(exhibit, Confusion):
            decided = [label for label, *n in zip(exhibit.labels, *exhibit.counts, strict=True) if any(n)]
            return decided[0] if len(decided) == 1 else None
    return None


def _sentence(record: AuditRecord, findings: Sequence[Finding], verdict: Verdict) -> str:
    policy = f"the policy “{short(record.audit.policy)}”"
    if not findings:
        return f"Nothing was judged: {policy} holds no criterion, so nothing is established."
    found = count(findings)
    aside = f" Beside that, {told}." if (told := _aside(found)) else ""
    return f"{_judged(record, found, verdict, policy)}{aside}"


def _aside(found: Counts) -> str:
    """Return what a policy asks for beyond bounds that were judged, in words."""
    told = []
    if found.reported:
        told.append(f"{plural(found.reported, 'number is', 'numbers are')} only reported")
    if found.spared:
        told.append(f"{plural(found.spared, 'requirement does', 'requirements do')} not apply")
    return listed(told)


def _judged(record: AuditRecord, found: Counts, verdict: Verdict, policy: str) -> str:
    ended, total = found.judged, found.total
    crashed = len(failed(record))
    if verdict == "fail":
        others = [
            f"{n} {word}"
            for n, word in ((ended["not_established"], "could not be established"), (ended["warn"], "raised a warning"))
            if n
        ]
        rest = f"; of the others, {listed(others)}" if others else ""
        return f"The model misses {ended['fail']} of {plural(total, 'requirement')} of {policy}{rest}."
    if verdict == "not_established":
        if ended["not_established"]:
            return (
                f"{ended['not_established']} of {plural(total, 'requirement')} of {policy} could not be established. "
                "That is not a pass: what was not shown may be so or not."
            )
        if crashed:
            return (
                f"No requirement of {policy} is missed, but {plural(crashed, 'probe')} crashed, so the audit "
                "is incomplete."
            )
        return f"{policy[0].upper()}{policy[1:]} sets no bound, so nothing is established."
    if verdict == "warn":
        return (
            f"No requirement of {policy} that would block a release is missed; "
            f"{plural(ended['warn'], 'warning needs', 'warnings need')} a decision."
        )
    return f"The model meets {'the one requirement' if total == 1 else f'all {total} requirements'} of {policy}."


def _exceptions(record: AuditRecord, findings: Sequence[Finding]) -> Iterator[Item]:
    ranked = [
        Item(finding.because, finding.verdict, section=pillar(finding.measurement), section_title="Evidence")
        for finding in worst_first(findings)
        if finding.verdict != "pass"
    ]
    yield from (item for item in ranked if item.sign == "fail")
    for evidence, result in failed(record):
        yield Item(result.error, "fail", f"The probe {evidence.probe} crashed: ", "identity", "Details")
    yield from (item for item in ranked if item.sign != "fail")


def _unbounded(findings: Sequence[Finding]) -> Iterator[Item]:
    """Yield what the policy wants known but does not judge: a pass there says only that it was measured.

    Of many figures of one kind the two ends: all of them stand with the requirements.
    """
    for name, group in _reported(findings).items():
        figures = [one.evidence for one in group if one.evidence is not None]
        if len(figures) > _SAID_ONE_BY_ONE:
            low, high = (end(figures, key=lambda one: one.value) for end in (min, max))
            texts = [
                f"{title(name)}: {len(figures)} figures, on which the policy sets no bound: you must weigh them. The "
                f"lowest and the highest: {wording.statement(low)}; {wording.statement(high)}."
            ]
        else:
            texts = [f"{wording.statement(one)}. The policy sets no bound on it: you must weigh it." for one in figures]
        for text in texts:
            yield Item(text, section=pillar(name), section_title="Evidence")


def _reported(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return by measurement what was measured and must only be reported."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.bound == REPORTED and finding.evidence is not None:
            found.setdefault(finding.measurement, []).append(finding)
    return found


def _limits(record: AuditRecord) -> Iterator[Item]:
    card = record.corpus
    what = f"{plural(card.n, 'example')} of “{short(card.name)}” ({_split(card.split)})"
    if card.people != card.n:
        what += f" by {plural(card.people, 'person', 'people')}"
    yield Item(
        f"The verdict is about {what}. Other texts, other people or another time may differ.",
        section="scope",
        section_title="Scope",
    )
    if (rule := record.audit.decision.by_group) is not None:
        for sentence in needed(rule)[:2]:
            yield Item(sentence, section="fairness", section_title="Fairness")
    if record.redacted:
        yield Item(
            "Texts are withheld: they stand here as hashes with lengths. Tables of words, and groups with "
            "fewer than 10 examples or people are left out, so what this page does not show may have been measured."
        )
    if only := only_decision(record):
        accuracy = record.find("performance.accuracy")
        right = "" if accuracy is None else f" ({wording.number(accuracy.value, accuracy.unit)} of them rightly)"
        yield Item(
            f"The model decides every audited example as “{short(only)}”{right}. What was never seen to change cannot "
            "be called robust: that attacks and small changes find no other decision says nothing.",
            section="performance",
            section_title="Performance",
        )
    if missing := untested(record):
        yield Item(f"Not tested in this audit: {listed([PILLARS[name].lower() for name in missing])}.")
    if card.in_training:
        learned = "the training data" if record.mitigation is None else "what the model or its thresholds learned from"
        yield Item(
            f"{plural(card.in_training, 'of the audited examples shares', 'of the audited examples share')} a "
            f"person or a text with {learned}, so results may be too good."
        )
    elif card.in_training is None:
        yield Item("Whether the audited examples were in the model's training data is unknown.")
    if record.audit.precision == "bfloat16":
        yield Item(
            "Scores were computed in bfloat16, which has about three significant digits. Audit in float32 for figures "
            "to rely on."
        )
    if card.repeated:
        yield Item(
            f"{plural(card.repeated, 'example repeats', 'examples repeat')} the text of another and count as people of "
            "their own unless the data says whose they are: intervals may be too narrow."
        )
    if card.truncated:
        yield Item(
            f"{plural(card.truncated, 'text is', 'texts are')} longer than the model reads; the rest of each was "
            "ignored."
        )
    if record.audit.ledger_count > 1:
        yield Item(
            f"These very examples have been audited {record.audit.ledger_count} times on this installation: a "
            "model chosen "
            "by looking at them looks better than it is."
        )
    if too_small := _not_compared(record):
        yield Item(f"Too small to compare: {listed(too_small, 5)}.", section="fairness", section_title="Fairness")


def _not_compared(record: AuditRecord) -> list[str]:
    """Return the groups that gaps leave out: all of them, or those that need more examples of one label."""
    whole = [
        (exhibit.attribute, group)
        for _, exhibit in record.exhibits("group_table")
        if exhibit.kind == "group_table"
        for group in exhibit.too_small
    ]
    some = [
        (one.where["attribute"], group)
        for _, one in record.measurements()
        if "label" not in one.where and not one.name.endswith("_worst_label")
        for group in one.left_out
        if group != WITHHELD
    ]
    every = dict.fromkeys((*whole, *some))
    return [
        f"{short(group)} ({short(attribute)}{'' if (attribute, group) in whole else ', in some gaps'})"
        for attribute, group in every
    ]


def _split(split: str) -> str:
    return "all of it" if split == "all" else f"its {short(split)} split"


def _steps(record: AuditRecord, findings: Sequence[Finding], verdict: Verdict) -> Iterator[Item]:
    for evidence, _ in failed(record):
        yield Item(
            f"Repair what made {evidence.probe} crash, and audit again.", section="identity", section_title="The error"
        )
    asked: set[str] = set()
    many = {name: len(group) for name, group in _reported(findings).items() if len(group) > _SAID_ONE_BY_ONE}
    for finding in worst_first(findings):
        if finding.measurement in many and finding.bound == REPORTED and finding.evidence is not None:
            text = (
                f"Decide whether the {many[finding.measurement]} figures of “{title(finding.measurement)}” are "
                "acceptable for the intended use, and write down why."
            )
        else:
            text = _step(finding)
        if text and text not in asked:
            asked.add(text)
            yield Item(
                text, section=pillar(finding.measurement), section_title=PILLARS.get(pillar(finding.measurement), "")
            )
    if verdict == "pass":
        yield Item(
            "Nothing in this policy speaks against release. Check that the limits are acceptable for the intended use."
        )
    if verdict in {"pass", "warn"}:
        yield Item("Keep this report with audit.json, and audit again when the model, the data or the use changes.")


def _step(finding: Finding) -> str:
    about = wording.subject(finding.measurement, finding.where)
    if finding.verdict == "fail":
        return (
            f"Do not release under this policy: first improve what lies behind “{about}”, or have the bound "
            "itself reviewed."
        )
    if finding.verdict == "warn" or (finding.bound == REPORTED and finding.evidence is not None):
        return f"Decide whether “{about}” is acceptable for the intended use, and write down why."
    if finding.verdict == "not_established":
        if finding.evidence is None:
            return f"Have “{about}” measured: the reason why it was not stands in the table of requirements."
        return f"Audit more examples to decide “{about}”{_enough(finding)}."
    return ""


def _enough(finding: Finding) -> str:
    one = finding.evidence
    known = NAMES.get(finding.measurement)
    if one is None or known is None or known.quantity != "proportion" or finding.bound == REPORTED:
        return ""
    n, held = smallest_n(one.value, float(finding.bound.rpartition(" ")[2])), one.interval
    units = None if held is None else worth(one.value, held.high - held.low)
    if n is None or units is None:
        return ""
    n = ceil(n * max(1.0, one.n / units))  # people with several rows, or unlike each other, tell less than their number
    return "" if n <= one.n else f": an n of about {_rounded_up(n):,} would do, if the value stays as it is"


def _rounded_up(n: int) -> int:
    """Return `n` rounded up to two significant digits."""
    step = int(f"1{'0' * max(0, len(str(n)) - 2)}")
    return -(-n // step) * step
