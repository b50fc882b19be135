"""What becomes of every field of a record that is redacted: a table without defaults, so that nothing new slips by.

A type or field that stands in no rule is an error (see `redact`), never a leak. Before a row is added here, ask what
its values can hold: a text of the data, a part or a word of one, whose it is, or a sentence that may quote one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from workbench.evidence import cards, exhibits, mitigation
from workbench.evidence.decision import Decision
from workbench.evidence.effort import Effort
from workbench.evidence.group_rule import Cut, GroupCut, GroupRule
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import (
    AuditRecord,
    AuditSettings,
    Environment,
    Evidence,
    Failed,
    Finding,
    Measured,
    NotApplicable,
)
from workbench.evidence.schema import Stored


class Fate(Enum):
    """What becomes of one field."""

    KEEP = "keep"
    """Numbers, names that we gave, labels, names of attributes and of groups large enough."""
    TEXT = "text"
    """A keyed hash and the length."""
    NAME = "name"
    """A keyed hash: ids, and who judged."""
    WORD = "word"
    """A keyed hash, too; but a word stands in other sentences by itself, and is no quotation there."""
    SAID = "said"
    """A sentence of ours: withheld where it names a group that is withheld."""
    ERROR = "error"
    """What an exception said: its type and place stay."""
    WITHHELD = "withheld"
    """One word, whatever it was."""
    GROUPS = "groups"
    """Groups of the attribute that a number is about: those withheld lose their names."""
    EMPTY = "empty"
    """Nothing is left: None, (), or {}."""
    INSIDE = "inside"
    """A value of ours, or several: each by its own rule."""


Rule = Mapping[str, Fate]


def _rule(keep: str = "", **others: str) -> Rule:
    """Return field -> fate, from fates (`keep` first) and the fields of each, separated by spaces."""
    told = {"keep": keep, **others}
    return MappingProxyType({field: Fate(fate) for fate, fields in told.items() for field in fields.split()})


DROPPED: frozenset[type[Stored]] = frozenset({exhibits.WordTable, exhibits.GroupWords, exhibits.WordEffects})
"""Exhibits that are words, and nothing without them."""

_RECORD: Mapping[type[Stored], Rule] = {
    AuditRecord: _rule(
        "schema_version", inside="model training mitigation corpus environment audit evidence findings effort"
    ),
    AuditSettings: _rule(
        "seed profile split limit positive_label label_map crossed precision search_precision search_reason shapes "
        "policy policy_digest date ledger_count rests_on",
        inside="decision",
        withheld="command",
    ),
    Decision: _rule("rule threshold", inside="by_group"),
    GroupRule: _rule("attribute positive_label unknown overall mix", inside="groups"),
    GroupCut: _rule("group n first_share second_share ignored constant", inside="first second"),
    Cut: _rule("takes at"),
    Effort: _rule("step grows complete asked sequences tokens computed_tokens seconds model_seconds"),
    Environment: _rule("python platform device processor threads versions code"),
    Evidence: _rule("probe params seed seconds", inside="result"),
    Measured: _rule("outcome", inside="measurements exhibits"),
    NotApplicable: _rule("outcome missing", said="reason"),
    Failed: _rule("outcome", error="error"),
    Measurement: _rule("name value unit better n where", inside="interval", groups="left_out"),
    Interval: _rule("low high level method"),
    Finding: _rule(
        "criterion severity verdict why measurement where bound probe owner", said="because", inside="evidence"
    ),
}

_CARDS: Mapping[type[Stored], Rule] = {
    cards.ModelCard: _rule("name digest files architecture base task labels max_length parameters bytes"),
    cards.CorpusCard: _rule(
        "name digest source licence split n people labels groups repeated words_median words_max in_training truncated",
        inside="dropped",
    ),
    cards.Dropped: _rule("reason n"),
    cards.TrainingCard: _rule(
        "recipe backbone_digest fingerprints best_step steps stopped class_weights device processes precision seconds "
        "date code versions resumed",
        inside="corpus curve augmentation privacy",
        withheld="validation_report test_report",
        empty="group_weights",
    ),
    cards.EpochPoint: _rule("epoch step train_loss validation_loss validation_accuracy validation_roc_auc"),
    cards.AugmentationCard: _rule("families primary_attack rewritings", inside="rounds"),
    cards.AttackRound: _rule("epoch drawn attacked failed succeeded seconds"),
    cards.PrivacyCard: _rule(
        "epsilon delta unit records units left_out neighbours sampling sample_rate units_public batch "
        "noise_multiplier max_grad_norm steps lost clipping noise trainable runs epsilon_of_runs "
        "delta_of_runs checks not_covered unprotected",
        inside="accountants before",
    ),
    mitigation.MitigationCard: _rule(
        "method base base_digest attribute constraint objective slack mix gap private_base",
        inside="fitted_on trade_off held_out",
        empty="left_out",
        withheld="public",
    ),
    mitigation.TradeOff: _rule("setting drawn", inside="accuracy gap"),
    mitigation.HeldOut: _rule(
        "drawn overall",
        inside="corpus accuracy_before accuracy_after gained gap_before gap_after narrowed",
    ),
    mitigation.Figure: _rule("value n", inside="interval"),
    cards.PaidSteps: _rule("noise_multiplier sample_rate steps"),
    cards.Reckoned: _rule("accountant library epsilon error"),
}

_EXHIBITS: Mapping[type[Stored], Rule] = {
    exhibits.TokenScores: _rule(
        "kind method target versus output probability label predicted chosen_as completeness_gap baseline passes "
        "seed_agreement signed precision",
        name="example",
        text="text",
        inside="read",
        empty="tokens spans scores words",
    ),
    exhibits.PartRead: _rule("words of", empty="start stop"),
    exhibits.WordScore: _rule("start stop score"),
    exhibits.MethodQuality: _rule("attributor values", empty="scores"),
    exhibits.ExplanationCheck: _rule("kind target label words", name="example", inside="methods", empty="absent"),
    exhibits.WordEffects: _rule("kind target label output", name="example", text="text", empty="words"),
    exhibits.WordEffect: _rule("start stop score flips"),
    exhibits.WordTable: _rule("kind title by target method output texts least", empty="rows"),
    exhibits.WordRow: _rule("n mean mean_absolute flips", word="word", inside="interval flip_interval"),
    exhibits.GroupWords: _rule("kind method output texts least compared", empty="rows"),
    exhibits.GroupWord: _rule(
        "attribute group share base n explained strength stronger_than flips",
        word="word",
        inside="share_interval strength_interval flip_interval",
    ),
    exhibits.Rewrite: _rule(
        "kind recipe outcome label predicted_before predicted_after probability_before probability_after queries "
        "words_changed similarity words search_precision unconfirmed repeated",
        name="example",
        text="original rewritten",
        empty="person",
        error="error",
    ),
    exhibits.JudgedRewrite: _rule("kind recipe", name="example", inside="judgements"),
    exhibits.Judgement: _rule("label_kept", name="judge", text="comment"),
    exhibits.Reduction: _rule(
        "kind outcome label decided words words_left probability_before probability_after queries",
        name="example",
        text="original reduced",
        error="error",
    ),
    exhibits.Certificate: _rule("kind label decided words kept lower radius draws exact", name="example"),
    exhibits.Confusion: _rule("kind labels counts"),
    exhibits.Curve: _rule("kind name x_label y_label reference method where x_scale", inside="points"),
    exhibits.CurvePoint: _rule("x y low high n"),
    exhibits.GroupTable: _rule("kind attribute too_small", inside="groups"),
    exhibits.GroupSize: _rule("group n people by_label"),
    exhibits.Cases: _rule("kind title total", inside="cases"),
    exhibits.Case: _rule("label predicted probability", name="example", text="text", empty="groups"),
    exhibits.FailingCases: _rule("kind behaviour test total of", inside="cases"),
    exhibits.FailingCase: _rule(
        "label tolerance decided_before decided watched probability_before probability",
        name="example",
        text="text before",
    ),
    exhibits.TokenSwaps: _rule("kind swap first second positive source added total of", empty="terms flipped"),
    exhibits.TermPair: _rule("n people flips change", word="first second", inside="flip_interval change_interval"),
    exhibits.SwappedText: _rule(
        "decided_before decided probability_before probability", name="example", text="before after"
    ),
    exhibits.GroupTests: _rule("kind permutations further adjustment", inside="tests"),
    exhibits.GroupTest: _rule("attribute criterion null groups n gap p adjusted"),
    exhibits.Slices: _rule("kind looked_at minimum overall people_found people level method", inside="slices"),
    exhibits.Slice: _rule(
        "name n_found people_found error_found n people error rest p confirmed", inside="interval"
    ),
    exhibits.RecordsAtRisk: _rule("kind attack fpr total of", empty="records"),
    exhibits.RecordAtRisk: _rule("label score", name="example"),
    exhibits.Note: _rule("kind", said="text"),
}  # fmt: skip

RULES: Mapping[type[Stored], Rule] = MappingProxyType({**_RECORD, **_CARDS, **_EXHIBITS})
"""Every type that a record can hold, and every field of it."""
