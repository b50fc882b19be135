"""Robustness: the rewrites that changed a decision, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.evidence.exhibits import Rewrite
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Heading, Item, Paragraph, Quote, Table
from workbench.report.marks import changes
from workbench.report.quotes import folded
from workbench.report.text import SHOWN, cut_note, plural, short
from workbench.verdict import wording

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
    return tuple(block for recipe, rewrites in recipes.items() for block in _recipe(recipe, rewrites))


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
