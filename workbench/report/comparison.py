"""A comparison of audits as one page: verdicts side by side, what became worse first, examples that fail anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from workbench.evidence.alike import key_of
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.names import title
from workbench.evidence.record import AuditRecord, Verdict
from workbench.report.beside import lost
from workbench.report.blocks import Block, Bullets, Cell, Fold, Heading, Item, Paragraph, Section, Table
from workbench.report.render import style, template
from workbench.report.summary import PILLARS, WORDS, pillar
from workbench.report.text import listed, plural, short
from workbench.verdict import wording

FAILING = 50
"""Examples shown that fail anew; how many there are in all is said."""
_WORDS = {"worse": "worse", "better": "better", "other": "changed", "undecided": "not told apart"}
_HEADLINES = ("performance.", "calibration.", "robustness.accuracy", "fairness.", "privacy.", "explanations.gain")
"""Beginnings of the measurements in the table of effects; all others stand in the tables of each model."""


class Compared(Protocol):
    """What the page shows: see `workbench.comparing.Comparison`."""

    @property
    def base(self) -> AuditRecord: ...
    @property
    def base_verdict(self) -> Verdict: ...
    @property
    def policy(self) -> str: ...
    @property
    def pairs(self) -> int: ...
    @property
    def sides(self) -> Sequence[Any]: ...


def render_comparison(found: Compared, *, digest: str = "") -> str:
    """Return the page. Pure: the same comparison, the same text.

    `digest`, of `comparison.json`, ties the page to the file beside it: see `workbench.report.beside`.
    """
    names = _names(found)
    sections = [_verdicts(found), *((_effects(found),) if len(found.sides) > 1 else ())]
    sections += [_side(found, side, number) for number, side in enumerate(found.sides, start=1)]
    return str(
        template("comparison.html.j2").render(
            title=" → ".join(names[:2]) if len(names) == 2 else f"{names[0]} beside {listed(names[1:])}",
            headline=_headline(found),
            told=[_told(side, found.base_verdict) for side in found.sides],
            facts=(
                ("Data", f"{short(found.base.corpus.name)}, {plural(found.base.corpus.n, 'example')}"),
                ("Policy", short(found.policy)),
            ),
            sections=sections,
            digest=digest,
            css=style("report.css"),
        )
    )


def _names(found: Compared) -> list[str]:
    """Return how the models are called in the title: with their dates where names alone do not tell them apart."""
    records = [found.base, *(side.record for side in found.sides)]
    plain = [short(one.model.name) for one in records]
    if len(set(plain)) == len(plain):
        return plain
    return [f"{name} of {one.audit.date[:10]}" for name, one in zip(plain, records, strict=True)]


def _headline(found: Compared) -> str:
    counts = [sum(one.word == "worse" for one in side.changes) for side in found.sides]
    lacking = [len(side.lacking) for side in found.sides]
    without = f", and {lost(sum(lacking))}" if any(lacking) else ""
    if not any(counts):
        return f"Nothing is shown to be worse than the base{without}"
    if len(counts) == 1:
        return f"{plural(counts[0], 'figure is', 'figures are')} worse than the base's{without}"
    return f"{sum(n > 0 for n in counts)} of {len(counts)} models are worse than the base in some figure{without}"


def _told(side: Any, base: Verdict) -> str:
    """Return the sentence on one model that can be repeated."""
    worse = list(dict.fromkeys(title(one.name) for one in side.changes if one.word == "worse"))
    what = f"worse in {listed(worse, 4)}" if worse else "in nothing shown to be worse, which is no proof"
    failing = plural(len(side.failing), "example fails anew", "examples fail anew")
    lacking = f"; {lost(len(side.lacking))}" if side.lacking else ""
    unasked = f"; {plural(side.unasked, 'figure was', 'figures were')} not asked for, or not so" if side.unasked else ""
    return (
        f"“{short(side.record.model.name)}” is {what}{lacking}{unasked}; {failing}, {side.mended:,} are mended. "
        f"Verdict: {WORDS[side.verdict].lower()}; the base's: {WORDS[base].lower()}."
    )


def _verdicts(found: Compared) -> Section:
    rows = [_verdict_row(found.base, found.base_verdict, "base, ", None)]
    rows += [_verdict_row(side.record, side.verdict, "", side) for side in found.sides]
    return Section(
        "verdicts",
        "Verdicts",
        (
            Table(
                f"All audits, judged here by the policy {short(found.policy)}",
                (
                    Cell("Model"),
                    Cell("Verdict"),
                    Cell("Worse", numeric=True),
                    Cell("Better", numeric=True),
                    Cell("Newly failing", numeric=True),
                    Cell("Mended", numeric=True),
                ),
                tuple(rows),
            ),
            Paragraph(
                f"Paired changes rest on the same examples, one by one; the {plural(found.pairs, 'paired interval')} "
                "of this page hold together at 95% (Bonferroni). Other figures are told apart only where their two "
                "95% intervals do not meet, which misses small changes. Newly failing: decided rightly by the base "
                "and wrongly by the other model; mended: the reverse.",
                "quiet",
            ),
        ),
    )


def _verdict_row(record: AuditRecord, verdict: Verdict, note: str, side: Any) -> tuple[Cell, ...]:
    counts = (
        (Cell("", numeric=True),) * 4
        if side is None
        else (
            Cell(f"{sum(one.word == 'worse' for one in side.changes):,}", numeric=True, strong=True),
            Cell(f"{sum(one.word == 'better' for one in side.changes):,}", numeric=True),
            Cell(f"{len(side.failing):,}", numeric=True),
            Cell(f"{side.mended:,}", numeric=True),
        )
    )
    return (
        Cell(short(record.model.name), f"{note}{record.audit.date[:10]}, sha256 {record.model.digest:.8}"),
        Cell(verdict, verdict=verdict),
        *counts,
    )


def _effects(found: Compared) -> Section:
    """Return one row for each measurement and one column for each model: what each way of training cost or gained.

    What only some of the models have, such as a privacy claim, has a row, too.
    """
    base = _measured(found.base)
    held = [
        ({key_of(one.name, one.where): one for one in side.changes}, _measured(side.record)) for side in found.sides
    ]
    rows = []
    order = list(PILLARS)
    measured_at_all = set(base).union(*(measured for _, measured in held))
    keys = {key for key in measured_at_all if key[0].startswith(_HEADLINES) and len(key[1]) < 2}
    for key in sorted(keys, key=lambda key: (order.index(pillar(key[0])), key)):
        name, where = key
        cells = [Cell(title(name), wording.about(dict(where)).strip()), _plain(base.get(key))]
        for changes, measured in held:
            cells.append(_effect(changes[key]) if key in changes else _alone(measured.get(key), base.get(key)))
        rows.append(tuple(cells))
    columns = (
        Cell("Measurement"),
        Cell(short(found.base.model.name), "base", numeric=True),
        *(Cell(short(side.record.model.name), "change", numeric=True) for side in found.sides),
    )
    return Section(
        "effects",
        "What each cost or gained",
        (Table("Change against the base, over all pillars", columns, tuple(rows)),),
    )


def _measured(record: AuditRecord) -> dict[tuple[str, tuple[tuple[str, str], ...]], Measurement]:
    return {key_of(one.name, one.where): one for _, one in record.measurements()}


def _plain(one: Measurement | None, note: str = "") -> Cell:
    return Cell("not measured") if one is None else Cell(wording.number(one.value, one.unit), note, numeric=True)


def _alone(one: Measurement | None, base: Measurement | None) -> Cell:
    """Return the cell of a figure that is not held against the base's."""
    return _plain(one, "itself: the base has none" if base is None else "itself: measured in another way")


def _effect(one: Any) -> Cell:
    span = "" if one.interval is None else f" ({wording.signed_interval(one.interval)})"
    return Cell(
        f"{wording.signed(one.change, one.unit)}{span}", _WORDS[one.word], numeric=True, strong=one.word == "worse"
    )


def _side(found: Compared, side: Any, number: int) -> Section:
    blocks: list[Block] = []
    if side.notes:
        blocks.append(Bullets(tuple(Item(note, lead="Note. ") for note in side.notes)))
    for word, caption in (("worse", "Worse than the base"), ("better", "Better"), ("other", "Changed")):
        chosen = [one for one in side.changes if one.word == word]
        if chosen:
            blocks.append(_changes(caption, chosen))
    same = [one for one in side.changes if one.word == "undecided"]
    if not any(one.word == "worse" for one in side.changes):
        blocks.insert(0, Paragraph("Nothing is shown to be worse. That is no proof that nothing is.", "note"))
    if same:
        blocks.append(Fold(f"{plural(len(same), 'figure')} not told apart", (_changes("Not told apart", same),)))
    if side.failing:
        shown = side.failing[:FAILING]
        blocks.append(Heading("Examples that fail anew"))
        blocks.append(
            Paragraph(
                f"{len(shown):,} of {plural(len(side.failing), 'example')} shown, the surest mistakes first; "
                "predictions.parquet beside each record holds all.",
                "quiet",
            )
        )
        columns = (Cell("Example"), Cell("True label"), Cell("Decided now"), Cell("Probability", numeric=True))
        rows = tuple(
            (
                Cell(short(one.example, 40)),
                Cell(short(one.label)),
                Cell(short(one.decided)),
                Cell(wording.number(one.probability, ""), numeric=True),
            )
            for one in shown
        )
        blocks.append(Table("Decided rightly by the base, wrongly now", columns, rows))
    return Section(f"model-{number}", f"{short(side.record.model.name)} beside the base", tuple(blocks))


def _changes(caption: str, changes: Sequence[Any]) -> Table:
    columns = (
        Cell("Measurement"),
        Cell("Base", numeric=True),
        Cell("This model", numeric=True),
        Cell("Change", "interval where paired", numeric=True),
        Cell("n", numeric=True),
    )
    rows = tuple(
        (
            Cell(title(one.name), wording.about(one.where).strip()),
            _figure(one.before, one.before_interval, one.unit),
            _figure(one.after, one.after_interval, one.unit),
            Cell(
                wording.signed(one.change, one.unit),
                "not paired" if one.interval is None else wording.signed_interval(one.interval),
                numeric=True,
                strong=True,
            ),
            Cell(f"{one.n:,}", numeric=True),
        )
        for one in changes
    )
    return Table(caption, columns, rows)


def _figure(value: float, interval: Interval | None, unit: str) -> Cell:
    return Cell(wording.number(value, unit), "" if interval is None else wording.interval(interval, unit), numeric=True)
