"""Privacy: what is guaranteed, in words first, then what the figures rest on, and what is not covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp

from workbench.evidence.cards import PrivacyCard
from workbench.evidence.exhibits import RecordsAtRisk
from workbench.evidence.measurement import Measurement
from workbench.evidence.mitigation import MitigationCard
from workbench.evidence.record import AuditRecord, Failed
from workbench.report.blocks import Block, Bullets, Cell, Definitions, Heading, Item, Paragraph, Table
from workbench.report.curves import all_curves, figures
from workbench.report.tables import tables
from workbench.report.text import plural, short
from workbench.verdict import wording

_GUARANTEED = frozenset({"privacy.epsilon", "privacy.delta"})
"""Measurements that the statement itself shows."""

_REFUTES = frozenset({"privacy.claim_margin", "privacy.membership_margin"})
"""Measurements that refute the claim where they lie below zero."""
_STATEMENT = "privacy.statement@1"

MEMBERSHIP_ROC = "membership_roc"
"""Name of the curves of attacks on membership."""

_SPELT_OUT = 30
"""From this epsilon on, e^epsilon is no number that anybody can read."""

_SPELLED = {
    "prv": "numerical composition (PRV)",
    "rdp": "Rényi (RDP)",
    "gdp": "Gaussian (GDP), approximate",
    "pld": "privacy loss distribution (PLD), second library",
}


def privacy(record: AuditRecord) -> tuple[Block, ...]:
    """Return the privacy statement of the model's training, if there is one, then what else was measured."""
    card = None if record.training is None else record.training.privacy
    held = [one for _, one in record.measurements() if one.name.startswith("privacy.")]
    if card is None:
        return (*_without_guarantee(held), *tables("Privacy", held), *_attacks(record))
    if (doubt := unfounded(record)) is not None:
        return (
            Heading("What is guaranteed"),
            Paragraph(f"Nothing is established about this model as a whole. {doubt}", "bad"),
            *tables("Privacy", [one for one in held if one.name not in _GUARANTEED]),
            *_attacks(record),
        )
    return (
        Heading("What is guaranteed"),
        *(Paragraph(text) for text in in_words(card)),
        *_thresholds(record.mitigation),
        _accountants(card),
        Definitions(tuple(_basis(card))),
        Heading("What is not covered"),
        Bullets(tuple(Item(one) for one in card.not_covered)),
        *tables("Privacy", [one for one in held if one.name not in _GUARANTEED]),
        *_attacks(record),
    )


def unfounded(record: AuditRecord) -> str | None:
    """Return why what the model's training card claims is not to be relied on, in sentences; None where it stands.

    What claims nothing has nothing unfounded, either.
    """
    card = None if record.training is None else record.training.privacy
    if card is None:
        return None
    claim = f"Its training card claims epsilon {card.epsilon:.4g} at delta {card.delta:g}"
    if record.mitigation is not None and record.mitigation.breaks_privacy:
        return (
            f"Its training was private, but its thresholds by {short(record.mitigation.attribute)} were fitted on "
            f"{record.mitigation.fitted_on.n:,} examples that the account of privacy does not cover: what was claimed "
            "holds for the weights alone."
        )
    for _, one in record.measurements():
        if one.name in _REFUTES and (one.value if one.interval is None else one.interval.high) < 0:
            return (
                f"{claim}, and this audit refutes it: {wording.statement(one)}, which is below zero. Either the "
                "mechanism or its account is broken, or an attack was told who was learned from by something else "
                "than the model; the notes below say what was seen."
            )
    for evidence in record.evidence:
        if evidence.probe == _STATEMENT and isinstance(evidence.result, Failed):
            return f"{claim}, and this audit could not confirm it: {short(evidence.result.error, 300)}"
    return None


def _thresholds(card: MitigationCard | None) -> Iterator[Block]:
    """Yield what the guarantee says nothing about where decisions were changed after training."""
    if card is not None and card.public is not None:
        yield Paragraph(
            f"The thresholds by {short(card.attribute)} were fitted on {card.fitted_on.n:,} other examples. Whoever "
            f"made them said why these need no protection: {short(card.public)}. Nothing is guaranteed to the people "
            "in them.",
            "note",
        )


def _without_guarantee(held: Sequence[Measurement]) -> tuple[Block, ...]:
    """Return what a reader must know of a model that claims nothing and was attacked."""
    if not held:
        return ()
    told = (
        "Nothing limits what this model tells of a single record: it was trained without differential privacy, as far "
        "as is known. What the attacks below found is the least that it gives away; a better attack may find more."
    )
    return (Paragraph(told, "note"),)


def _attacks(record: AuditRecord) -> Iterator[Block]:
    """Yield the curves of attacks on membership, beside what epsilon allows, and the records that they find."""
    curves = [one for one in all_curves(record) if one.name == MEMBERSHIP_ROC]
    if curves:
        yield Heading("Who can be told to have been learned from")
        yield from figures(curves)
    for _, exhibit in record.exhibits("records_at_risk"):
        if isinstance(exhibit, RecordsAtRisk):
            yield Paragraph(
                f"Attack {exhibit.attack} finds {exhibit.total:,} of {plural(exhibit.of, 'record')} that were learned "
                f"from, while accusing {exhibit.fpr:.1%} of the others wrongly. Whoever reads their ids here learns "
                "whom it finds: a redacted report leaves them out.",
                "note",
            )
            if exhibit.records:
                yield _at_risk(exhibit)


def _at_risk(exhibit: RecordsAtRisk) -> Table:
    rows = tuple(
        (Cell(short(one.example, 24)), Cell(short(one.label)), Cell(f"{one.score:.3g}", numeric=True))
        for one in exhibit.records
    )
    columns = (Cell("Record"), Cell("Label"), Cell("Score of the attack", numeric=True))
    return Table(f"Records most at risk, {len(rows)} of {exhibit.total:,}", columns, rows)


def in_words(card: PrivacyCard) -> tuple[str, ...]:
    """Return the guarantee as sentences about one reader's record."""
    yours = "your record" if card.unit == "example" else f"your records (up to {card.records or 1})"
    told = f"e^{card.epsilon:.4g}"
    if card.epsilon < _SPELT_OUT:
        times = exp(card.epsilon)
        told = f"{times:.2f}" if times < 10 else f"{times:,.0f}"
    guess = (1 + card.delta * exp(-card.epsilon)) / (1 + exp(-card.epsilon))  # Kairouz, Oh and Viswanath 2015
    return (
        f"If {yours} had not been used, the model would be much the same: whatever anybody concludes from its weights, "
        f"they would have concluded with a probability at most {told} times smaller or larger, but for a chance of "
        f"{card.delta:g} (epsilon {card.epsilon:.3g}).",
        f"Somebody who knows everything else and has to guess, from the weights, whether {yours} took part in training "
        f"can be right in {_share(guess)}, where 50% is blind guessing."
        + (" So large an epsilon proves little by itself; attacks have to show the rest." if guess > 0.99 else ""),
        f"This holds for each of {plural(card.units, 'unit')} of training, one {card.unit} each. It says nothing "
        "about what the model tells of people in general, which it would tell without any one of them as well.",
    )


def _share(value: float) -> str:
    return f"at most {value:.1%} of the cases" if value < 0.9995 else "practically all cases"


def _accountants(card: PrivacyCard) -> Table:
    rows = tuple(
        (
            Cell(_SPELLED.get(one.accountant, one.accountant)),
            Cell(f"{one.epsilon:.4g}", numeric=True),
            Cell(one.library),
            Cell(one.error),
        )
        for one in card.accountants
    )
    columns = (Cell("Accountant"), Cell("Epsilon", numeric=True), Cell("Library"), Cell("How near the truth"))
    return Table(f"Epsilon at delta {card.delta:g}, by accountant", columns, rows, wide=True)


def _basis(card: PrivacyCard) -> list[tuple[str, str]]:
    others = card.runs - 1
    total = "; what they spend together on one unit is not known"
    if card.epsilon_of_runs is not None:
        at = "" if card.delta_of_runs is None else f" at delta {card.delta_of_runs:.2g}"
        total = f"; together at most epsilon {card.epsilon_of_runs:.3g}{at}"
    rows = [
        ("Claim", f"epsilon {card.epsilon:.4g}, delta {card.delta:g} (times the number of units: "
         f"{card.delta * card.units:.2g})"),
        ("Unit", f"one {card.unit}; two data sets are neighbours where {card.neighbours}"),
        ("Sampling", f"{card.sampling}; rate {card.sample_rate:.4g}"
         + (", derived from the number of units, which is treated as public" if card.units_public else "")),
        ("Noise", f"standard deviation {card.noise_multiplier:.4g} times the clipping bound {card.max_grad_norm:g}; "
         f"from {card.noise}"),
        ("Divisor", f"{card.batch:,}, fixed in the recipe, whoever takes part"),
        ("Steps", f"{card.steps:,} paid for"
         + (f", {card.lost:,} of them lost to interruptions" if card.lost else ", none lost")),
        *([("Steps before", before)] if (before := _before(card)) else []),
        ("Clipping", f"one clip for each unit, over {card.trainable:,} trainable parameters ({card.clipping})"),
        ("Runs on these data", f"this one and {plural(others, 'other')} in the ledger here{total}: whoever chose among "
         "them has spent more than this one's epsilon" if others else "this one only, as far as the ledger here knows"),
        ("Checked before and after training", "; ".join(card.checks)),
    ]  # fmt: skip
    if card.left_out:
        rows.insert(2, ("Never seen", f"{plural(card.left_out, 'example')} of people with more than {card.records}"))
    return rows


def _before(card: PrivacyCard) -> str:
    """Return which steps made the backbone, as a phrase; empty where none did."""
    if not card.before:
        return ""
    held = "; ".join(
        f"{one.steps:,} at rate {one.sample_rate:.4g} with noise {one.noise_multiplier:.4g}" for one in card.before
    )
    return f"the backbone was itself trained privately: {held}. The claim counts them, as if on the same units"
