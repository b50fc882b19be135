"""Thresholds by group in words and tables: what a model needs from now on, what it gained and what that cost."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.group_rule import Cut, GroupCut, GroupRule
from workbench.evidence.mitigation import Figure, MitigationCard
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Heading, Item, Paragraph, Table
from workbench.report.text import listed, plural, short


def mitigation(record: AuditRecord) -> tuple[Block, ...]:
    """Return the rule that the model decides by, where it does so by group, and what is known of it."""
    rule, card = record.audit.decision.by_group, record.mitigation
    blocks: list[Block] = []
    if rule is not None:
        blocks += [
            Heading(f"Decided by {short(rule.attribute)}"),
            Bullets(tuple(Item(one) for one in (*needed(rule), *(() if card is None else needs(card)[1:])))),
            _rules(rule),
        ]
    if card is not None:
        blocks += [
            Paragraph(
                f"Thresholds by {card.method} under {card.constraint.replace('_', ' ')}, fitted on the "
                f"{card.fitted_on.split} part of {short(card.fitted_on.name)} ({plural(card.fitted_on.n, 'example')}) "
                f"for the scores of {short(card.base)} (sha256 {card.base_digest[:16]}…)."
            ),
            _held_out(card),
            _trade_off(card),
            Paragraph(
                "The trade-off was measured on the examples that the thresholds were fitted on, so its gaps are "
                "smaller than elsewhere; the figures before and after are from examples that they have not seen.",
                "quiet",
            ),
        ]
    return tuple(blocks)


def needed(rule: GroupRule) -> tuple[str, ...]:
    """Return what the rule asks of whoever uses the model."""
    name = short(rule.attribute)
    strangers = (
        f"Of somebody whose {name} has no thresholds nothing is decided: the model refuses."
        if rule.unknown == "refuse"
        else f"Somebody whose {name} has no thresholds is decided by the one for everybody, {rule.overall:g}."
    )
    by_lot = any(0 < one.first_share < 1 or one.ignored > 0 for one in rule.groups) or rule.mix < 1
    drawn = (
        "Some decisions are drawn by lot: two people with the same text and group may be decided differently. The "
        "model states probabilities; this audit drew each decision once, by its seed and the example's id."
        if by_lot
        else "No decision is drawn by lot."
    )
    return (
        f"Every decision needs the person's {name}. Whether it may be used so is a question of law.",
        drawn,
        strangers,
    )


def needs(card: MitigationCard) -> tuple[str, ...]:
    """Return what whoever uses the model must know, in sentences."""
    held = card.held_out
    found = [
        f"From now on every decision needs the person's {short(card.attribute)}.",
        f"{held.drawn:.1%} of the held-out decisions are drawn by lot."
        if held.drawn
        else "None of the held-out decisions is drawn by lot.",
    ]
    if held.corpus.in_training is None:
        found.append("Whether the model has learned from the held-out examples is unknown.")
    elif held.corpus.in_training:
        shared = plural(held.corpus.in_training, "held-out example shares", "held-out examples share")
        found.append(f"{shared} a person or a text with the training data, so the figures may be too good.")
    if card.left_out:
        found.append(
            f"Too small for thresholds of their own: {listed([short(group) for group in card.left_out])} "
            f"({plural(held.overall, 'held-out example')})."
        )
    if card.breaks_privacy:
        found.append(f"Privacy is not established: {card.unprotected}.")
    elif card.private_base:
        found.append(f"The thresholds were fitted on examples that need no protection: {short(card.public or '')}.")
    return tuple(found)


def figures(card: MitigationCard) -> Iterator[tuple[str, str]]:
    """Yield what was measured on held-out examples, name by name, as text."""
    held, gap = card.held_out, card.gap
    yield f"{gap} before", told(held.gap_before)
    yield f"{gap} after", told(held.gap_after)
    yield "Narrowed by (paired)", told(held.narrowed, signed=True)
    yield "Accuracy before", told(held.accuracy_before)
    yield "Accuracy after", told(held.accuracy_after)
    yield "Accuracy gained (paired; negative: its price)", told(held.gained, signed=True)


def trade_off_rows(card: MitigationCard) -> Iterator[tuple[str, str, str, str]]:
    """Yield setting, accuracy, gap and share of drawn decisions, as text."""
    for one in card.trade_off:
        yield one.setting, told(one.accuracy), told(one.gap), f"{one.drawn:.1%}"


def told(figure: Figure, *, signed: bool = False) -> str:
    """Return value, interval and n."""
    form = "+.3f" if signed else ".3f"
    low, high = (format(end, form) for end in (figure.interval.low, figure.interval.high))
    return f"{figure.value:{form}} ({figure.interval.level:.0%} {low} to {high}; n {figure.n:,})"


def _held_out(card: MitigationCard) -> Table:
    rows = tuple((Cell(name), Cell(figure, numeric=True)) for name, figure in figures(card))
    caption = (
        f"Before and after, on the {card.held_out.corpus.split} part ({plural(card.held_out.corpus.n, 'example')})"
    )
    return Table(caption, (Cell("What"), Cell("Value", numeric=True)), rows)


def _trade_off(card: MitigationCard) -> Table:
    rows = tuple(
        (Cell(setting), *(Cell(value, numeric=True) for value in values)) for setting, *values in trade_off_rows(card)
    )
    columns = (
        Cell("Setting"),
        Cell("Accuracy", numeric=True),
        Cell(card.gap, numeric=True),
        Cell("Drawn by lot", numeric=True),
    )
    return Table("Trade-off between accuracy and the gap", columns, rows)


def _rules(rule: GroupRule) -> Table:
    columns = (
        Cell("Group"),
        Cell("Fitted on", "examples", numeric=True),
        Cell(f"“{short(rule.positive_label)}” where"),
    )
    rows = tuple(
        (Cell(short(one.group)), Cell(f"{one.n:,}", numeric=True), Cell(_in_words(one))) for one in rule.groups
    )
    mixed = "" if rule.mix == 1 else f"; {rule.mix:.0%} of decisions go by these, the rest by the one for everybody"
    return Table(f"Thresholds by {short(rule.attribute)}{mixed}", columns, rows, wide=True)


def _in_words(one: GroupCut) -> str:
    shares = [(share, cut) for share, cut in ((one.first_share, one.first), (one.second_share, one.second)) if share]
    words = "; ".join(_cut(cut) if share == 1 else f"{_cut(cut)} (in {share:.1%} of cases)" for share, cut in shares)
    if not one.ignored:
        return words
    return f"{words}; but in {one.ignored:.1%} of cases by lot alone, with a chance of {one.constant:.1%}"


def _cut(cut: Cut) -> str:
    if cut.at is None:
        return "any score" if cut.takes == "all" else "no score"
    return f"score {cut.takes} {cut.at:.4f}"
