"""What a reader looks at: a tagged union, told apart by `kind`. Values only; how it looks is the report's business."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.evidence.measurement import Facets, Interval
from workbench.evidence.schema import Stored


class WordScore(Stored):
    """One word of a text with its score."""

    start: int = Field(ge=0)
    stop: int = Field(ge=1)
    """The word is text[start:stop]."""
    score: float


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
    """One per token, in units of `output`; positive pushes towards `target`."""
    words: tuple[WordScore, ...] = ()
    """Every word that the model reads with the sum of its tokens' scores; punctuation belongs to none."""
    completeness_gap: float | None = None
    """|sum of scores - (output at text - output at baseline)| / max(|that difference|, 1e-6); None where undefined."""
    baseline: str | None = None
    """What the text is compared with, e.g. 'pad tokens, special tokens kept'."""
    passes: int = Field(ge=0)
    """Forward passes used (sequences through the model)."""
    seed_agreement: float | None = None
    """Spearman correlation of two independent draws of a method that samples until they agree; None for others."""
    precision: str = "float32"
    """What the scores were computed in; 'bfloat16' only where a float32 check on this very text agreed."""

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        if not len(self.tokens) == len(self.spans) == len(self.scores):
            raise ValueError("tokens, spans and scores must have equal length")
        return self


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


class Rewrite(Stored):
    """What an attack made of one text."""

    kind: Literal["rewrite"] = "rewrite"
    example: str
    recipe: str
    outcome: Literal["succeeded", "resisted", "exhausted", "skipped", "failed"]
    """`skipped`: the model was wrong already; `exhausted`: query budget spent; `failed`: the attack itself crashed."""
    label: str
    """True label."""
    original: str
    rewritten: str | None
    """None unless succeeded."""
    predicted_before: str
    predicted_after: str | None
    probability_before: float = Field(ge=0, le=1)
    """Model's probability of the true label before."""
    probability_after: float | None = Field(default=None, ge=0, le=1)
    queries: int = Field(ge=0)
    words_changed: int | None = None
    similarity: float | None = Field(default=None, ge=-1, le=1)
    """Cosine of the two texts' embeddings by the default sentence encoder; None unless succeeded, or without it."""
    words: int = Field(ge=0)
    search_precision: str = "float32"
    """What the search that gave this outcome computed in. A success is always confirmed in float32."""
    unconfirmed: bool = False
    """A search in bfloat16 claimed a success that float32 did not confirm; the outcome is that of a float32 search."""
    repeated: Literal["agreed", "missed"] | None = None
    """A text that resisted a search in bfloat16 and was searched again in float32, and whether that found a success."""
    error: str | None = None
    person: int | None = Field(default=None, ge=0)
    """Whose text it is: equal numbers, same person. The number means nothing else."""


class Judgement(Stored):
    """What one person says about a rewrite."""

    judge: str
    """Who, by the name given; the file's where none was."""
    label_kept: Literal["yes", "no", "unsure"]
    """Whether the rewritten text still deserves its label."""
    comment: str = ""


class JudgedRewrite(Stored):
    """What people say about a successful rewrite: only where it keeps its label is the new decision a mistake."""

    kind: Literal["judged_rewrite"] = "judged_rewrite"
    example: str
    recipe: str
    judgements: tuple[Judgement, ...] = Field(min_length=1)
    """One per judge."""

    @property
    def kept(self) -> float:
        """Share of the judges who say yes."""
        return sum(one.label_kept == "yes" for one in self.judgements) / len(self.judgements)


class Reduction(Stored):
    """What is left of one text when words are taken away while the decision stays."""

    kind: Literal["reduction"] = "reduction"
    example: str
    outcome: Literal["reduced", "exhausted", "failed"]
    """`exhausted`: query budget spent, so more words might go; `failed`: the reduction itself crashed."""
    label: str
    """True label."""
    decided: str
    """The label decided, before and after."""
    original: str
    reduced: str | None
    """None where it failed."""
    words: int = Field(ge=0)
    words_left: int | None = Field(default=None, ge=0)
    probability_before: float = Field(ge=0, le=1)
    """Model's probability of the label decided."""
    probability_after: float | None = Field(default=None, ge=0, le=1)
    queries: int = Field(ge=0)
    error: str | None = None


class Certificate(Stored):
    """What is proved of a smoothed model's decision about one text, whichever of its words are replaced."""

    kind: Literal["certificate"] = "certificate"
    example: str
    label: str
    """True label."""
    decided: str | None
    """None where no label was shown to have more than half of the votes: the smoothed model abstains."""
    words: int = Field(ge=0)
    kept: int = Field(ge=0)
    """Words shown to the model at a time."""
    lower: float = Field(ge=0, le=1)
    """At least so large is the chosen label's share of the votes."""
    radius: int | None = Field(ge=0)
    """Words that may be replaced without changing the decision; None where it abstains."""
    draws: int = Field(ge=1)
    """Texts that the model was asked about."""
    exact: bool
    """Whether these were all there are; otherwise `lower` rests on random draws."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.decided is None) != (self.radius is None):
            raise ValueError("a decision has a radius, and an abstention none")
        return self

    def holds(self, radius: int) -> bool:
        """Return whether the decision is right and certified at `radius` at least."""
        return self.decided == self.label and self.radius is not None and self.radius >= radius


class Confusion(Stored):
    """Counts of decided against true labels."""

    kind: Literal["confusion"] = "confusion"
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """Rows: true label; columns: decided label."""


class CurvePoint(Stored):
    """One point of a curve with its uncertainty."""

    x: float
    y: float
    low: float
    high: float
    n: int = Field(ge=1)


class Curve(Stored):
    """A measured curve, e.g. a reliability diagram."""

    kind: Literal["curve"] = "curve"
    name: str
    """e.g. 'reliability', 'roc', 'threshold_sweep'."""
    x_label: str
    y_label: str
    points: tuple[CurvePoint, ...]
    reference: Literal["diagonal", "none"] = "none"
    method: str
    """How low and high were computed."""
    where: Facets = Field(default_factory=dict)
    x_scale: Literal["linear", "log"] = "linear"


class GroupSize(Stored):
    """How many examples and people one group has, and how many per label."""

    group: str
    n: int = Field(ge=0)
    people: int = Field(ge=0)
    by_label: dict[str, int]


class GroupTable(Stored):
    """The sizes of the groups of one attribute: first thing to read before any rate."""

    kind: Literal["group_table"] = "group_table"
    attribute: str
    groups: tuple[GroupSize, ...]
    too_small: tuple[str, ...] = ()
    """Groups whose rates are shown but not compared, because they are smaller than the probe's stated minimum."""


class GroupTest(Stored):
    """A permutation test of one criterion between the groups of one attribute."""

    attribute: str
    criterion: str
    """e.g. 'equalized_odds'"""
    null: str
    """The null hypothesis in words."""
    groups: int = Field(ge=2)
    n: int = Field(ge=2)
    """People among whom groups were dealt anew."""
    gap: float = Field(ge=0, le=1)
    """Largest difference between two of the groups."""
    p: float = Field(gt=0, le=1)
    adjusted: float = Field(gt=0, le=1)
    """p, adjusted over all tests of the table."""


class GroupTests(Stored):
    """Tests of whether chance alone could make groups so different; one family."""

    kind: Literal["group_tests"] = "group_tests"
    tests: tuple[GroupTest, ...]
    permutations: int = Field(ge=1)
    """How often groups were dealt anew in each test."""
    further: int = Field(default=0, ge=0)
    """How often more where that left p below 0.05, so that of many tests an adjusted p can still be small."""
    adjustment: str
    """Of the p-values over all tests of the table, e.g. 'Benjamini-Yekutieli'."""


class Case(Stored):
    """One audited example that a reader may want to see."""

    example: str
    text: str
    label: str
    predicted: str
    probability: float = Field(ge=0, le=1)
    """Probability of the predicted label."""
    groups: dict[str, str] = Field(default_factory=dict)


class Cases(Stored):
    """A capped list of examples, e.g. the most confident mistakes."""

    kind: Literal["cases"] = "cases"
    title: str
    cases: tuple[Case, ...]
    total: int = Field(ge=0)
    """How many there are in all; `cases` may hold fewer."""


class FailingCase(Stored):
    """One text that fails a behavioural test."""

    example: str
    """Example id, or '' for a text from a template."""
    text: str
    before: str | None
    """The text that it was made from; None for a text from a template."""
    label: str | None
    """The label that the test is about; None where the decision must only stay."""
    tolerance: float = Field(ge=0, le=1)
    """By how much the label's probability may fall."""
    decided_before: str | None
    decided: str
    watched: str
    """The label whose probabilities are given: the test's, or the one decided."""
    probability_before: float | None = Field(default=None, ge=0, le=1)
    probability: float = Field(ge=0, le=1)


class FailingCases(Stored):
    """The texts that fail one behavioural test."""

    kind: Literal["failing_cases"] = "failing_cases"
    behaviour: str
    test: Literal["minimum functionality", "invariance", "directional"]
    cases: tuple[FailingCase, ...]
    total: int = Field(ge=0)
    """How many fail in all; `cases` may hold fewer."""
    of: int = Field(ge=1)
    """Cases of the test."""


class TermPair(Stored):
    """Two terms that stood for each other in texts, and what the swap did."""

    first: str
    second: str
    """Without case; of the swap's first and second group."""
    n: int = Field(ge=1)
    """Texts in which this was among the terms swapped."""
    people: int = Field(ge=1)
    flips: int = Field(ge=0)
    flip_interval: Interval
    change: float = Field(ge=-1, le=1)
    """Mean of the positive label's probability with `second` less that with `first`."""
    change_interval: Interval | None = None
    """None where too few people wrote the texts."""


class SwappedText(Stored):
    """One text, and the same with the terms of two groups exchanged."""

    example: str
    before: str
    after: str
    decided_before: str
    decided: str
    probability_before: float = Field(ge=0, le=1)
    """Of the positive label."""
    probability: float = Field(ge=0, le=1)


class TokenSwaps(Stored):
    """What exchanging the terms of two groups did to the decisions: the terms, and the texts decided otherwise."""

    kind: Literal["token_swaps"] = "token_swaps"
    swap: str
    """As in the measurements' facet."""
    first: str
    second: str
    """The groups."""
    positive: str
    """The label whose probability is the score."""
    source: str
    """Where the list of terms is from."""
    added: bool
    """Whether the terms were put before the texts, because too few mention the groups."""
    terms: tuple[TermPair, ...]
    """The most frequent first; it may hold fewer than were swapped."""
    flipped: tuple[SwappedText, ...]
    """Those whose score changed most; it may hold fewer than `total`."""
    total: int = Field(ge=0)
    """Texts decided otherwise."""
    of: int = Field(ge=1)
    """Texts swapped."""


class Slice(Stored):
    """A part of the data that looked worse than the rest on one half, and how it does on the other."""

    name: str
    """The rule that makes it, e.g. 'words <= 12'."""
    n_found: int = Field(ge=1)
    people_found: int = Field(ge=1)
    error_found: float = Field(ge=0, le=1)
    """Share of wrong decisions on the half where it was found: too high on average, because it was chosen for it."""
    n: int = Field(ge=1)
    people: int = Field(ge=1)
    error: float = Field(ge=0, le=1)
    """On the half held out."""
    interval: Interval
    rest: float = Field(ge=0, le=1)
    """Share of wrong decisions on the rest of the half held out."""
    p: float = Field(ge=0, le=1)
    """That chance alone makes it so much worse than the rest of the half held out; adjusted for all slices tested."""
    confirmed: bool


class Slices(Stored):
    """The slices that looked worst on one half of the people, with their errors on the other."""

    kind: Literal["slices"] = "slices"
    slices: tuple[Slice, ...]
    """Every one that was tested, whatever came of it; the worst on the half held out first."""
    looked_at: int = Field(ge=0)
    """Candidates on the first half, of which the tested ones are the worst."""
    minimum: int = Field(ge=1)
    """Fewest people of a slice, on either half."""
    overall: float = Field(ge=0, le=1)
    """Share of wrong decisions on the half held out."""
    people_found: int = Field(ge=1)
    people: int = Field(ge=1)
    """On the half where slices were found, and on the one held out."""
    level: float = Field(gt=0, lt=1)
    """Chance of any false confirmation, at most."""
    method: str
    """How slices were tested."""


class RecordAtRisk(Stored):
    """One training record that an attack found."""

    example: str
    label: str
    score: float
    """Of the attack; higher: more likely learned from."""


class RecordsAtRisk(Stored):
    """The training records that an attack on membership is surest of."""

    kind: Literal["records_at_risk"] = "records_at_risk"
    attack: str
    fpr: float = Field(gt=0, lt=1)
    """Share of those not learned from that score as high: these would be accused wrongly."""
    records: tuple[RecordAtRisk, ...]
    """The highest scores first; it may hold fewer than `total`."""
    total: int = Field(ge=1)
    """Members that score so high."""
    of: int = Field(ge=1)
    """Members in all."""


class Note(Stored):
    """A sentence that a reader of the numbers must know, e.g. a caveat found while measuring."""

    kind: Literal["note"] = "note"
    text: str

    @property
    def not_given(self) -> tuple[str, ...]:
        """The metrics that it says are missing: it begins '<metric> is not given', or 'does not apply'."""
        found = _MISSING.match(self.text)
        return () if found is None else tuple(re.split(", | and ", found["metrics"]))

    @property
    def by_nature(self) -> bool:
        """Whether they are missing because they do not apply to this model or these texts."""
        found = _MISSING.match(self.text)
        return found is not None and found["why"].endswith("apply")


_MISSING = re.compile(
    r"(?P<metrics>[a-z][a-z0-9_]*(?:(?:, | and )[a-z][a-z0-9_]*)*) "
    r"(?P<why>(?:is|are) not given|(?:does|do) not apply)\b"
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
