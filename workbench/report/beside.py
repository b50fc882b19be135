"""The comparison that lies beside a report, told only where its files prove that they are of this very audit.

A comparison is two files, `comparison.json` and `comparison.html`; the page carries the digest of the other. Where one
is missing, the digest is another's, or the audit in it is not the one of the record, there is nothing to tell: what an
earlier audit left behind must never be taken for this one's.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.evidence.measurement import Interval
from workbench.evidence.names import title
from workbench.evidence.record import AuditRecord, Verdict
from workbench.report.blocks import Block, Bullets, Cell, FileLink, Item, Paragraph, Section, Table
from workbench.report.summary import WORDS
from workbench.report.text import plural, short
from workbench.verdict import wording

SECTION = "comparison"
PAGE = "comparison.html"
SHOWN = 10
"""Figures that became worse, in the report; the comparison's own page has all."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Corpus(_Told):
    digest: str


class _Model(_Told):
    name: str
    digest: str
    date: str
    seed: int
    corpus: _Corpus
    verdict: Verdict


class _Change(_Told):
    name: str
    where: dict[str, str]
    before: float
    after: float
    unit: str
    change: float
    interval: Interval | None
    n: int
    word: Literal["worse", "better", "other", "undecided"]


class _Side(_Model):
    changes: tuple[_Change, ...]
    newly_failing: tuple[dict[str, object], ...]
    mended: int
    notes: tuple[str, ...]
    settings: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    unasked: int = 0


class Beside(_Told):
    """What `comparison.json` says of one model beside its base."""

    format_version: Literal[1]
    policy: str
    base: _Model
    models: tuple[_Side]

    @property
    def side(self) -> _Side:
        """The model that the report is about."""
        return self.models[0]

    def having(self, word: str) -> list[_Change]:
        """Return the changes that came out so."""
        return [one for one in self.side.changes if one.word == word]


def digest_of(comparison: str) -> str:
    """Return what the page of a comparison knows the text of its `comparison.json` by."""
    return hashlib.sha256(comparison.encode("utf-8")).hexdigest()


def beside(record: AuditRecord, comparison: str, page: str) -> Beside | None:
    """Return the comparison in the text `comparison` if it and its `page` are of this record's audit, else None.

    Nothing is told of it in a redacted report either: a comparison names single examples.
    """
    if record.redacted or f'content="{digest_of(comparison)}"' not in page:
        return None
    try:
        held = Beside.model_validate_json(comparison)
    except ValidationError:
        return None
    side = held.side
    own = (record.model.digest, record.audit.date, record.audit.seed, record.corpus.digest)
    return held if (side.digest, side.date, side.seed, side.corpus.digest) == own else None


def step(held: Beside) -> Item | None:
    """Return what the person who signs has to weigh; None where nothing is shown to be worse and all was compared."""
    worse, failing, lacking = len(held.having("worse")), len(held.side.newly_failing), len(held.side.lacking)
    if not worse and not failing and not lacking:
        return None
    what = [
        *([plural(worse, "figure is worse", "figures are worse")] if worse else []),
        *([_failing(failing)] if failing else []),
        *([lost(lacking)] if lacking else []),
    ]
    change = "became worse" if worse or failing else "may have become worse"
    return Item(
        f"Weigh what {change} since the audit of {_base(held)}: {', and '.join(what)}.",
        section=SECTION,
        section_title="Comparison",
    )


def limit(held: Beside) -> Item | None:
    """Return that the two audits were made with other settings, and which; None where they were not."""
    if not held.side.settings:
        return None
    return Item(
        f"The comparison with the audit of {_base(held)} is one under other settings: {' '.join(held.side.settings)}",
        section=SECTION,
        section_title="Comparison",
    )


def section(held: Beside) -> Section:
    """Return the section: verdict then and now, what became worse, and the way to the whole comparison."""
    worse, side = held.having("worse"), held.side
    blocks: list[Block] = [
        Paragraph(
            f"Held against the audit of {_base(held)} on the same data, both judged here by the policy "
            f"{short(held.policy)}: {WORDS[held.base.verdict].lower()} then, {WORDS[side.verdict].lower()} now. "
            f"{plural(len(worse), 'figure')} worse, {plural(len(held.having('better')), 'figure')} better; "
            f"{_failing(len(side.newly_failing))}, {plural(side.mended, 'example')} mended."
            f"{f' {lost(len(side.lacking))}.' if side.lacking else ''}"
        ),
        FileLink(PAGE, "The whole comparison, with the examples that fail anew"),
    ]
    if worse:
        blocks.append(_table(worse[:SHOWN]))
    else:
        blocks.append(Paragraph("No figure is shown to be worse. That is no proof that none is.", "note"))
    if len(worse) > SHOWN:
        blocks.append(Paragraph(f"{SHOWN} of {len(worse)} are shown; {PAGE} has all.", "quiet"))
    if side.notes:
        blocks.append(Bullets(tuple(Item(note, lead="Note. ") for note in side.notes)))
    return Section(SECTION, "Comparison with an earlier audit", tuple(blocks))


def lost(lacking: int) -> str:
    """Return how many figures nobody could compare, because an audit that was asked for them lacks them."""
    return f"{plural(lacking, 'figure')} of the base could not be compared"


def _table(changes: list[_Change]) -> Table:
    columns = (
        Cell("Measurement"),
        Cell("Then", numeric=True),
        Cell("Now", numeric=True),
        Cell("Change", "interval where paired", numeric=True),
        Cell("n", numeric=True),
    )
    rows = tuple(
        (
            Cell(title(one.name), wording.about(one.where).strip()),
            Cell(wording.number(one.before, one.unit), numeric=True),
            Cell(wording.number(one.after, one.unit), numeric=True),
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
    return Table("What became worse", columns, rows)


def _base(held: Beside) -> str:
    return f"“{short(held.base.name)}” of {held.base.date[:10]} (sha256 {held.base.digest:.8})"


def _failing(n: int) -> str:
    return plural(n, "example fails anew", "examples fail anew")
