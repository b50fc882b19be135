"""What a reader sees of explanations: words and what they are worth to a decision."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.evidence.measurement import Interval
from workbench.evidence.schema import Stored

DRAWS_AGREE = 0.9
"""Spearman correlation from which on two draws of a method that samples are said to rank the words alike."""


class WordScore(Stored):
    """One word of a text with its score."""

    start: int = Field(ge=0)
    stop: int = Field(ge=1)
    """The word is text[start:stop]."""
    score: float


class PartRead(Stored):
    """The part of a text that the model reads, where it leaves words unread."""

    start: int | None = Field(ge=0)
    stop: int | None = Field(ge=1)
    """The part is text[start:stop]; None where the text is withheld."""
    words: int = Field(ge=0)
    """Words of that part; one that is cut in two counts."""
    of: int = Field(ge=1)
    """Words of the whole text."""


class TokenScores(Stored):
    """How much each token of one text moved the model's output for one label (an attribution)."""

    kind: Literal["token_scores"] = "token_scores"
    example: str
    """Example id, or '' for a text that is in no corpus."""
    text: str
    method: str
    """Registered name of the attributor."""
    target: str
    """The label explained."""
    versus: str | None = None
    """The label that it is set against, for 'why this rather than that'; the output is then a difference of two."""
    output: str
    """What the scores add up to, e.g. 'logit'."""
    probability: float = Field(ge=0, le=1)
    """The model's probability for `target`."""
    label: str | None = None
    """True label, where known."""
    predicted: str | None = None
    """Decided label under the audit's decision rule."""
    chosen_as: str | None = None
    """What this text is an example of, e.g. 'Confident and wrong'; None where nobody chose it."""
    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Character span [start, end) of each token in `text`; (0, 0) for special tokens."""
    scores: tuple[float, ...]
    """One per token, in units of `output`. Where `signed`, positive pushes towards `target`, negative away from it."""
    signed: bool = True
    """Scores say which way a token pushes. False: at least 0, they say how strongly it moves the output, no more."""
    read: PartRead | None = None
    """None where the model leaves no word of the text unread, or does not tell."""
    words: tuple[WordScore, ...] = ()
    """Every word that the model reads with the sum of its tokens' scores; punctuation belongs to none."""
    completeness_gap: float | None = None
    """|sum of scores - (output at text - output at baseline)| / max(|that difference|, 1e-6); None where undefined."""
    baseline: str | None = None
    """What the text is compared with, e.g. 'pad tokens, special tokens kept'."""
    passes: int = Field(ge=0)
    """Forward passes used (sequences through the model)."""
    seed_agreement: float | None = None
    """Spearman correlation of two independent draws of a method that samples until they agree, or until a cap of its
    own; None for others."""
    precision: str = "float32"
    """What the scores were computed in; 'bfloat16' only where a float32 check on this very text agreed."""

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        if not len(self.tokens) == len(self.spans) == len(self.scores):
            raise ValueError("tokens, spans and scores must have equal length")
        return self

    @property
    def span_read(self) -> tuple[int, int]:
        """The part that the model reads is text[start:stop]: the whole text, unless another is known."""
        if self.read is None or self.read.start is None or self.read.stop is None:
            return 0, len(self.text)
        return self.read.start, self.read.stop


class MethodQuality(Stored):
    """What one method's explanation of one text is worth."""

    attributor: str
    """Registered name, or 'random@1' for the mean of several random orders of the words."""
    values: dict[str, float]
    """'metric', or 'metric/removal' where what a missing word leaves behind makes a difference, to its value."""
    scores: TokenScores | None = None


class ExplanationCheck(Stored):
    """Several methods' explanations of one text, and what each is worth."""

    kind: Literal["explanation_check"] = "explanation_check"
    example: str
    target: str
    """The label explained: the one decided."""
    label: str
    """True label."""
    words: int = Field(ge=0)
    methods: tuple[MethodQuality, ...]
    absent: dict[str, str] = Field(default_factory=dict)
    """Methods that gave no explanation, and why."""


class WordEffect(Stored):
    """One word of one text: what it contributed, and whether the decision hangs on it."""

    start: int = Field(ge=0)
    stop: int = Field(ge=1)
    score: float
    flips: bool
    """Without it, the decision is another."""


class WordEffects(Stored):
    """Every word of one explained text."""

    kind: Literal["word_effects"] = "word_effects"
    example: str
    text: str
    target: str
    """The label decided, which is the one explained."""
    label: str
    """True label."""
    output: str
    """Unit of the scores."""
    words: tuple[WordEffect, ...]


Ranking = Literal["push", "errors", "phrases", "strength", "flips"]
"""By mean contribution (in all texts; in those decided wrongly; of phrases), by mean absolute contribution (words not
among the former), or by decisions that change without the word."""


class WordRow(Stored):
    """One word, or one phrase, over all texts of a table that hold it."""

    word: str
    """Without case."""
    n: int = Field(ge=1)
    """Texts that hold it."""
    mean: float
    """Mean over these texts of its contribution, all its occurrences in a text together."""
    interval: Interval | None
    """None where it is the same in every text: no spread tells how sure the mean is."""
    mean_absolute: float = Field(ge=0)
    flips: int | None = Field(default=None, ge=0)
    """Texts whose decision is another without one occurrence of it; None for a phrase, which was not taken away."""
    flip_interval: Interval | None = None
    """Of the share of such texts."""


class WordTable(Stored):
    """The largest words, or phrases, of one kind over many texts."""

    kind: Literal["word_table"] = "word_table"
    title: str
    by: Ranking = "push"
    target: str | None
    """The label decided; None for texts of any decision."""
    method: str
    output: str
    """Unit of the contributions."""
    texts: int = Field(ge=0)
    """Explained texts with that decision."""
    least: int = Field(ge=1)
    """Words in fewer texts are left out."""
    rows: tuple[WordRow, ...]


class GroupWord(Stored):
    """A word that tells which group a text is from, and how much the model makes of it."""

    word: str
    """Without case."""
    attribute: str
    group: str
    share: float = Field(ge=0, le=1)
    """Of the corpus's texts with the word, those of the group."""
    share_interval: Interval
    base: float = Field(ge=0, le=1)
    """Of all texts, those of the group."""
    n: int = Field(ge=1)
    """Texts of the corpus with the word."""
    explained: int = Field(ge=1)
    """Explained texts with the word."""
    strength: float = Field(ge=0)
    """Mean over these of the size of its contribution."""
    strength_interval: Interval | None
    """None where it is the same in every text: no spread tells how sure the mean is."""
    stronger_than: float = Field(ge=0, le=1)
    """Share of the other words compared whose strength is less."""
    flips: int = Field(ge=0)
    """Explained texts whose decision is another without one occurrence of it."""
    flip_interval: Interval


class GroupWords(Stored):
    """Words that tell a group, those that the model makes most of first."""

    kind: Literal["group_words"] = "group_words"
    method: str
    output: str
    """Unit of the contributions."""
    texts: int = Field(ge=0)
    """Explained texts."""
    least: int = Field(ge=1)
    """Words in fewer explained texts are left out."""
    compared: int = Field(ge=0)
    """Words that are in enough of them, whether or not they tell a group."""
    rows: tuple[GroupWord, ...]
