"""What a comparison of models tells: every figure of one beside the base's, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.record import VOLATILE, AuditRecord, Finding, Verdict

Word = Literal["worse", "better", "other", "undecided"]
"""`other`: changed, where neither direction is better, or where the same audit made again changes it too (times)."""


class Change(NamedTuple):
    """One measurement of one model beside the base's."""

    name: str
    where: Mapping[str, str]
    unit: str
    before: float
    after: float
    before_interval: Interval | None
    after_interval: Interval | None
    change: float
    interval: Interval | None
    """Of the change, where it is paired."""
    n: int
    """People, where it is paired; else of the model's own figure."""
    word: Word

    @property
    def paired(self) -> bool:
        """Whether the change rests on the same examples, one by one."""
        return self.interval is not None


class Failing(NamedTuple):
    """An example that the base decides rightly and the other model does not."""

    example: str
    label: str
    decided: str
    probability: float
    """The other model's, of what it decides."""


@dataclass(frozen=True)
class Side:
    """One model beside the base."""

    record: AuditRecord
    findings: tuple[Finding, ...]
    verdict: Verdict
    changes: tuple[Change, ...]
    """Worse ones first."""
    failing: tuple[Failing, ...]
    mended: int
    """Examples that the base decides wrongly and this model rightly."""
    notes: tuple[str, ...]
    """What could not be compared, and why."""
    settings: tuple[str, ...] = ()
    """Those of `notes` that come from other settings of the two audits."""
    lacking: tuple[str, ...] = ()
    """Figures of the base that this audit was asked for, too, and lacks: nobody knows whether they became worse."""
    unasked: int = 0
    """Figures of the base that this audit was not asked for, or not in the same way."""


@dataclass(frozen=True)
class Comparison:
    """Models beside a base, on the same data, under one policy."""

    base: AuditRecord
    base_findings: tuple[Finding, ...]
    base_verdict: Verdict
    policy: str
    sides: tuple[Side, ...]
    pairs: int
    """Paired changes that hold together."""

    @property
    def lacking(self) -> int:
        """How many figures of the base could not be compared, in all sides together."""
        return sum(len(side.lacking) for side in self.sides)


def apart(before: Measurement, after: Measurement) -> Change:
    """Return two separate figures: told apart where their intervals do not meet."""
    ends = [
        (one.value, one.value) if one.interval is None else (one.interval.low, one.interval.high)
        for one in (before, after)
    ]
    rises, falls = ends[1][0] > ends[0][1], ends[1][1] < ends[0][0]
    better: Better = "neither" if after.name in VOLATILE else after.better
    word: Word = direction(better, rises) if rises or falls else "undecided"
    return Change(
        after.name, after.where, after.unit, before.value, after.value, before.interval, after.interval,
        after.value - before.value, None, after.n, word,
    )  # fmt: skip


def direction(better: Better, rises: bool) -> Word:
    """Return what became of a figure that surely rises, or surely falls."""
    if better == "neither":
        return "other"
    return "better" if rises == (better == "higher") else "worse"
