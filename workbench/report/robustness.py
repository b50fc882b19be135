"""Robustness: the rewrites that changed a decision, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import FailingCase, FailingCases, Rewrite
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Fold, Heading, Item, Paragraph, Quote, Table
from workbench.report.marks import changes
from workbench.report.quotes import folded
from workbench.report.text import SHOWN, cut_note, plural, short
from workbench.verdict import wording

CASES = 5
"""Failing cases shown of one behaviour; the rest is in audit.json."""
REWRITES = 30
"""Rewrites shown of one attack; the rest is in audit.json."""

_OUTCOMES = {
    "succeeded": ("succeeded", "a rewriting changed the decision"),
    "resisted": ("resisted", "the search ended without one"),
    "exhausted": ("budget spent", "the query budget ended first; more queries might succeed"),
    "skipped": ("not attacked", "the decision was wrong already"),
    "failed": ("attack crashed", "counted neither way"),
}


def robustness(record: AuditRecord) -> tuple[Block, ...]:
    """Return outcomes and rewrites, attack by attack."""
    recipes: dict[str, list[Rewrite]] = {}
    for _, exhibit in record.exhibits("rewrite"):
        if isinstance(exhibit, Rewrite):
            recipes.setdefault(exhibit.recipe, []).append(exhibit)
    attacks = tuple(block for recipe, rewrites in recipes.items() for block in _recipe(recipe, rewrites))
    return (*attacks, *_behaviours(record))


_MUST = {
    "minimum functionality": "the decision must be the one named",
    "invariance": "the decision must stay",
    "directional": "the probability of the label named must not fall",
}


def _behaviours(record: AuditRecord) -> Iterator[Block]:
    held = [exhibit for _, exhibit in record.exhibits("failing_cases") if isinstance(exhibit, FailingCases)]
    if held:
        yield Heading("Behaviours that failed")
        yield Paragraph(
            "Each text below breaks a rule that should hold whatever the accuracy. `workbench regress save` writes "
            "them to a file, and `workbench regress run` asks a mended model again.",
            "quiet",
        )
    for exhibit in held:
        shown = exhibit.cases[:CASES]
        quotes = [_case(case) for case in shown]
        yield Fold(
            f"{short(exhibit.behaviour, 80)} ({exhibit.test}): {exhibit.total:,} of {exhibit.of:,} failed; "
            f"{_MUST[exhibit.test]}",
            tuple(quotes),
        )


def _case(case: FailingCase) -> Quote:
    facts = [f"must be: {short(case.label)}"] if case.label is not None and case.before is None else []
    facts += [f"decided before: {short(case.decided_before)}"] if case.decided_before is not None else []
    facts.append(f"decided: {short(case.decided)}")
    start = "" if case.probability_before is None else f"{wording.number(case.probability_before, '')} → "
    facts.append(f"probability of {short(case.watched)} {start}{wording.number(case.probability, '')}")
    before = case.text if case.before is None else case.before
    length = max(len(before), len(case.text))
    name = f"Example {short(case.example, 24)}" if case.example else "From a template"
    return Quote(name, changes(before, case.text), tuple(facts), note=cut_note(length) if length > SHOWN else "")


def _recipe(recipe: str, rewrites: list[Rewrite]) -> Iterator[Block]:
    yield Heading(f"Attack {recipe}")
    rows = tuple(
        (Cell(word), Cell(f"{count:,}", numeric=True), Cell(meaning))
        for outcome, (word, meaning) in _OUTCOMES.items()
        if (count := sum(rewrite.outcome == outcome for rewrite in rewrites))
    )
    yield Table(
        f"Outcomes of {recipe}, by example", (Cell("Outcome"), Cell("Examples", numeric=True), Cell("Meaning")), rows
    )
    crashed = [rewrite for rewrite in rewrites if rewrite.outcome == "failed"]
    if crashed:
        yield Bullets(
            tuple(
                Item(rewrite.error or "no message", "fail", f"Example {short(rewrite.example, 24)}: ")
                for rewrite in crashed[:10]
            )
        )
    succeeded = [rewrite for rewrite in rewrites if rewrite.outcome == "succeeded" and rewrite.rewritten is not None]
    if not succeeded:
        yield Paragraph(
            "No rewriting changed a decision. That proves nothing about other attacks or larger budgets.", "quiet"
        )
        return
    shown = succeeded[:REWRITES]
    more = f" {len(succeeded) - len(shown):,} more are in audit.json." if len(succeeded) > len(shown) else ""
    yield Paragraph(
        f"{plural(len(shown), 'rewriting')} that changed the decision, to be read: would a person still give the "
        "old answer? "
        f"Only then is it the model's mistake. Removed words are struck through, inserted ones underlined.{more}"
    )
    yield from folded([_quote(rewrite) for rewrite in shown], "rewritings")


def _quote(rewrite: Rewrite) -> Quote:
    assert rewrite.rewritten is not None  # the caller shows successes only
    facts = [f"true: {short(rewrite.label)}", f"decided before: {short(rewrite.predicted_before)}"]
    facts += [f"after: {short(rewrite.predicted_after)}"] if rewrite.predicted_after is not None else []
    after = "" if rewrite.probability_after is None else f" → {wording.number(rewrite.probability_after, '')}"
    facts.append(f"probability of the true label {wording.number(rewrite.probability_before, '')}{after}")
    if rewrite.words_changed is not None:
        facts.append(f"{rewrite.words_changed:,} of {plural(rewrite.words, 'word')} changed")
    facts.append(plural(rewrite.queries, "query", "queries"))
    length = max(len(rewrite.original), len(rewrite.rewritten))
    note = cut_note(length) if length > SHOWN else ""
    return Quote(
        f"Example {short(rewrite.example, 24)}", changes(rewrite.original, rewrite.rewritten), tuple(facts), note=note
    )
