"""Attacks: how each ended on each example, what it cost, and for people to read, what it made of the texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.evidence.exhibits import JudgedRewrite, Rewrite
from workbench.evidence.names import SEEN
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Heading, Item, Paragraph, Quote, Table
from workbench.report.curves import all_curves, figures
from workbench.report.failing import attack_id
from workbench.report.marks import changes
from workbench.report.quotes import folded
from workbench.report.summary import only_decision
from workbench.report.tagged import DECIDED, TRUE, tagged
from workbench.report.text import SHOWN, cut_note, plural, short
from workbench.verdict import wording

REWRITES = 30
"""Rewrites shown of one attack; the rest is in audit.json."""
BY_QUERIES = "attack_success_by_queries"
"""The curves that stand beside an attack's outcomes."""

_OUTCOMES = {
    "succeeded": ("succeeded", "a rewriting changed the decision"),
    "resisted": ("resisted", "the search ended without one"),
    "exhausted": ("budget spent", "the budget of queries or seconds ended first; more might succeed"),
    "skipped": ("not attacked", "the decision was wrong already"),
    "failed": ("no outcome", "the attack crashed or broke its own rules; counted neither way"),
}
_SAYS = {"yes": "it keeps its label", "no": "it has lost its label", "unsure": "unsure whether it keeps its label"}

Judged = Mapping[tuple[str, str], JudgedRewrite]
"""By recipe and example."""


def attacks(record: AuditRecord) -> tuple[Block, ...]:
    """Return outcomes, success against queries, and rewrites, attack by attack."""
    recipes: dict[str, list[Rewrite]] = {}
    for _, exhibit in record.exhibits("rewrite"):
        if isinstance(exhibit, Rewrite):
            recipes.setdefault(exhibit.recipe, []).append(exhibit)
    judged = {
        (exhibit.recipe, exhibit.example): exhibit
        for _, exhibit in record.exhibits("judged_rewrite")
        if isinstance(exhibit, JudgedRewrite)
    }
    seen = {
        one.where["recipe"]: one.where[SEEN]
        for _, one in record.measurements()
        if SEEN in one.where and "recipe" in one.where
    }
    ordered = sorted(recipes, key=lambda recipe: seen.get(recipe) == "yes")  # what training has not seen comes first
    return (
        *_hardened(record, seen),
        *(
            block
            for recipe in ordered
            for block in _recipe(record, recipe, recipes[recipe], judged, learned=seen.get(recipe) == "yes")
        ),
    )


def _hardened(record: AuditRecord, seen: Mapping[str, str]) -> Iterator[Block]:
    """Say of a hardened model what it has seen, and by which attack it is to be judged."""
    card = None if record.training is None else record.training.augmentation
    if card is None:
        return
    what = (
        f"edits of the family {' and '.join(card.families)}" if card.families else "perturbed embeddings, and no edits"
    )
    words = [f"This model was hardened: its training saw {what}."]
    if card.families:
        words.append("An attack of such a family is no test of the model and stands last below.")
    if card.primary_attack is None:
        words.append("No attack was named before training to judge it by.")
    else:
        name = card.primary_attack.removesuffix("@1")
        ran = any(recipe.partition("@")[0] == name for recipe in seen)
        words.append(
            f"Before training, {name} was named as the attack to judge it by"
            + ("; its figures are below." if ran else ": this audit has no figure of it.")
        )
    yield Paragraph(" ".join(words), "quiet" if card.primary_attack is not None else "note")


def _recipe(
    record: AuditRecord, recipe: str, rewrites: list[Rewrite], judged: Judged, *, learned: bool
) -> Iterator[Block]:
    title = f"Attack {recipe}" + (", whose kind of edits training has seen" if learned else "")
    yield Heading(title, attack_id(record, recipe))
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
        why = "That proves nothing about other attacks or larger budgets."
        if only_decision(record) is not None:
            why = "Nor did anything else: all texts get the same one, so this says nothing about robustness."
        yield Paragraph(f"No rewriting changed a decision. {why}", "quiet")
        return
    yield from figures(
        curve for curve in all_curves(record) if curve.name == BY_QUERIES and curve.where.get("recipe") == recipe
    )
    ranked = sorted(succeeded, key=lambda one: _mistakes_first(judged.get((recipe, one.example))))
    shown = ranked[:REWRITES]
    more = f" {len(succeeded) - len(shown):,} more are in audit.json." if len(succeeded) > len(shown) else ""
    heard = sum((recipe, one.example) in judged for one in succeeded)
    people = (
        f"People judged {heard:,} of {len(succeeded):,}; these come first."
        if heard
        else "`workbench judgements save` writes a random sample to a file for people to judge."
    )
    yield Paragraph(
        f"{plural(len(shown), 'rewriting')} that changed the decision, to be read: would a person still give the "
        "old answer? "
        f"Only then is it the model's mistake. {people} Removed words are struck through, inserted ones underlined."
        f"{more}"
    )
    yield from folded([_quote(one, judged.get((recipe, one.example))) for one in shown], "rewritings")


def _mistakes_first(judged: JudgedRewrite | None) -> tuple[bool, float]:
    """Return what sorts judged rewrites before the others, and those that keep their label before those that do not."""
    return judged is None, 0.0 if judged is None else -judged.kept


def _quote(rewrite: Rewrite, judged: JudgedRewrite | None) -> Quote:
    assert rewrite.rewritten is not None  # the caller shows successes only
    facts = [f"true: {short(rewrite.label)}", f"decided before: {short(rewrite.predicted_before)}"]
    facts += [f"after: {short(rewrite.predicted_after)}"] if rewrite.predicted_after is not None else []
    after = "" if rewrite.probability_after is None else f" → {wording.number(rewrite.probability_after, '')}"
    facts.append(f"probability of the true label {wording.number(rewrite.probability_before, '')}{after}")
    if rewrite.words_changed is not None:
        facts.append(f"{rewrite.words_changed:,} of {plural(rewrite.words, 'word')} changed")
    facts.append(plural(rewrite.queries, "query", "queries"))
    for one in () if judged is None else judged.judgements:
        comment = f" (“{short(one.comment, 200)}”)" if one.comment else ""
        facts.append(f"{short(one.judge, 40)}: {_SAYS[one.label_kept]}{comment}")
    length = max(len(rewrite.original), len(rewrite.rewritten))
    note = cut_note(length) if length > SHOWN else ""
    decided = rewrite.predicted_after or "unknown"
    tags = tagged((("Attack", rewrite.recipe), (TRUE, rewrite.label), (DECIDED, decided)))
    runs = changes(rewrite.original, rewrite.rewritten)
    return Quote(f"Example {short(rewrite.example, 24)}", runs, tuple(facts), note=note, tags=tags)
