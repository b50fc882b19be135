"""Explanations: what moved a decision, word by word, with the method's own error beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workbench.evidence.exhibits import GroupWords, TokenScores, WordRow, WordTable
from workbench.evidence.measurement import Interval
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Cell, Fold, Heading, Paragraph, Quote, Table
from workbench.report.legends import STRENGTH, draws, legend, not_read
from workbench.report.marks import heat, shown_from, special, told, weights
from workbench.report.quotes import folded
from workbench.report.text import IN_RECORD, SHOWN, cut_note, plural, short
from workbench.verdict import wording

EXPLAINED = 20
"""Explained texts shown; the rest is in audit.json."""

_LISTED = 12
"""Words listed with their scores."""


def explanations(record: AuditRecord) -> tuple[Block, ...]:
    """Return the words that matter over many texts, and the explained texts."""
    return (*_words(record), *_group_words(record), *_texts(record))


_PHRASES = (
    "Phrases of two or three words that push towards the decision, a tenth of it or more by the first word and as much "
    "by the last. The push is the sum of the words'; phrases were not taken away."
)


def _words(record: AuditRecord) -> tuple[Block, ...]:
    tables = [exhibit for _, exhibit in record.exhibits("word_table") if isinstance(exhibit, WordTable)]
    if not tables:
        return ()
    blocks: list[Block] = [
        Heading("Words that decide, over many texts"),
        Paragraph(
            "A word high up that should not matter, or one whose removal changes many decisions, is a possible "
            "shortcut: the model may have learned the word instead of what it stands for. Only a person can tell.",
            "quiet",
        ),
        *(_word_table(table) for table in tables if table.by in ("flips", "push")),
    ]
    if phrases := tuple(_word_table(table) for table in tables if table.by == "phrases"):
        blocks += [Paragraph(_PHRASES, "quiet"), *phrases]
    blocks += [_word_table(table) for table in tables if table.by == "errors"]
    if rest := tuple(_word_table(table) for table in tables if table.by == "strength"):
        blocks.append(Fold("More strong words, whichever way they push", rest))
    return tuple(blocks)


_COLUMNS = {"flips": ("flips", "push", "strength", "texts"), "phrases": ("push", "strength", "texts")}
"""In other orders than others: what a table is ranked by comes first, and phrases were not taken away."""


def _word_table(table: WordTable) -> Table:
    towards = "" if table.target is not None else " towards what was decided"
    columns: dict[str, tuple[Cell, Callable[[WordRow], Cell]]] = {
        "push": (Cell(f"Mean push{towards} ({short(table.output)})", "95% interval", numeric=True), _push),
        "strength": (Cell("Mean strength", numeric=True), _strength),
        "texts": (Cell("Texts", numeric=True), _texts_with),
        "flips": (Cell("Decision changes without it", numeric=True), _flips),
    }
    order = _COLUMNS.get(table.by, tuple(columns))
    told = f"{plural(table.texts, 'text')}{' so decided' if table.target is not None else ''} ({short(table.method)})"
    return Table(
        f"{short(table.title, 80)}: {told}",
        (Cell("Phrase" if table.by == "phrases" else "Word"), *(columns[name][0] for name in order)),
        tuple((Cell(short(row.word, 60)), *(columns[name][1](row) for name in order)) for row in table.rows),
    )


def _push(row: WordRow) -> Cell:
    return Cell(f"{row.mean:+.3f}", _spread(row.interval, "{:+.3f}".format), numeric=True, strong=True)


def _strength(row: WordRow) -> Cell:
    return Cell(f"{row.mean_absolute:.3f}", numeric=True)


def _texts_with(row: WordRow) -> Cell:
    return Cell(f"{row.n:,}", numeric=True)


def _flips(row: WordRow) -> Cell:
    if row.flips is None or row.flip_interval is None:
        return Cell("not measured", numeric=True)
    share = f"{wording.interval(row.flip_interval, 'proportion')} of such texts"
    return Cell(f"{row.flips:,} of {row.n:,}", share, numeric=True)


def _spread(interval: Interval | None, number: Callable[[float], str]) -> str:
    """Return the interval of a mean over texts in words."""
    return "the same in every text" if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def _group_words(record: AuditRecord) -> tuple[Block, ...]:
    found = [exhibit for _, exhibit in record.exhibits("group_words") if isinstance(exhibit, GroupWords)]
    if not found:
        return ()
    (held, *_) = found
    heading = Heading("Words that tell a group")
    if not held.rows:
        return (
            heading,
            Paragraph(
                f"Of the {plural(held.compared, 'word')} that are in the explained texts of at least {held.least} "
                "people, none surely tells which group a text is from.",
            ),
        )
    rows = tuple(
        (
            Cell(short(row.word, 40)),
            Cell(f"{short(row.attribute, 30)}: {short(row.group, 30)}"),
            Cell(
                f"{row.share:.0%}",
                f"of {row.n:,} people ({wording.interval(row.share_interval, 'proportion')}); of all {row.base:.0%}",
                numeric=True,
            ),
            Cell(
                wording.number(row.strength, ""),
                f"{_spread(row.strength_interval, partial(wording.number, unit=''))}; n = {row.explained:,}",
                numeric=True,
                strong=True,
            ),
            Cell(f"{row.stronger_than:.0%}", numeric=True),
            Cell(
                f"{row.flips:,} of {row.explained:,}",
                f"{wording.interval(row.flip_interval, 'proportion')} of such texts",
                numeric=True,
            ),
        )
        for row in held.rows
    )
    return (
        heading,
        Paragraph(
            "These words surely come more often in one group's texts (a text of each person; intervals of these shares "
            "are corrected for all words and groups compared). If decisions hang on one of them, the model "
            "treats that group's texts differently for a word that only says whose they are: ask whether the word "
            "should matter.",
            "quiet",
        ),
        Table(
            f"The strongest of the words that tell a group, in {plural(held.texts, 'explained text')} "
            f"({short(held.method)}; {plural(held.compared, 'word')} compared)",
            (
                Cell("Word"),
                Cell("Group"),
                Cell("People using it who are of the group", numeric=True),
                Cell(f"Mean strength ({short(held.output)})", "95% interval", numeric=True),
                Cell("Stronger than so many of the words compared", numeric=True),
                Cell("Decision changes without it", numeric=True),
            ),
            rows,
        ),
    )


def _texts(record: AuditRecord) -> tuple[Block, ...]:
    """Return the explained texts."""
    held = [exhibit for _, exhibit in record.exhibits("token_scores") if isinstance(exhibit, TokenScores)]
    if not held:
        return ()
    shown = held[:EXPLAINED]
    more = f" {len(held) - len(shown)} more are in audit.json." if len(held) > len(shown) else ""
    quotes = tuple(explained_text(scores) for scores in shown)
    return (
        Heading("Explained decisions"),
        Paragraph(f"{legend(shown)} Scores say what moved the model, not what is true or right.{more}", "quiet"),
        *folded(quotes, "explained decisions"),
    )


def explained_text(scores: TokenScores, whole: str = IN_RECORD) -> Quote:
    """Return one explained text; `whole` says where the rest of it is, if only a part is shown."""
    facts = [f"explained: {short(scores.target)} (probability {wording.number(scores.probability, '')})"]
    facts += [f"rather than: {short(scores.versus)}"] if scores.versus is not None else []
    facts += [f"decided: {short(scores.predicted)}"] if scores.predicted is not None else []
    facts += [f"true: {short(scores.label)}"] if scores.label is not None else []
    facts.append(f"{scores.method}, in units of the {scores.output}")
    facts += [STRENGTH] if not scores.signed else []
    facts += [draws(scores)] if draws(scores) else []
    facts.append(
        "completeness gap undefined"
        if scores.completeness_gap is None
        else f"completeness gap {wording.number(scores.completeness_gap, '')}"
    )
    if scores.baseline is not None:
        facts.append(f"compared with {scores.baseline}")
    facts.append(plural(scores.passes, "forward pass", "forward passes"))
    length = len(scores.text)
    note = cut_note(length, min(SHOWN, length - shown_from(scores)), whole) if length > SHOWN else ""
    name = f"Example {short(scores.example, 24)}" if scores.example else "Explained text"
    name = name if scores.chosen_as is None else f"{short(scores.chosen_as, 80)}: {name[0].lower()}{name[1:]}"
    blocks = (_scores(scores, name),) if scores.tokens else ()
    return Quote(name, heat(scores), tuple(facts), blocks, note, warning=not_read(scores))


def _scores(scores: TokenScores, name: str) -> Fold:
    ranked = sorted(weights(scores), key=lambda word: (-abs(word.score), word.start))
    rows = [(Cell(short(word.text, 40)), Cell(told(scores, word.score), numeric=True)) for word in ranked[:_LISTED]]
    rest = sum(word.score for word in ranked[_LISTED:])
    if len(ranked) > _LISTED:
        rows.append(
            (Cell(f"the other {plural(len(ranked) - _LISTED, 'word')}"), Cell(told(scores, rest), numeric=True))
        )
    if (outside := special(scores)) is not None:
        rows.append((Cell("special tokens"), Cell(told(scores, outside), numeric=True)))
    table = Table(
        f"{name}: words by strength ({short(scores.method)}, {short(scores.target)})",
        (Cell("Word"), Cell(f"{'Score' if scores.signed else 'Strength'} ({short(scores.output)})", numeric=True)),
        tuple(rows),
    )
    return Fold("Scores", (table,))
