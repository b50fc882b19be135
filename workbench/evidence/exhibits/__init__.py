"""What a reader looks at: a tagged union, told apart by `kind`. Values only; how it looks is the report's business.

One module for each pillar, and one for the sentences that belong to numbers.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.evidence.exhibits.explanations import (
    ExplanationCheck,
    GroupWord,
    GroupWords,
    MethodQuality,
    PartRead,
    Ranking,
    TokenScores,
    WordEffect,
    WordEffects,
    WordRow,
    WordScore,
    WordTable,
)
from workbench.evidence.exhibits.fairness import (
    GroupSize,
    GroupTable,
    GroupTest,
    GroupTests,
    SwappedText,
    TermPair,
    TokenSwaps,
)
from workbench.evidence.exhibits.note import Note
from workbench.evidence.exhibits.performance import Case, Cases, Confusion, Curve, CurvePoint, Slice, Slices
from workbench.evidence.exhibits.privacy import RecordAtRisk, RecordsAtRisk
from workbench.evidence.exhibits.robustness import (
    Certificate,
    FailingCase,
    FailingCases,
    JudgedRewrite,
    Judgement,
    Reduction,
    Rewrite,
)

Exhibit = Annotated[
    TokenScores
    | ExplanationCheck
    | WordEffects
    | WordTable
    | GroupWords
    | Rewrite
    | JudgedRewrite
    | Certificate
    | Reduction
    | Confusion
    | Curve
    | GroupTable
    | Cases
    | FailingCases
    | TokenSwaps
    | GroupTests
    | Slices
    | RecordsAtRisk
    | Note,
    Field(discriminator="kind"),
]

__all__ = [
    "Case",
    "Cases",
    "Certificate",
    "Confusion",
    "Curve",
    "CurvePoint",
    "Exhibit",
    "ExplanationCheck",
    "FailingCase",
    "FailingCases",
    "GroupSize",
    "GroupTable",
    "GroupTest",
    "GroupTests",
    "GroupWord",
    "GroupWords",
    "JudgedRewrite",
    "Judgement",
    "MethodQuality",
    "Note",
    "PartRead",
    "Ranking",
    "RecordAtRisk",
    "RecordsAtRisk",
    "Reduction",
    "Rewrite",
    "Slice",
    "Slices",
    "SwappedText",
    "TermPair",
    "TokenScores",
    "TokenSwaps",
    "WordEffect",
    "WordEffects",
    "WordRow",
    "WordScore",
    "WordTable",
]
