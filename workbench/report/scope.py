"""Scope, limits and statistical power: what this audit is about and what it could have seen."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Fold, Heading, Item, Paragraph, Section, Table
from workbench.report.summary import PILLARS, untested
from workbench.report.text import listed, plural, short
from workbench.verdict.decidable import half_width


def scope(record: AuditRecord) -> Section:
    """Return the section on scope, limits and statistical power."""
    card = record.corpus
    blocks: list[Block] = [Bullets(tuple(_scope(record)))]
    labels = tuple((Cell(short(label)), Cell(f"{n:,}", numeric=True)) for label, n in card.labels.items())
    blocks.append(Table("Audited examples per label", (Cell("Label"), Cell("Examples", numeric=True)), labels))
    if card.dropped:
        rows = tuple((Cell(drop.reason), Cell(f"{drop.n:,}", numeric=True)) for drop in card.dropped)
        blocks.append(
            Fold(
                "Rows left out of the whole data, before it was split",
                (Table("Rows left out, and why", (Cell("Reason"), Cell("Rows", numeric=True)), rows),),
            )
        )
    blocks += [Heading("What this audit could have seen"), Paragraph(_power(record))]
    return Section("scope", "Scope, limits and statistical power", tuple(blocks))


def _scope(record: AuditRecord) -> Iterator[Item]:
    card, settings = record.corpus, record.audit
    words = ""
    if card.words_median is not None and card.words_max is not None:
        words = f" The median text has {card.words_median:,.0f} words, the longest {card.words_max:,}."
    sampled = f", sampled by hash of their id (--limit {settings.limit})" if settings.limit is not None else ""
    yield Item(
        f"{plural(card.n, 'example')} from {plural(card.people, 'person', 'people')}{sampled}.{words}", lead="Audited: "
    )
    if card.truncated is None:
        yield Item("Not counted for this model.", lead="Longer than the model reads: ")
    else:
        limit = f" of {record.model.max_length:,} tokens" if record.model.max_length else ""
        yield Item(
            f"{plural(card.truncated, 'text')}; what lies beyond the model's limit{limit} was ignored.",
            lead="Longer than the model reads: ",
        )
    if card.in_training is None:
        yield Item("Unknown: the model's training data is not on record.", lead="Overlap with the training data: ")
    else:
        thresholds = "" if record.mitigation is None else " and that of the thresholds"
        yield Item(
            f"{plural(card.in_training, 'audited example shares', 'audited examples share')} a person or a text "
            "with it.",
            lead=f"Overlap with the training data{thresholds}: ",
        )
    yield Item(
        "first on these examples on this installation."
        if settings.ledger_count == 1
        else f"number {settings.ledger_count:,} on these examples on this installation. Choosing among models by "
        "the same "
        "examples makes the chosen one look better than it is.",
        lead="This audit: ",
    )
    if missing := untested(record):
        yield Item(
            f"{listed([PILLARS[name].lower() for name in missing])}. No statement is made about what was not tested.",
            lead="Not tested: ",
        )
    yield Item(
        "The labels are taken as true, the groups as recorded. The audit does not ask whether the task itself is "
        "a good idea.",
        lead="Taken for granted: ",
    )


def _power(record: AuditRecord) -> str:
    card = record.corpus
    if card.people < 1:
        return "There are no examples, so nothing could be seen."
    middle = half_width(0.5, card.people)
    sentence = (
        f"With {plural(card.people, 'independent person', 'independent people')}, the 95% interval of a "
        "proportion near one half reaches "
        f"±{middle:.3f}"
    )
    accuracy = record.find("performance.accuracy")
    if accuracy is not None:
        sentence += f", and near the measured accuracy ±{half_width(accuracy.value, card.people):.3f}"
    sentence += ". Differences smaller than that cannot be told from chance here."
    sizes = [
        (group.people, group.group, exhibit.attribute)
        for _, exhibit in record.exhibits("group_table")
        if exhibit.kind == "group_table"
        for group in exhibit.groups
        if group.people and group.group not in exhibit.too_small
    ]
    if sizes:
        people, group, attribute = min(sizes)
        sentence += (
            f" The smallest group that was compared is {short(group)} ({short(attribute)}, "
            f"{plural(people, 'person', 'people')}): "
            f"a rate near one half is known there to about ±{half_width(0.5, people):.2f} only."
        )
    return sentence
