"""Which obligations the measurements of a record are evidence for, and which only people can answer.

A map, no judgement: whether an obligation applies, and whether it is met, is for lawyers. The items are put in our own
words; each is cited by its place in the text that is binding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evidence.record import AuditRecord, Finding
from workbench.report.blocks import Block, Cell, Heading, Link, Paragraph, Section, Table
from workbench.report.summary import PILLARS, pillar
from workbench.report.text import plural
from workbench.verdict.judge import bound_judged

NONE = "no technical evidence; needs a human answer"

AI_ACT = "Regulation (EU) 2024/1689 (Artificial Intelligence Act), OJ L, 2024/1689, 12.7.2024"
RMF = "NIST AI 100-1, Artificial Intelligence Risk Management Framework (AI RMF 1.0), January 2023"
GDPR = "Regulation (EU) 2016/679 (General Data Protection Regulation), OJ L 119, 4.5.2016"

BOUNDS = "bounds"
"""Not a pillar: requirements that a measurement was held against."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One item of a text, and the pillars whose measurements tell something of it."""

    place: str
    asks: str
    """What it asks for, in our words."""
    evidence: tuple[str, ...] = ()
    """Pillars, or `BOUNDS`; none where only people can answer."""


_EVERY = ("performance", "calibration", "robustness", "fairness", "privacy", "explanations")

OBLIGATIONS: tuple[tuple[str, tuple[Obligation, ...]], ...] = (
    (
        AI_ACT,
        (
            Obligation("Article 9(2)(a)", "Know the risks to health, safety and fundamental rights in intended use."),
            Obligation(
                "Article 9(2)(b)",
                "Estimate risks in intended use and in misuse that can be foreseen.",
                ("robustness", "fairness", "privacy"),
            ),
            Obligation("Article 9(5)", "Judge that the risks that remain are acceptable, overall and one by one."),
            Obligation("Article 9(6)", "Test, to find the measures that manage the risks best.", _EVERY),
            Obligation(
                "Article 9(8)",
                "Test before release, against metrics and thresholds defined beforehand that fit the purpose.",
                (BOUNDS,),
            ),
            Obligation("Article 9(9)", "Consider people under 18 and other vulnerable groups."),
            Obligation("Article 10(2)(b)", "Know how data were collected, where from, and what for."),
            Obligation("Article 10(2)(f)", "Examine the data for biases that may harm or discriminate.", ("fairness",)),
            Obligation("Article 10(2)(g)", "Detect, prevent and mitigate such biases.", ("fairness",)),
            Obligation("Article 10(2)(h)", "Find gaps and shortcomings of the data, and how to address them."),
            Obligation(
                "Article 10(3)",
                "Data that are relevant, representative enough and right, for the groups concerned as well.",
            ),
            Obligation(
                "Article 13(3)(b)(ii)",
                "Tell deployers the accuracy, with its metrics, the robustness and cybersecurity tested for, and what "
                "may change them.",
                ("performance", "calibration", "robustness"),
            ),
            Obligation("Article 13(3)(b)(iii)", "Tell of circumstances of use that may lead to risks."),
            Obligation(
                "Article 13(3)(b)(iv)", "Tell, where there is any, what helps to explain an output.", ("explanations",)
            ),
            Obligation("Article 13(3)(b)(v)", "Tell how it performs on particular persons or groups.", ("fairness",)),
            Obligation("Article 13(3)(d)", "Tell of human oversight, and what helps people to interpret outputs."),
            Obligation(
                "Article 15(1)",
                "Accuracy, robustness and cybersecurity that are appropriate, throughout the lifecycle.",
                ("performance", "robustness"),
            ),
            Obligation(
                "Article 15(3)", "Declare accuracy and its metrics in the instructions.", ("performance", "calibration")
            ),
            Obligation("Article 15(4)", "Resilience against errors, faults and inconsistencies.", ("robustness",)),
            Obligation(
                "Article 15(5)",
                "Resilience against attacks: poisoning, adversarial examples, breaches of confidentiality.",
                ("robustness", "privacy"),
            ),
            Obligation("Annex IV(1)", "Describe the system: purpose, provider, versions, how it interacts."),
            Obligation("Annex IV(2)(d)", "Describe training data: provenance, scope, selection, labelling."),
            Obligation(
                "Annex IV(2)(g)",
                "Describe validation and testing: data, metrics of accuracy and robustness, discriminatory impacts; "
                "test reports dated and signed.",
                ("performance", "robustness", "fairness"),
            ),
            Obligation(
                "Annex IV(3)",
                "Describe capabilities and limits, accuracy for particular persons or groups, and oversight.",
                ("performance", "fairness"),
            ),
            Obligation("Annex IV(4)", "Say why the metrics are appropriate for this system."),
            Obligation("Annex IV(9)", "Describe how the system is monitored once it is in use."),
        ),
    ),
    (
        RMF,
        (
            Obligation("MEASURE 1.1", "Choose approaches and metrics, and document what will not be measured."),
            Obligation("MEASURE 2.1", "Document test sets, metrics and tools.", _EVERY),
            Obligation("MEASURE 2.2", "Evaluations with people meet the rules for them, and are representative."),
            Obligation(
                "MEASURE 2.3",
                "Measure performance in conditions like those of deployment.",
                ("performance", "calibration"),
            ),
            Obligation(
                "MEASURE 2.5",
                "Show that the system is valid and reliable, and document how far that generalises.",
                ("performance", "calibration", "robustness"),
            ),
            Obligation("MEASURE 2.6", "Evaluate safety risks regularly."),
            Obligation("MEASURE 2.7", "Evaluate security and resilience.", ("robustness", "privacy")),
            Obligation("MEASURE 2.8", "Examine risks of transparency and accountability."),
            Obligation("MEASURE 2.9", "Explain, validate and document the model.", ("explanations",)),
            Obligation("MEASURE 2.10", "Examine the privacy risk.", ("privacy",)),
            Obligation("MEASURE 2.11", "Evaluate fairness and bias.", ("fairness",)),
            Obligation("MEASURE 2.12", "Assess the environmental impact of training and use."),
            Obligation("MEASURE 2.13", "Evaluate how effective the metrics and processes of testing are."),
            Obligation("MEASURE 3.1", "Track risks over time, in use."),
            Obligation("MEASURE 4.1", "Connect measurement to the place of use, with domain experts and users."),
            Obligation("MANAGE 1.1", "Decide whether the purpose is achieved and release should proceed.", (BOUNDS,)),
            Obligation("MANAGE 1.2", "Set priorities among risks by impact, likelihood and means."),
            Obligation("MANAGE 1.3", "Plan and document responses to the risks that come first."),
            Obligation("MANAGE 1.4", "Document the risks that remain, for those who acquire or use the system."),
            Obligation("MANAGE 2.4", "Be able to supersede, disengage or switch off a system that goes wrong."),
            Obligation("MANAGE 4.1", "Monitor in use, with appeal, override and response to incidents."),
        ),
    ),
    (
        GDPR,
        (
            Obligation("Article 35(2)", "Seek the advice of the data protection officer."),
            Obligation("Article 35(7)(a)", "Describe the processing and its purposes."),
            Obligation("Article 35(7)(b)", "Assess necessity and proportionality."),
            Obligation(
                "Article 35(7)(c)", "Assess the risks to the rights and freedoms of people.", ("privacy", "fairness")
            ),
            Obligation("Article 35(7)(d)", "Measures, safeguards and security that address the risks.", ("privacy",)),
            Obligation("Article 35(9)", "Seek, where appropriate, the views of the people concerned."),
        ),
    ),
)
"""Text -> items, in its order."""


def obligations(record: AuditRecord, findings: Sequence[Finding], *, afterwards: bool = False) -> Section:
    """Return the section that maps the record's measurements to obligations; `afterwards` as in `render`."""
    held = evidence_held(record, findings)
    blocks: list[Block] = []
    for citation, items in OBLIGATIONS:
        rows = tuple((Cell(item.place), Cell(item.asks), _evidence(item, held, afterwards)) for item in items)
        columns = (Cell("Item"), Cell("What it asks for, in short"), Cell("Technical evidence in this report"))
        blocks += [
            Heading(citation.partition(",")[0]),
            Paragraph(f"Cited from: {citation}, as published there; later amendments are not looked up.", "quiet"),
        ]
        blocks.append(Table(f"{citation.partition(',')[0]}: items and evidence", columns, rows, wide=True))
    return Section(
        "obligations",
        "Evidence for obligations",
        tuple(blocks),
        "Where measurements of this report may serve as evidence. The map does not say that an obligation applies, nor "
        "that it is met: that is for people who know the law and the use.",
    )


def evidence_held(record: AuditRecord, findings: Sequence[Finding]) -> dict[str, int]:
    """Return pillar (and `BOUNDS`) -> how many measurements there are; nothing for what has none."""
    held = {name: sum(pillar(one.name) == name for _, one in record.measurements()) for name in PILLARS}
    held[BOUNDS] = sum(bound_judged(finding) for finding in findings)
    return {name: n for name, n in held.items() if n}


def _evidence(item: Obligation, held: dict[str, int], afterwards: bool) -> Cell:
    if afterwards and BOUNDS in item.evidence:
        return Cell(NONE, "the bounds of this report were chosen after the audit")
    links = tuple(_link(name, held[name]) for name in item.evidence if name in held)
    missing = [PILLARS[name].lower() for name in item.evidence if name not in held and name in PILLARS]
    small = f"not measured: {', '.join(missing)}" if missing and links else ""
    return Cell("" if links else NONE, small, links=links)


def _link(name: str, n: int) -> Link:
    if name == BOUNDS:
        return Link("requirements", f"Requirements ({plural(n, 'bound')} judged)")
    return Link(name, f"{PILLARS[name]} ({plural(n, 'measurement')})")
